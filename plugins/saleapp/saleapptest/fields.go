package saleapptest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// newOrder makes an order of POST's fields, or says all that is wrong with them.
func (s *Server) newOrder(c caller, f form) (StoredOrder, []string) {
	var problems []string
	o := StoredOrder{}
	if c.bound != nil {
		o.ClientID, o.CurencyID, o.WarehouseID = c.bound.ClientID, c.bound.CurencyID, c.bound.WarehouseID
	} else {
		for _, field := range []struct {
			name string
			to   *string
		}{{"client_id", &o.ClientID}, {"curency_id", &o.CurencyID}, {"warehouse_id", &o.WarehouseID}} {
			if *field.to = f.text(field.name); *field.to == "" {
				problems = append(problems, "Не заповнено поле "+field.name+": воно обов'язкове для ключа організації")
			}
		}
	}
	if f.text("delivery_types") == "" {
		problems = append(problems, "Не заповнено поле delivery_types")
	}
	problems = append(problems, checkDelivery(f)...)
	problems = append(problems, checkAmounts(f)...)

	tags, problem := s.tags(f.text("type"))
	problems = appendProblem(problems, problem)
	custom, problem := customFields(f.text("custom_fields"))
	problems = appendProblem(problems, problem)
	funnel := f.text("funnel")
	if funnel != "" && !isDigits(funnel) {
		problems = append(problems, fmt.Sprintf("Поле funnel має бути ідентифікатором воронки, отримано %q", funnel))
	}
	lines, more := s.products(c, f.text("products"))
	problems = append(problems, more...)
	if len(problems) > 0 {
		return StoredOrder{}, problems
	}

	o.ExternalID = f.text("external_id")
	o.InsuranceAmount, o.DeliveryAmount = "0", "0"
	setDelivery(&o, f)
	o.TypeIDs, o.Type = f.text("type"), tags
	o.Products = lines
	o.CustomFields = custom
	if funnel != "" {
		o.Funnel, o.FunnelName = funnel, s.catalog.funnel(funnel)
	}
	return o, nil
}

// changes makes PUT's fields into a change, or says all that is wrong with them.
// Of POST's fields, funnel is not processed, custom_fields is not listed, and
// external_id and client_id only search.
func (s *Server) changes(c caller, f form) (func(*StoredOrder), []string) {
	var problems []string
	if f.text("delivery_types") == "" && f.has("city", "city_ref", "addres", "branch_ref") {
		problems = append(problems, "Не заповнено поле delivery_types: воно обов'язкове при зміні міста, відділення та адреси доставки")
	}
	problems = append(problems, checkDelivery(f)...)
	problems = append(problems, checkAmounts(f)...)
	tags, problem := s.tags(f.text("type"))
	problems = appendProblem(problems, problem)
	var lines []Product
	if f.text("products") != "" {
		var more []string
		lines, more = s.products(c, f.text("products"))
		problems = append(problems, more...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return func(o *StoredOrder) {
		if c.bound == nil {
			replace(&o.CurencyID, f.text("curency_id"))
			replace(&o.WarehouseID, f.text("warehouse_id"))
		}
		setDelivery(o, f)
		if f.has("type") {
			o.TypeIDs, o.Type = f.text("type"), tags
		}
		if lines != nil {
			o.Products = lines
		}
	}, nil
}

// checkDelivery holds a delivery type to its dictionary and to the references that
// it requires. It says nothing if none was sent.
func checkDelivery(f form) []string {
	kind := f.text("delivery_types")
	if kind == "" {
		return nil
	}
	if _, ok := deliveryTypes[kind]; !ok {
		return []string{fmt.Sprintf("Невідомий тип доставки delivery_types %q: є 1, 2, 3, 5", kind)}
	}
	var problems []string
	if kind != "1" && kind != "2" && f.text("city_ref") == "" {
		problems = append(problems, "Не заповнено поле city_ref: воно обов'язкове, якщо delivery_types не дорівнює 1 або 2")
	}
	if kind == "3" && f.text("branch_ref") == "" {
		problems = append(problems, "Не заповнено поле branch_ref: воно обов'язкове, якщо delivery_types дорівнює 3")
	}
	return problems
}

// checkAmounts refuses amounts with a fraction, or that are no numbers.
func checkAmounts(f form) []string {
	var problems []string
	for _, name := range [...]string{"insurance_amount", "delivery_amount"} {
		if v := f.text(name); v != "" && !isDigits(strings.TrimPrefix(v, "-")) {
			problems = append(problems, fmt.Sprintf("Поле %s має бути цілим числом, отримано %q", name, v))
		}
	}
	return problems
}

// setDelivery takes over the receiver's and the delivery's fields that were sent.
func setDelivery(o *StoredOrder, f form) {
	if kind := f.text("delivery_types"); kind != "" {
		o.DeliveryTypes, o.DeliveryTypeName = kind, deliveryTypes[kind]
	}
	for _, text := range [...]struct {
		name string
		to   *string
	}{
		{"receiver_name", &o.ReceiverName},
		{"city", &o.City},
		{"city_ref", &o.CityRef},
		{"addres", &o.Addres},
		{"branch_ref", &o.BranchRef},
	} {
		if i := f.last(text.name); i >= 0 {
			*text.to = f[i].value
		}
	}
	if f.has("receiver_phone") {
		o.ReceiverPhone = digitsOf(f.text("receiver_phone"))
	}
	replace(&o.InsuranceAmount, f.text("insurance_amount"))
	replace(&o.DeliveryAmount, f.text("delivery_amount"))
}

// tags reads "8,3".
func (s *Server) tags(ids string) ([]Tag, string) {
	tags := []Tag{}
	if ids == "" {
		return tags, ""
	}
	for id := range strings.SplitSeq(ids, ",") {
		if !isDigits(id) {
			return nil, fmt.Sprintf("Поле type має містити id тегів через кому (1,3,5), отримано %q", ids)
		}
		tags = append(tags, Tag{ID: id, Name: s.catalog.tag(id)})
	}
	return tags, ""
}

// customFields reads the object of custom fields, keeps its order, and makes strings
// of its scalars, as all scalars of answers are.
func customFields(text string) (json.RawMessage, string) {
	if text == "" {
		return nil, ""
	}
	var empty []struct{}
	if json.Unmarshal([]byte(text), &empty) == nil && len(empty) == 0 {
		return nil, "" // json_encode of an empty PHP array, or null
	}
	fields, err := readObject(text)
	if err != nil {
		return nil, "Поле custom_fields має бути об'єктом JSON: " + err.Error()
	}
	out := []byte("{")
	for i, field := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		value := []byte(field.value)
		if t, err := scalar(field.value); err == nil {
			if value, err = encode(t); err != nil {
				return nil, "Поле custom_fields: " + err.Error()
			}
		}
		name, err := encode(field.name)
		if err != nil {
			return nil, "Поле custom_fields: " + err.Error()
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), ""
}

func replace(to *string, value string) {
	if value != "" {
		*to = value
	}
}

func appendProblem(problems []string, problem string) []string {
	if problem == "" {
		return problems
	}
	return append(problems, problem)
}
