package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
)

// Find answers the lookup "order": the order, with the types of the document's
// model instead of the strings that the API makes of everything.
func (o *orders) Find(ctx context.Context, q sdk.Question) (json.RawMessage, error) {
	args := gjson.ParseBytes(q.Args)
	t := o.target(args)
	if t.value == "" {
		return nil, sdk.Invalid("external_id", "no_argument", "give one of id, number and external_id")
	}
	found, err := o.find(ctx, t)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, t.missing()
	case len(found) > 1:
		several := &sdk.AmbiguousError{Message: "several orders in SaleApp have " + t.String() + ": " + listed(found)}
		for _, f := range found {
			several.Candidates = append(several.Candidates, typed(f, gjson.Parse(string(orderSchema()))))
		}
		return nil, several
	}
	return typed(found[0], gjson.Parse(string(orderSchema()))), nil
}

// number is a JSON number (RFC 8259, 6).
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// typed writes a value as its schema wants it: text that holds a number becomes
// that number digit for digit, an empty text where a number belongs becomes null,
// and PHP's [] where an object belongs {}. What the schema does not know stays.
func typed(v, schema gjson.Result) json.RawMessage {
	kind := schema.Get("type").Str
	switch {
	case kind == "object" && v.IsObject():
		return container('{', '}', v, func(name string) gjson.Result {
			return schema.Get("properties").Get(gjson.Escape(name))
		})
	case kind == "object" && v.IsArray() && v.Get("#").Int() == 0:
		return json.RawMessage("{}")
	case kind == "array" && v.IsArray():
		return container('[', ']', v, func(string) gjson.Result { return schema.Get("items") })
	case (kind == "integer" || kind == "number") && v.Type == gjson.String:
		text := strings.TrimSpace(v.Str)
		if text == "" {
			return json.RawMessage("null")
		}
		if number.MatchString(text) {
			return json.RawMessage(text)
		}
	case kind == "string" && v.Type == gjson.Number:
		return json.RawMessage(`"` + v.Raw + `"`)
	}
	return json.RawMessage(v.Raw)
}

// container rewrites the members of an object or an array.
func container(left, right byte, v gjson.Result, schemaOf func(name string) gjson.Result) json.RawMessage {
	out := []byte{left}
	v.ForEach(func(k, member gjson.Result) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		if left == '{' {
			out = append(append(out, k.Raw...), ':')
		}
		out = append(out, typed(member, schemaOf(k.String()))...)
		return true
	})
	return append(out, right)
}
