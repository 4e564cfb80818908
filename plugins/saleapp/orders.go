package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// The operations and the lookup, by their names in mappings.
const (
	opCreate    = "create_order"
	opUpdate    = "update_order"
	opUpsert    = "upsert_order"
	opDelete    = "delete_order"
	lookupOrder = "order"
)

// orders writes and finds a SaleApp's orders.
type orders struct {
	client *client
	kind   keyKind
	// defaults are an organization's client_id, curency_id and warehouse_id.
	defaults map[string]string
	checkers map[string]*checker // by operation
	locks    outbound.KeyLocks   // by client_id and external_id
}

func newOrders(s settings, log *slog.Logger) (*orders, error) {
	o := &orders{
		client: newClient(s, log), kind: s.kind, defaults: s.defaults,
		checkers: map[string]*checker{},
	}
	for _, op := range contract(s.kind, s.timeout).Operations {
		c, err := newChecker(op.Schema)
		if err != nil {
			return nil, err
		}
		o.checkers[op.Name] = c
	}
	return o, nil
}

// Write does the operation. A record that does not pass the operation's schema is
// refused before anything is sent.
func (o *orders) Write(ctx context.Context, r sdk.Record) (sdk.Written, error) {
	c := o.checkers[r.Operation]
	if c == nil {
		return sdk.Written{}, sdk.Invalid("", "unknown_operation", "SaleApp has no operation %q", r.Operation)
	}
	if f := c.check(r.Data); f != nil {
		return sdk.Written{}, f
	}
	record := gjson.ParseBytes(r.Data)
	switch r.Operation {
	case opCreate:
		return o.create(ctx, record)
	case opUpdate:
		return o.update(ctx, record)
	case opUpsert:
		return o.upsert(ctx, record)
	default:
		return o.remove(ctx, record)
	}
}

// check tells whether SaleApp answers with this key: it seeks an order that nobody
// has.
func (o *orders) check(ctx context.Context) error {
	_, err := o.find(ctx, target{by: "external_id", value: "crosswalk-check", client: o.defaults["client_id"]})
	return err
}

// create makes a new order.
func (o *orders) create(ctx context.Context, record gjson.Result) (sdk.Written, error) {
	f := make(form, 0, room)
	for _, name := range organizationIDs {
		if !record.Get(name).Exists() {
			f.add(name, o.defaults[name])
		}
	}
	f.addRecord(record, func(string) bool { return false })
	a, err := o.client.call(ctx, verbPost, f)
	if err != nil {
		return sdk.Written{}, err
	}
	if a.refused {
		return sdk.Written{}, refusal(opCreate, a)
	}
	return sdk.Written{Action: "created", Answer: told(a.createID, a)}, nil
}

// update changes an order. One that is named by external_id is found first: that
// may name several, and PUT would take any of them.
func (o *orders) update(ctx context.Context, record gjson.Result) (sdk.Written, error) {
	t := o.target(record)
	if t.by != "external_id" {
		return o.change(ctx, opUpdate, t.value, record)
	}
	return o.found(ctx, t, func(id string) (sdk.Written, error) {
		if id == "" {
			return sdk.Written{}, t.missing()
		}
		return o.change(ctx, opUpdate, id, record)
	})
}

// found finds the one order that a target names, and has then go on with its id, ""
// where there is none, while nobody else does anything with that target.
func (o *orders) found(ctx context.Context, t target, then func(id string) (sdk.Written, error)) (sdk.Written, error) {
	unlock, err := o.lock(ctx, t)
	if err != nil {
		return sdk.Written{}, err
	}
	defer unlock()
	id, err := o.one(ctx, t)
	if err != nil {
		return sdk.Written{}, err
	}
	return then(id)
}

// upsert creates the order if no order has its external_id, and changes it
// otherwise.
func (o *orders) upsert(ctx context.Context, record gjson.Result) (sdk.Written, error) {
	return o.found(ctx, o.target(record), func(id string) (sdk.Written, error) {
		if id == "" {
			return o.create(ctx, record)
		}
		return o.change(ctx, opUpsert, id, record)
	})
}

// change sends PUT for the order with this id: the record's own fields, as far as
// PUT has them. client_id and external_id only search there, and the id has done
// that; funnel and custom_fields are not among PUT's parameters. The connection's
// currency and warehouse are for new orders.
func (o *orders) change(ctx context.Context, operation, id string, record gjson.Result) (sdk.Written, error) {
	f := make(form, 0, room)
	f.add("id", id)
	f.addRecord(record, func(name string) bool {
		switch name {
		case "id", "external_id", "client_id", "funnel", "custom_fields":
			return true
		}
		return false
	})
	a, err := o.client.call(ctx, verbPut, f)
	if err != nil {
		return sdk.Written{}, err
	}
	if a.refused {
		return sdk.Written{}, o.unlessGone(ctx, id, refusal(operation, a), func(t target) error {
			if operation == opUpsert {
				return sdk.Transient("order_vanished", "order %s was deleted while it was being updated", id)
			}
			return t.missing()
		})
	}
	return sdk.Written{Action: "updated", Answer: told(id, a)}, nil
}

// remove deletes an order. It is found first, because DELETE knows no client_id and
// takes every order with an external_id, whichever client's it is.
func (o *orders) remove(ctx context.Context, record gjson.Result) (sdk.Written, error) {
	return o.found(ctx, o.target(record), func(id string) (sdk.Written, error) {
		if id == "" {
			return absent(), nil
		}
		return o.delete(ctx, id)
	})
}

// absent is what became of an order that was to be deleted and is not there.
func absent() sdk.Written { return sdk.Written{Action: "absent"} }

// delete sends DELETE for the order with this id.
func (o *orders) delete(ctx context.Context, id string) (sdk.Written, error) {
	var f form
	f.add("id", id)
	a, err := o.client.call(ctx, verbDelete, f)
	if err != nil {
		return sdk.Written{}, err
	}
	if a.refused {
		gone := false
		err := o.unlessGone(ctx, id, refusal(opDelete, a), func(target) error { gone = true; return nil })
		if gone {
			return absent(), nil
		}
		return sdk.Written{}, err
	}
	return sdk.Written{Action: "deleted", Answer: told(id, a)}, nil
}

// unlessGone gives refused, or what gone makes of it where the order is not there
// any more. The vendor's text is no way to tell.
func (o *orders) unlessGone(ctx context.Context, id string, refused error, gone func(target) error) error {
	t := target{by: "id", value: id}
	found, err := o.find(ctx, t)
	switch {
	case err != nil:
		return err // PUT and DELETE may be repeated until it can be told
	case len(found) == 0:
		return gone(t)
	}
	return refused
}

// refusal is the failure of a record that SaleApp does not take.
func refusal(operation string, a answer) *sdk.Failure {
	known := func(name string) bool {
		fields := "post"
		switch operation {
		case opUpdate:
			fields = "put"
		case opDelete:
			fields = "delete"
		}
		return gjson.Get(fieldsJSON, fields+"."+name).Exists()
	}
	text := a.description
	if text == "" {
		text = "it gives no reason"
	}
	return sdk.Invalid(a.blames(known), "refused", "SaleApp refuses the order: %s", text)
}

// told is SaleApp's answer to a write, with the order's id.
func told(id string, a answer) json.RawMessage {
	out := []byte{'{'}
	if id != "" {
		out = gjson.AppendJSONString(append(out, `"id":`...), id)
	}
	if a.description != "" {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = gjson.AppendJSONString(append(out, `"description":`...), a.description)
	}
	return append(out, '}')
}
