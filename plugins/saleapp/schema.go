package main

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// fieldsJSON holds the fields of the vendor's document, section by section and in
// its order: "order" and "order_product" are what GET answers, "get", "post",
// "put" and "delete" the parameters of each verb, "product" a line of products in
// POST and PUT. A title is the document's label up to the end of its first
// sentence, a description the rest of it.
//
//go:embed fields.json
var fieldsJSON string

// organizationIDs are the fields that only an organization's key has. A record
// names them to override the connection's.
var organizationIDs = [...]string{"client_id", "curency_id", "warehouse_id"}

// field is a property of a schema.
type field struct{ name, schema string }

// section gives a section's fields under a kind of key.
func section(name string, kind keyKind) []field {
	var out []field
	gjson.Get(fieldsJSON, name).ForEach(func(k, v gjson.Result) bool {
		if allowed(name, k.Str, kind) {
			out = append(out, field{k.Str, v.Raw})
		}
		return true
	})
	for _, n := range organizationIDs {
		with(out, n, `"minLength":1`)
	}
	return out
}

// allowed tells whether a field counts under a kind of key: the three ids of the
// organization's documents, and by what else than id and sku products are found.
func allowed(section, name string, kind keyKind) bool {
	switch {
	case kind == anyKey:
		return true
	case section == "product":
		return name != "supplier_id" && kind == organizationKey ||
			name != "external_id" && kind == counterpartyKey
	case slices.Contains(organizationIDs[:], name):
		return kind == organizationKey
	}
	return true
}

// object builds the schema of an object. keywords are further members of it.
func object(fields []field, keywords ...string) string {
	properties := make([]string, len(fields))
	for i, f := range fields {
		properties[i] = quote(f.name) + ":" + f.schema
	}
	members := append([]string{
		`"type":"object"`,
		`"properties":{` + strings.Join(properties, ",") + `}`,
	}, keywords...)
	return "{" + strings.Join(members, ",") + "}"
}

// with adds members to the schema of the named field.
func with(fields []field, name string, members string) []field {
	for i, f := range fields {
		if f.name == name {
			fields[i].schema = strings.TrimSuffix(strings.TrimSpace(f.schema), "}") + "," + members + "}"
		}
	}
	return fields
}

const (
	closed      = `"additionalProperties":false`
	keyIs       = `"x-crosswalk-key":"external_id"`
	needsCity   = `{"if":{"not":{"properties":{"delivery_types":{"enum":[1,2]}}}},"then":{"required":["city_ref"]}}`
	needsBranch = `{"if":{"properties":{"delivery_types":{"const":3}},"required":["delivery_types"]},"then":{"required":["branch_ref"]}}`
	needsType   = `{"if":{"anyOf":[{"required":["city"]},{"required":["city_ref"]},{"required":["addres"]},{"required":["branch_ref"]}]},"then":{"required":["delivery_types"]}}`
)

// createSchema is what POST takes. The document does not say what it requires but
// for the conditions; an order is of no use without products and a delivery type,
// and without external_id it could never be found again.
func createSchema(kind keyKind) json.RawMessage {
	fields := section("post", kind)
	with(fields, "external_id", `"minLength":1`)
	with(fields, "products", `"minItems":1,"items":`+productSchema(kind))
	return json.RawMessage(object(fields,
		`"required":["external_id","delivery_types","products"]`,
		`"allOf":[`+needsCity+`,`+needsBranch+`]`, keyIs, closed))
}

// updateSchema is what PUT takes.
func updateSchema(kind keyKind) json.RawMessage {
	fields := section("put", kind)
	with(fields, "external_id", `"minLength":1`)
	with(fields, "products", `"items":`+productSchema(kind))
	return json.RawMessage(object(fields, anyOf("id", "external_id"),
		`"allOf":[`+needsType+`,`+needsCity+`,`+needsBranch+`]`, keyIs, closed))
}

// deleteSchema is what DELETE takes, and client_id, by which the order is sought
// before it is deleted.
func deleteSchema(kind keyKind) json.RawMessage {
	fields := section("delete", kind)
	with(fields, "external_id", `"minLength":1`)
	search := section("get", kind)
	if i := slices.IndexFunc(search, func(f field) bool { return f.name == "client_id" }); i >= 0 {
		fields = append(fields, search[i])
	}
	return json.RawMessage(object(fields, anyOf("id", "external_id"), keyIs, closed))
}

// argsSchema is what an order is sought by.
func argsSchema(kind keyKind) json.RawMessage {
	return json.RawMessage(object(section("get", kind), anyOf("id", "number", "external_id"), closed))
}

// orderSchema is an order as the lookup answers it.
func orderSchema() json.RawMessage {
	return json.RawMessage(object(
		with(section("order", anyKey), "products", `"items":`+object(section("order_product", anyKey)))))
}

// productSchema is a line of products: how many of what.
func productSchema(kind keyKind) string {
	fields := section("product", kind)
	identifiers := []string{"id"}
	for _, f := range fields {
		if f.name == "external_id" || f.name == "supplier_id" {
			identifiers = append(identifiers, f.name)
		}
	}
	return object(fields, `"required":["qty"]`, anyOf(append(identifiers, "sku")...), closed)
}

// anyOf demands one of the fields.
func anyOf(names ...string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = `{"required":[` + quote(n) + `]}`
	}
	return `"anyOf":[` + strings.Join(parts, ",") + `]`
}

func quote(name string) string { return `"` + name + `"` }
