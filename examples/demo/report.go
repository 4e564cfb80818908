package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// order is an order as the sandbox lists it.
type order struct {
	ID            string `json:"id"`
	ExternalID    string `json:"external_id"`
	ReceiverName  string `json:"receiver_name"`
	ReceiverPhone string `json:"receiver_phone"`
	Delivery      string `json:"delivery_types"`
	City          string `json:"city"`
	CityRef       string `json:"city_ref"`
	BranchRef     string `json:"branch_ref"`
	Addres        string `json:"addres"`
	Insurance     string `json:"insurance_amount"`
	OnDelivery    string `json:"delivery_amount"`
	Products      []struct {
		SKU  string `json:"sku"`
		Qty  string `json:"qty"`
		Cost string `json:"cost"`
	} `json:"products"`
	Writes int `json:"writes"`
}

func (s *sandbox) orders(ctx context.Context) ([]order, error) {
	var out []order
	err := getJSON(ctx, s.root+"/saleapp/_orders", &out)
	return out, err
}

// counters are the engine's, as its admin API gives them.
type counters struct {
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Delivered  int `json:"delivered"`
	Dead       int `json:"dead"`
}

// outcome is what became of an event.
type outcome struct {
	Key  string `json:"key"`
	Type string `json:"event"`
	Lane struct {
		Source string `json:"source"`
	} `json:"lane"`
	Kind   string `json:"outcome"`
	Action string `json:"action"`
	Answer json.RawMessage
}

// deadLetter is an event that was given up.
type deadLetter struct {
	Event struct {
		Connection string `json:"connection"`
		Type       string `json:"type"`
		Key        string `json:"key"`
	} `json:"event"`
	Mapping string `json:"mapping"`
	Reason  struct {
		Code, Message, Path, File, Hint string
		Line, Column                    int
	} `json:"reason"`
}

// seen is what the engine says in the end.
type seen struct {
	status   counters
	outcomes []outcome
	dead     []deadLetter
}

// waitDelivered waits until each webhook that was sent has come to an end.
func waitDelivered(ctx context.Context, e *engine, sent int) (seen, error) {
	var s seen
	for {
		var status struct {
			Counters counters `json:"counters"`
		}
		if err := getJSON(ctx, e.admin+"/api/v1/status", &status); err != nil {
			return s, err
		}
		s.status = status.Counters
		if c := s.status; c.Delivered+c.Dead+c.Duplicates >= sent && c.Delivered+c.Dead >= c.Accepted {
			break
		}
		if err := pause(ctx); err != nil {
			return s, fmt.Errorf("waiting for deliveries, so far %+v: %w", s.status, err)
		}
	}
	if err := getJSON(ctx, e.admin+"/api/v1/outcomes?limit=1000", &s.outcomes); err != nil {
		return s, err
	}
	err := getJSON(ctx, e.admin+"/api/v1/dead?limit=1000", &s.dead)
	return s, err
}

// history tells for a key where it came from and what happened to it, in order.
func (s seen) history(keys ...string) (from, what string) {
	var steps []string
	for _, o := range s.outcomes {
		if !slices.Contains(keys, o.Key) {
			continue
		}
		from = o.Lane.Source
		step := o.Kind
		if o.Action != "" {
			step = o.Type + " " + o.Action
		}
		steps = append(steps, step)
	}
	return from, strings.Join(steps, ", ")
}

// printOrders prints a line for each order in SaleApp.
func printOrders(w io.Writer, orders []order, s seen) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SaleApp\torder\tfrom\treceiver\tphone\tdelivery\tcity\tcity_ref\tbranch_ref\taddress\tinsured\ton delivery\tproducts\twrites\twhat happened")
	for _, o := range orders {
		from, what := s.history(sourceKey(o.ExternalID))
		var products []string
		for _, p := range o.Products {
			products = append(products, p.Qty+"×"+p.SKU+" at "+p.Cost)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", o.ID, o.ExternalID, from, o.ReceiverName,
			o.ReceiverPhone, o.Delivery, o.City, brief(o.CityRef), brief(o.BranchRef), o.Addres, o.Insurance, o.OnDelivery, strings.Join(products, ", "), o.Writes, what)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
}

// brief is the beginning of a reference, as much as tells it from others.
func brief(ref string) string {
	if first, _, long := strings.Cut(ref, "-"); long {
		return first + "…"
	}
	return ref
}

// sourceKey gives the key that an order has in its source. RetailCRM's events are
// ordered by the order's id, while SaleApp gets its number, which is the id with
// a letter.
func sourceKey(externalID string) string { return strings.TrimRight(externalID, "A") }

// printDead prints the dead letters.
func printDead(w io.Writer, dead []deadLetter) {
	for _, d := range dead {
		fmt.Fprintf(w, "dead letter: %s.%s %s under %s\n", d.Event.Connection, d.Event.Type, d.Event.Key, d.Mapping)
		fmt.Fprintf(w, "  %s:%d:%d: %s: %s\n", d.Reason.File, d.Reason.Line, d.Reason.Column, d.Reason.Code, d.Reason.Message)
		if d.Reason.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", d.Reason.Hint)
		}
		fmt.Fprintln(w)
	}
}
