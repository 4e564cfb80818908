package saleapptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
)

// Catalog is what SaleApp knows beside orders. It is not changed after it was
// parsed.
type Catalog struct {
	byID, byExternal, bySupplier, bySKU map[string]Product
	tags, funnels                       map[string]string
}

// catalogFile is a catalogue's JSON.
type catalogFile struct {
	Products []struct {
		ID          json.RawMessage `json:"id"`
		ExternalID  json.RawMessage `json:"external_id"`
		SKU         json.RawMessage `json:"sku"`
		Name        string          `json:"name"`
		SupplierIDs []struct {
			Code       json.RawMessage `json:"code"`
			SupplierID json.RawMessage `json:"supplier_id"`
		} `json:"supplier_ids"`
	} `json:"products"`
	Tags    map[string]string `json:"tags"`
	Funnels map[string]string `json:"funnels"`
}

// LoadCatalog reads a catalogue from a file; see ParseCatalog.
func LoadCatalog(path string) (*Catalog, error) {
	data, err := os.ReadFile(path) //nolint:gosec // G304: the path is what the caller asks to be read
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return ParseCatalog(path, data)
}

// ParseCatalog reads a catalogue of this shape, in which ids and codes are numbers
// or strings, and all but a product's id may be left out:
//
//	{
//	  "products": [{
//	    "id": 40, "external_id": "232336", "sku": "UA23", "name": "Термос 1 л",
//	    "supplier_ids": [{"code": "234561", "supplier_id": "39"}]
//	  }],
//	  "tags": {"8": "Спеціальні умови"},
//	  "funnels": {"2": "Роздріб"}
//	}
//
// An id, external_id, sku or supplier's code is one product's only. A tag or a funnel
// that has no name here is accepted, and named after its id. Errors begin with name, and
// the line where there is one.
func ParseCatalog(name string, data []byte) (*Catalog, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var file catalogFile
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s:%d: %w; see the README for a catalogue's shape", name, lineAt(data, err, d.InputOffset()), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:%d: something follows the catalogue's object", name, lineAt(data, nil, d.InputOffset()))
	}
	c := &Catalog{
		byID: map[string]Product{}, byExternal: map[string]Product{},
		bySupplier: map[string]Product{}, bySKU: map[string]Product{},
		tags: maps.Clone(file.Tags), funnels: maps.Clone(file.Funnels),
	}
	for i, row := range file.Products {
		p := Product{Name: row.Name, SupplierIDs: []SupplierCode{}}
		texts := []text{{row.ID, &p.ID}, {row.ExternalID, &p.ExternalID}, {row.SKU, &p.SKU}}
		for _, s := range row.SupplierIDs {
			p.SupplierIDs = append(p.SupplierIDs, SupplierCode{})
			to := &p.SupplierIDs[len(p.SupplierIDs)-1]
			if err := readTexts(text{s.Code, &to.Code}, text{s.SupplierID, &to.SupplierID}); err != nil {
				return nil, fmt.Errorf("%s: products[%d].supplier_ids: %w", name, i, err)
			}
		}
		if err := readTexts(texts...); err != nil {
			return nil, fmt.Errorf("%s: products[%d]: %w", name, i, err)
		}
		if err := c.add(p); err != nil {
			return nil, fmt.Errorf("%s: products[%d]: %w", name, i, err)
		}
	}
	return c, nil
}

// text is a JSON scalar and where it goes.
type text struct {
	from json.RawMessage
	to   *string
}

func readTexts(texts ...text) error {
	for _, t := range texts {
		s, err := scalar(t.from)
		if err != nil {
			return fmt.Errorf("%s is neither a string nor a number", t.from)
		}
		*t.to = s
	}
	return nil
}

// add indexes a product.
func (c *Catalog) add(p Product) error {
	if !isDigits(p.ID) {
		return fmt.Errorf("id %q is not a whole number", p.ID)
	}
	type entry struct {
		name  string
		index map[string]Product
		code  string
	}
	entries := []entry{{"id", c.byID, p.ID}, {"external_id", c.byExternal, p.ExternalID}, {"sku", c.bySKU, p.SKU}}
	for _, s := range p.SupplierIDs {
		entries = append(entries, entry{"supplier's code", c.bySupplier, s.Code})
	}
	if p.ExternalID == "" {
		p.ExternalID = "0" // as answers write it
	}
	for _, e := range entries {
		if e.code == "" || e.code == "0" && e.name == "external_id" {
			continue
		}
		if other, taken := e.index[e.code]; taken {
			return fmt.Errorf("%s %q is already that of product %s", e.name, e.code, other.ID)
		}
		e.index[e.code] = p
	}
	return nil
}

func (c *Catalog) tag(id string) string {
	if c != nil {
		if name, ok := c.tags[id]; ok {
			return name
		}
	}
	return "Тег " + id
}

func (c *Catalog) funnel(id string) string {
	if c != nil {
		if name, ok := c.funnels[id]; ok {
			return name
		}
	}
	return "Воронка " + id
}

// lineAt is the line of a JSON error, or else of the byte read so far.
func lineAt(data []byte, err error, read int64) int {
	offset := read
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		offset = int64(len(data))
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &kind):
		offset = kind.Offset
	}
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}
