package novaposhtatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// The rows of a page where Limit does not say, which are also the most there are.
const (
	warehousesPage  = 500
	settlementsPage = 150
	searchPage      = 500
)

// properties are methodProperties: scalars as text.
type properties map[string]string

// UnmarshalJSON takes an object of scalars, and the empty array that PHP makes of
// an empty object.
func (p *properties) UnmarshalJSON(raw []byte) error {
	*p = properties{}
	if string(bytes.TrimSpace(raw)) == "[]" {
		return nil
	}
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	for name, v := range in {
		var s string
		if json.Unmarshal(v, &s) != nil {
			s = string(v)
		}
		(*p)[name] = strings.TrimSpace(s)
	}
	return nil
}

// page cuts a page out of rows.
func page[T any](p properties, most int, rows []T) ([]T, error) {
	limit, number := most, 1
	for name, to := range map[string]*int{"Limit": &limit, "Page": &number} {
		text := p[name]
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s is invalid", name)
		}
		*to = n
	}
	limit = min(limit, most)
	from := min((number-1)*limit, len(rows))
	return rows[from:min(from+limit, len(rows))], nil
}

// begins tells whether a word of one of the names begins with query.
func begins(query string, names ...string) bool {
	query = strings.ToLower(query)
	for _, n := range names {
		n = strings.ToLower(n)
		if strings.HasPrefix(n, query) || strings.Contains(n, " "+query) {
			return true
		}
	}
	return false
}

func (s *Server) searchSettlements(p properties) response {
	query := p["CityName"]
	if query == "" {
		return refuse([]string{"CityName is empty"})
	}
	var found []*place
	for _, pl := range s.places {
		if begins(query, pl.name, pl.nameRu) {
			found = append(found, pl)
		}
	}
	rows, err := page(p, searchPage, found)
	if err != nil {
		return refuse([]string{err.Error()})
	}
	addresses := []any{}
	for _, pl := range rows {
		a := map[string]any{
			"Present": pl.present(), "Warehouses": len(pl.warehouses), "MainDescription": pl.name,
			"Area": pl.area, "Region": strings.TrimSuffix(pl.region, " міськрада"),
			"SettlementTypeCode": kinds[pl.kind].code, "Ref": pl.ref, "DeliveryCity": pl.cityRef,
			"AddressDeliveryAllowed": len(pl.warehouses) > 0, "StreetsAvailability": pl.kind == "m",
			"ParentRegionTypes": "область", "ParentRegionCode": "обл.", "RegionTypes": "", "RegionTypesCode": "",
		}
		switch {
		case strings.HasSuffix(pl.region, "міськрада"):
			a["RegionTypes"], a["RegionTypesCode"] = "міська рада", "міськрада"
		case pl.region != "":
			a["RegionTypes"], a["RegionTypesCode"] = "район", "р-н"
		}
		addresses = append(addresses, a)
	}
	return accept([]any{map[string]any{"TotalCount": len(found), "Addresses": addresses}})
}

func (s *Server) getSettlements(p properties) response {
	var found []*place
	for _, pl := range s.places {
		if ref := p["Ref"]; ref != "" && ref != pl.ref {
			continue
		}
		if q := p["FindByString"]; q != "" && !begins(q, pl.name, pl.nameRu, translit(pl.name)) {
			continue
		}
		found = append(found, pl)
	}
	rows, err := page(p, settlementsPage, found)
	if err != nil {
		return refuse([]string{err.Error()})
	}
	data := []any{}
	for _, pl := range rows {
		k := kinds[pl.kind]
		row := map[string]any{
			"Ref": pl.ref, "SettlementType": k.ref, "Latitude": "50.000000000000000", "Longitude": "30.000000000000000",
			"Description": pl.name, "DescriptionRu": pl.nameRu, "DescriptionTranslit": translit(pl.name),
			"SettlementTypeDescription": k.name, "SettlementTypeDescriptionRu": k.nameRu, "SettlementTypeDescriptionTranslit": translit(k.name),
			"Region": "", "RegionsDescription": "", "RegionsDescriptionRu": "", "RegionsDescriptionTranslit": "",
			"Area": uuid("area", pl.area), "AreaDescription": pl.area + " область", "AreaDescriptionRu": areasRu[pl.area] + " область", "AreaDescriptionTranslit": translit(pl.area),
			"Index1": "", "Index2": "", "IndexCOATSU1": "", "SpecialCashCheck": "1", "Warehouse": flag(len(pl.warehouses) > 0),
		}
		if pl.region != "" {
			row["Region"] = uuid("region", pl.area+"|"+pl.region)
			row["RegionsDescription"] = pl.region
			row["RegionsDescriptionRu"] = adjectiveRu(pl.region)
			row["RegionsDescriptionTranslit"] = translit(pl.region)
			if !strings.HasSuffix(pl.region, "міськрада") {
				row["RegionsDescription"], row["RegionsDescriptionRu"] = pl.region+" р-н", adjectiveRu(pl.region)+" р-н"
			}
		}
		for day := range 7 {
			row["Delivery"+strconv.Itoa(day+1)] = flag(len(pl.warehouses) > 0)
		}
		data = append(data, row)
	}
	return counted(data, len(found))
}

func (s *Server) getWarehouses(p properties) response {
	var found []*warehouse
	for _, pl := range s.places {
		if ref := p["CityRef"]; ref != "" && ref != pl.cityRef {
			continue
		}
		if ref := p["SettlementRef"]; ref != "" && ref != pl.ref {
			continue
		}
		if name := p["CityName"]; name != "" && !begins(name, pl.name, pl.nameRu) {
			continue
		}
		for i := range pl.warehouses {
			if w := &pl.warehouses[i]; w.wanted(p) {
				found = append(found, w)
			}
		}
	}
	rows, err := page(p, warehousesPage, found)
	if err != nil {
		return refuse([]string{err.Error()})
	}
	data := []any{}
	for _, w := range rows {
		data = append(data, w.row())
	}
	return counted(data, len(found))
}

// wanted tells whether a branch is among those that are sought by number, text or
// type.
func (w *warehouse) wanted(p properties) bool {
	n := strconv.Itoa(w.number)
	if id := p["WarehouseId"]; id != "" && id != n {
		return false
	}
	if ref := p["TypeOfWarehouseRef"]; ref != "" && ref != w.typeRef() {
		return false
	}
	if q := strings.ToLower(p["FindByString"]); q != "" {
		uk, ru := w.description()
		return strings.HasPrefix(n, q) || strings.Contains(strings.ToLower(uk), q) || strings.Contains(strings.ToLower(ru), q)
	}
	return true
}

// row is a branch in the vendor's shape.
func (w *warehouse) row() map[string]any {
	uk, ru := w.description()
	k := kinds[w.at.kind]
	size := map[string]int{"Width": 120, "Height": 120, "Length": 120}
	week := map[string]string{}
	for _, day := range []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"} {
		week[day] = "08:00-20:00"
	}
	return map[string]any{
		"SiteKey": strconv.Itoa(int(hash(w.ref) % 100000)), "Ref": w.ref, "Number": strconv.Itoa(w.number),
		"Description": uk, "DescriptionRu": ru,
		"ShortAddress":   w.at.name + ", " + streetOnly(w.street.name) + ", " + w.house,
		"ShortAddressRu": w.at.nameRu + ", " + streetOnly(w.street.nameRu) + ", " + w.house,
		"Phone":          "380800500609", "TypeOfWarehouse": w.typeRef(), "CategoryOfWarehouse": w.category,
		"CityRef": w.at.cityRef, "CityDescription": w.at.name, "CityDescriptionRu": w.at.nameRu,
		"SettlementRef": w.at.ref, "SettlementDescription": w.at.name, "SettlementAreaDescription": w.at.area + " область",
		"SettlementRegionsDescription": w.at.region, "SettlementTypeDescription": k.name, "SettlementTypeDescriptionRu": k.nameRu,
		"Longitude": "30.000000000000000", "Latitude": "50.000000000000000",
		"PostFinance": flag(w.category == "Branch"), "BicycleParking": "0", "PaymentAccess": "1", "POSTerminal": flag(w.category == "Branch"),
		"InternationalShipping": "0", "SelfServiceWorkplacesCount": "0",
		"TotalMaxWeightAllowed": "0", "PlaceMaxWeightAllowed": "30",
		"SendingLimitationsOnDimensions": size, "ReceivingLimitationsOnDimensions": size,
		"Reception": week, "Delivery": week, "Schedule": week,
		"DistrictCode": "", "WarehouseStatus": "Working", "WarehouseStatusDate": "2024-01-01 00:00:00",
		"Direct": "", "RegionCity": strings.ToUpper(w.at.name), "WarehouseForAgent": "0", "MaxDeclaredCost": "0",
		"DenyToSelect": "0", "CanGetMoneyTransfer": flag(w.category == "Branch"), "OnlyReceivingParcel": "0", "WarehouseIndex": "",
	}
}

// streetOnly takes the kind of street off a street's name.
func streetOnly(name string) string {
	_, rest, _ := strings.Cut(name, " ")
	return rest
}

func warehouseTypes() response {
	return accept([]any{
		map[string]string{"Ref": typeShop, "Description": "Parcel Shop", "DescriptionRu": "Parcel Shop"},
		map[string]string{"Ref": typeBranch, "Description": "Поштове відділення", "DescriptionRu": "Почтовое отделение"},
		map[string]string{"Ref": typeLocker, "Description": "Поштомат", "DescriptionRu": "Почтомат"},
	})
}

func cargoTypes() response {
	return accept([]any{
		map[string]string{"Ref": "Parcel", "Description": "Посилка"},
		map[string]string{"Ref": "Cargo", "Description": "Вантаж"},
		map[string]string{"Ref": "Documents", "Description": "Документи"},
	})
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// adjectiveRu writes a district's adjective as Russian does, letter by letter.
func adjectiveRu(uk string) string {
	return strings.NewReplacer(
		"івський", "овский", "ївський", "евский", "ський", "ский", "цький", "цкий", "зький", "зский", "міськрада", "горсовет", "ська ", "ская ", "цька ", "цкая ", "'", "ъ", "і", "и", "ї", "и", "є", "е", "ґ", "г",
	).Replace(uk)
}
