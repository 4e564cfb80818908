package main

import (
	"context"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// target is what an order is sought by.
type target struct {
	by, value string // id, number or external_id, and its value
	client    string // client_id; "" where it does not count
}

// target gives what a record or a question names: the first of id, number and
// external_id that it has, as the API takes them. client_id goes with external_id,
// which different clients may use alike.
func (o *orders) target(record gjson.Result) target {
	t := target{client: formValue(record.Get("client_id"))}
	for _, t.by = range []string{"id", "number", "external_id"} {
		if v := record.Get(t.by); v.Exists() {
			t.value = formValue(v)
			break
		}
	}
	if t.by == "external_id" && t.client == "" {
		t.client = o.defaults["client_id"]
	}
	return t
}

// lock keeps others off what the target names.
func (o *orders) lock(ctx context.Context, t target) (unlock func(), err error) {
	unlock, err = o.locks.Lock(ctx, t.by+"\x00"+t.client+"\x00"+strings.TrimSpace(t.value))
	if err != nil {
		return nil, sdk.Transient("not_begun", "another record of the same order was being written: %s", err)
	}
	return unlock, nil
}

// find gives the orders that the target names. All failures mean that nothing was
// changed.
func (o *orders) find(ctx context.Context, t target) ([]gjson.Result, error) {
	var f form
	f.add("client_id", t.client)
	f.add(t.by, t.value)
	a, err := o.client.call(ctx, verbGet, f)
	if err != nil {
		return nil, err
	}
	if a.foundNone() {
		return nil, nil
	}
	if a.refused {
		return nil, sdk.Invalid(a.blames(func(name string) bool { return name == t.by || name == "client_id" }), "refused",
			"SaleApp refuses to look for the order: %s", a.description)
	}
	var same []gjson.Result
	for _, found := range a.orders {
		if strings.TrimSpace(scalar(found.Get(t.by))) == strings.TrimSpace(t.value) {
			same = append(same, found)
		}
	}
	if len(same) == 0 {
		return nil, sdk.Ambiguous(t.by, "other_order", "asked for the order with %s, SaleApp gives others: %s", t, listed(a.orders))
	}
	return same, nil
}

// one gives the id of the only order that the target names, "" if there is none.
func (o *orders) one(ctx context.Context, t target) (id string, err error) {
	found, err := o.find(ctx, t)
	switch {
	case err != nil || len(found) == 0:
		return "", err
	case len(found) > 1:
		return "", sdk.Ambiguous(t.by, "several_orders", "several orders in SaleApp have %s: %s; leave one of them", t, listed(found))
	}
	return scalar(found[0].Get("id")), nil
}

// String says what is sought: external_id "A-1" of client 50.
func (t target) String() string {
	text := t.by + ` "` + outbound.Shorten(t.value) + `"`
	if t.client != "" {
		text += " of client " + t.client
	}
	return text
}

func (t target) missing() *sdk.Failure {
	return sdk.NotFound("there is no order in SaleApp with %s", t)
}

// listed names orders by their ids, the first twenty of them.
func listed(found []gjson.Result) string {
	var ids []string
	for _, f := range found[:min(len(found), 20)] {
		ids = append(ids, "id "+scalar(f.Get("id")))
	}
	if len(found) > 20 {
		ids = append(ids, "and more")
	}
	return strings.Join(ids, ", ")
}
