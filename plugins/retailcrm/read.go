package main

import (
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/shape"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/webhook"
)

// read gives a request's order as one JSON object, and the event that the
// request names, or "".
//
// The fields are the body's and the query's together; a field event in the query
// names the event and is none of the order's. Where the body wraps the order
// (order={…}, order[id]=…), its fields come out of it, beside what stands next
// to it.
func read(r *sdk.Request) (order []byte, event string, err error) {
	query, err := webhook.Query(r)
	if err != nil {
		return nil, "", err
	}
	event = gjson.GetBytes(query, "event").String()
	body := []byte("{}")
	if len(r.Body) > 0 {
		if body, err = webhook.Object(r); err != nil {
			return nil, "", err
		}
	}
	var m merger
	top := gjson.ParseBytes(body)
	if wrapped, ok := unwrap(top); ok {
		m.add(wrapped, "")
		m.add(top, "order")
	} else {
		m.add(top, "")
	}
	m.add(gjson.ParseBytes(query), "event")
	if m.err != nil {
		return nil, "", m.err
	}
	if len(m.seen) == 0 {
		return nil, "", sdk.Refuse(http.StatusBadRequest, "empty", "", "the request carries no fields: let the trigger send the order's, as JSON or as parameters")
	}
	inBody := m.seen["event"].String()
	if event != "" && inBody != "" && event != inBody {
		return nil, "", refuse("two_events", "event", "the URL says event %s, and the body %s", webhook.Quote(event), webhook.Quote(inBody))
	}
	if event == "" {
		event = inBody
	}
	return append(m.out, '}'), event, nil
}

// unwrap gives the object in the field order of a body that has no id itself.
// In a form it may be JSON in a text.
func unwrap(top gjson.Result) (gjson.Result, bool) {
	if top.Get("id").Exists() {
		return gjson.Result{}, false
	}
	order := top.Get("order")
	if text := order.Str; order.Type == gjson.String && strings.HasPrefix(strings.TrimSpace(text), "{") {
		if shape.Nesting(text) > shape.MaxNesting || !gjson.Valid(text) {
			return gjson.Result{}, false
		}
		order = gjson.Parse(text)
	}
	return order, order.IsObject()
}

// merger makes one object of the fields of several.
type merger struct {
	out  []byte
	seen map[string]gjson.Result
	err  error
}

// add takes the fields of an object but the one named except. A field that is
// there already with another value is an error.
func (m *merger) add(object gjson.Result, except string) {
	object.ForEach(func(k, v gjson.Result) bool {
		if except != "" && k.Str == except {
			return true
		}
		if was, ok := m.seen[k.Str]; ok {
			if was.String() != v.String() {
				m.err = refuse("conflict", k.Str, "the field %s is there twice with different values", webhook.Quote(k.Str))
			}
			return m.err == nil
		}
		if m.seen == nil {
			m.seen = map[string]gjson.Result{}
		}
		m.seen[k.Str] = v
		m.out = append(m.out, "{,"[min(len(m.out), 1)])
		m.out = append(append(append(m.out, k.Raw...), ':'), v.Raw...)
		return true
	})
}
