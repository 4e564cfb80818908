package saleapptest

import (
	"encoding/json"
	"strconv"
)

// Order is an order as GET answers it: the fields and their order are those of the
// document's sample answer. Every scalar is a string.
type Order struct {
	ID               string          `json:"id"`
	Number           string          `json:"number"`
	ExternalID       string          `json:"external_id"`
	StatusID         string          `json:"status_id"`
	DeliveryTypeName string          `json:"delivery_type_name"`
	DeliveryTypes    string          `json:"delivery_types"`
	ReceiverName     string          `json:"receiver_name"`
	ReceiverPhone    string          `json:"receiver_phone"`
	City             string          `json:"city"`
	CityRef          string          `json:"city_ref"`
	Addres           string          `json:"addres"`
	BranchRef        string          `json:"branch_ref"`
	InsuranceAmount  string          `json:"insurance_amount"`
	DeliveryAmount   string          `json:"delivery_amount"`
	TypeIDs          string          `json:"type_ids"` // as they were sent: "8,3"
	TTN              string          `json:"ttn,omitempty"`
	TTNRef           string          `json:"ttn_ref,omitempty"`
	SeatsNumber      string          `json:"seats_number,omitempty"`
	DateEntered      string          `json:"date_entered"` // Y-m-d H:i:s
	DateUpdate       string          `json:"date_update"`  // Y-m-d H:i:s
	Type             []Tag           `json:"type"`
	Products         []Product       `json:"products"`
	CustomFields     json.RawMessage `json:"custom_fields,omitempty"` // an object, its scalars as strings
	Funnel           string          `json:"funnel,omitempty"`
	FunnelName       string          `json:"funnel_name,omitempty"`
	StatusName       string          `json:"status_name"`
}

// Tag is one of an order's tags (the vendor's model OrdersTags).
type Tag struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Product is a line of an order as GET answers it.
type Product struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	SKU             string         `json:"sku"`
	ExternalID      string         `json:"external_id"` // "0" where the product has none
	Qty             string         `json:"qty"`
	AllocatedQty    string         `json:"allocated_qty"`
	Cost            string         `json:"cost"`
	DiscountPercent string         `json:"discount_percent"`
	SupplierIDs     []SupplierCode `json:"supplier_ids"`
}

// SupplierCode is what a supplier calls a product. Code is what a request calls
// supplier_id; SupplierID is the supplier's own id in SaleApp.
type SupplierCode struct {
	Code       string `json:"code"`
	SupplierID string `json:"supplier_id"`
}

// StoredOrder is an order with what GET does not tell.
type StoredOrder struct {
	Order
	ClientID    string `json:"client_id"`
	CurencyID   string `json:"curency_id"`
	WarehouseID string `json:"warehouse_id"`
	// Writes is how many times the API created or changed the order: 1 after POST.
	Writes int `json:"writes"`
}

// Write is one committed write.
type Write struct {
	// Sequence counts writes from 1.
	Sequence   int    `json:"sequence"`
	Verb       string `json:"verb"` // POST, PUT or DELETE
	ID         string `json:"id"`
	ExternalID string `json:"external_id"`
	ClientID   string `json:"client_id"`
	// Addres is the order's addres after the write, so that of several writes of an
	// order it can be told which one was which.
	Addres string `json:"addres"`
}

// Deletion names one deleted order in the answer to DELETE.
type Deletion struct {
	ID         string `json:"id"`
	Number     string `json:"number"`
	ExternalID string `json:"external_id"`
}

// Progress is a change that staff makes; nil fields stay as they are. At status 1
// (fully reserved) every line's allocated_qty becomes its qty.
type Progress struct {
	StatusID    *int    `json:"status_id"`
	TTN         *string `json:"ttn"`
	TTNRef      *string `json:"ttn_ref"`
	SeatsNumber *int    `json:"seats_number"`
}

// deliveryTypes is the vendor's dictionary deliveryType; there is no 4 in it.
var deliveryTypes = map[string]string{
	"1": "Самовивіз",
	"2": "Своя доставка",
	"3": "Нова Пошта відділення",
	"5": "Нова Пошта адреса",
}

// fullyReserved is the status in which all of an order's products are allocated.
const fullyReserved = 1

// lastDeletable is the last of the statuses 0, 1 and 2 that may be deleted.
const lastDeletable = 2

// statusName names a status. The document names only those that may be deleted.
func statusName(id int) string {
	switch id {
	case 0:
		return "Новий"
	case fullyReserved:
		return "Повністю зарезервований"
	case lastDeletable:
		return "Частково зарезервований"
	}
	return "Статус " + strconv.Itoa(id)
}
