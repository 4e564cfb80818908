package saleapptest

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// line is what a request says of one product.
type line struct {
	id, externalID, supplierID, sku string
	qty, cost, discount             string
}

// products reads the JSON of the form field and finds each product, or says what is
// wrong with every line. The result is never nil without problems.
func (s *Server) products(c caller, text string) ([]Product, []string) {
	if text == "" {
		return []Product{}, nil
	}
	if found := s.plainProducts(c, text); found != nil {
		return found, nil
	}
	return s.anyProducts(c, text)
}

// anyProducts is products without a short cut.
func (s *Server) anyProducts(c caller, text string) ([]Product, []string) {
	found := []Product{}
	var rows []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, []string{"Поле products має бути масивом об'єктів JSON: " + jsonProblem(err).Error()}
	}
	if rows == nil {
		return nil, []string{"Поле products має бути масивом об'єктів JSON: отримано null"}
	}
	var problems []string
	for i, row := range rows {
		p, problem := s.product(c, row)
		if problem != "" {
			problems = append(problems, fmt.Sprintf("products[%d]: %s", i, problem))
			continue
		}
		found = append(found, p)
	}
	return found, problems
}

// maxPlain bounds the JSON that is read without a bound of its depth, in bytes.
const maxPlain = 64 << 10

// plainProducts is products for the common case: lines that are in order and written
// without escapes. It gives nil where it is not sure.
func (s *Server) plainProducts(c caller, text string) []Product {
	if len(text) > maxPlain || strings.IndexByte(text, '\\') >= 0 || !gjson.Valid(text) {
		return nil
	}
	rows := gjson.Parse(text)
	if !rows.IsArray() {
		return nil
	}
	found := make([]Product, 0, strings.Count(text, "{"))
	sure := true
	rows.ForEach(func(_, row gjson.Result) bool {
		l := line{}
		sure = row.IsObject()
		if sure {
			row.ForEach(func(name, value gjson.Result) bool {
				to := l.field(name.Str)
				switch {
				case to == nil:
				case value.Type == gjson.Null:
					*to = ""
				case value.Type == gjson.String:
					*to = value.Str
				default:
					sure = sure && value.Type != gjson.JSON
					*to = value.Raw
				}
				return sure
			})
		}
		if sure = sure && l.check() == ""; !sure {
			return false
		}
		p, ok := s.priced(c, l)
		found = append(found, p)
		sure = ok
		return sure
	})
	if !sure {
		return nil
	}
	return found
}

// field is where a line's member of a name goes, nil if it has none.
func (l *line) field(name string) *string {
	switch name {
	case "id":
		return &l.id
	case "external_id":
		return &l.externalID
	case "supplier_id":
		return &l.supplierID
	case "sku":
		return &l.sku
	case "qty":
		return &l.qty
	case "cost":
		return &l.cost
	case "discount_percent":
		return &l.discount
	}
	return nil
}

func (s *Server) product(c caller, row map[string]json.RawMessage) (Product, string) {
	if row == nil {
		return Product{}, "отримано null замість об'єкта"
	}
	l := line{}
	for _, name := range []string{"id", "external_id", "supplier_id", "sku", "qty", "cost", "discount_percent"} {
		text, err := scalar(row[name])
		if err != nil {
			return Product{}, name + ": " + err.Error()
		}
		*l.field(name) = text
	}
	if problem := l.check(); problem != "" {
		return Product{}, problem
	}
	p, ok := s.priced(c, l)
	if !ok {
		return Product{}, l.missing(c)
	}
	return p, ""
}

// priced is the product that a line means, with what the line says of it.
func (s *Server) priced(c caller, l line) (Product, bool) {
	p, ok := s.lookUp(c, l)
	p.Qty, p.AllocatedQty, p.Cost, p.DiscountPercent = l.qty, "0", "0", "0"
	replace(&p.Cost, l.cost)
	replace(&p.DiscountPercent, l.discount)
	return p, ok
}

func (l line) check() string {
	switch {
	case l.qty == "":
		return "не заповнено qty"
	case !isDecimal(l.qty) || strings.Trim(l.qty, "0.") == "":
		return fmt.Sprintf("qty має бути числом, більшим за 0, отримано %q", l.qty)
	case l.cost != "" && !isDecimal(l.cost):
		return fmt.Sprintf("cost має бути числом, отримано %q", l.cost)
	case l.discount != "" && !isDecimal(l.discount):
		return fmt.Sprintf("discount_percent має бути числом, отримано %q", l.discount)
	}
	return ""
}

// lookUp searches by id, then by the external_id (under the organization's key) or
// the supplier_id (under a counterparty's), then by the sku.
func (s *Server) lookUp(c caller, l line) (Product, bool) {
	if s.catalog == nil {
		return l.invented(c)
	}
	if p, ok := s.catalog.byID[l.id]; ok {
		return p, true
	}
	index, code := s.catalog.byExternal, l.externalID
	if c.bound != nil {
		index, code = s.catalog.bySupplier, l.supplierID
	}
	if p, ok := index[code]; ok {
		return p, true
	}
	p, ok := s.catalog.bySKU[l.sku]
	return p, ok
}

// invented is the product where there is no catalogue: it is as the line describes
// it. One with only a sku gets an id that is the same for the same sku.
func (l line) invented(c caller) (Product, bool) {
	p := Product{ID: l.id, SKU: l.sku, ExternalID: "0", SupplierIDs: []SupplierCode{}}
	if !isDigits(l.id) || strings.Trim(l.id, "0") == "" {
		if l.sku == "" {
			return Product{}, false
		}
		p.ID = strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(l.sku)))+1, 10)
	}
	p.Name = "Товар " + p.ID
	if l.sku != "" {
		p.Name = "Товар " + l.sku
	}
	if c.bound == nil {
		replace(&p.ExternalID, l.externalID)
	} else if l.supplierID != "" {
		p.SupplierIDs = []SupplierCode{{Code: l.supplierID, SupplierID: c.bound.ClientID}}
	}
	return p, true
}

func (l line) missing(c caller) string {
	if c.bound != nil {
		return fmt.Sprintf("товар не знайдено: id %q, supplier_id %q, sku %q", l.id, l.supplierID, l.sku)
	}
	return fmt.Sprintf("товар не знайдено: id %q, external_id %q, sku %q", l.id, l.externalID, l.sku)
}
