package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/delivery"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

const orderMapping = `
mapping: shop-order
from: shop.order_changed
to: saleapp.upsert_order
when: = step != 3
tables:
  status: {0: new, 1: paid, 2: sent, 4: closed}
fields:
  number: number
  step: step
  status: {path: status, table: status}
`

// anything is a catalog whose connections hold whatever is asked for.
type anything struct{}

func (anything) Event(string, string) (*schema.Schema, error) { return schema.Parse([]byte(`{}`)) }

func (anything) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}

func (anything) Operation(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{}`))
}

// shelf is a far system that loses answers and is asked again.
type shelf struct {
	t *testing.T

	mu     sync.Mutex
	orders map[string]int // key -> step written last
	writes int
}

func (s *shelf) Write(ctx context.Context, operation string, records []wire.Record, each func(wire.WriteResult)) error {
	if operation != "upsert_order" {
		s.t.Errorf("operation %s", operation)
	}
	for _, rec := range records {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(100 * time.Microsecond)
		var order struct{ Step int }
		if err := json.Unmarshal(rec.Data, &order); err != nil {
			s.t.Errorf("record %s: %v", rec.Data, err)
		}
		res := wire.WriteResult{Index: rec.Index, Action: "updated"}
		switch rand.IntN(20) {
		case 0:
			res = wire.WriteResult{Index: rec.Index, Failure: &wire.Failure{Class: wire.Transient, Code: "busy"}}
		case 1:
			res = wire.WriteResult{Index: rec.Index, Failure: &wire.Failure{Class: wire.Unknown, Code: "timeout"}}
			fallthrough
		default:
			s.mu.Lock()
			if last := s.orders[rec.Key]; order.Step < last {
				s.t.Errorf("D3: order %s gets step %d after step %d", rec.Key, order.Step, last)
			}
			s.orders[rec.Key] = order.Step
			s.writes++
			s.mu.Unlock()
		}
		each(res)
	}
	return nil
}

// TestD2D3OnTheJournal runs a lane of the real journal, with a real mapping, broken
// off and taken over again and again.
func TestD2D3OnTheJournal(t *testing.T) {
	lane := event.Lane{Source: "shop", Sink: "saleapp"}
	j, err := journal.Open(t.Context(), journal.Options{Dir: t.TempDir(), MinFreeDisk: 1, AcceptWait: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	program, found := mapping.Compile("shop-order.yaml", []byte(orderMapping), anything{})
	if program == nil {
		t.Fatal(found)
	}
	far := &shelf{t: t, orders: map[string]int{}}
	start := func() (*delivery.Runner, func()) {
		l, err := j.OpenLane(t.Context(), lane, journal.LaneOptions{FromStart: true})
		if err != nil {
			t.Fatal(err)
		}
		r, err := delivery.New(delivery.Options{
			Lane: lane, Sink: far, Journal: l, MaxBatch: 16, BodyBudget: 4000, DrainTimeout: time.Nanosecond,
			Mappings: []delivery.Mapping{delivery.MappingOf(program, "shop", wire.OperationSpec{
				Name: "upsert_order", Repeat: wire.RepeatFindFirst, Settle: 10 * time.Millisecond,
			})},
			Backoff: delivery.Backoff{Initial: time.Millisecond, Max: 10 * time.Millisecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		return r, func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			l.Close()
		}
	}

	const keys, steps = 40, 8
	_, stop := start()
	for step := range steps {
		for key := range keys {
			status := []int{0, 1, 2, 2, 4, 4, 4, 9}[step] // no row for 9
			_, err := j.Accept(t.Context(), &event.Event{
				ID: fmt.Sprint(key, "/", step), Connection: "shop", Type: "order_changed", Key: fmt.Sprint("№", key),
				Version: uint64(step + 1), ReceivedAt: time.Now().UTC(),
				Record: fmt.Appendf(nil, `{"number":%d,"step":%d,"status":%d}`, key, step, status),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if step%2 == 1 { // taken over, half of the times with everything at once
			stop()
			_, stop = start()
		}
	}
	stop()
	r, stop := start()
	wait(t, func() bool {
		s, err := j.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.LastOutcome == keys*steps && r.Stats().AtHand() == 0
	})
	stop()

	outcomes, err := j.Outcomes(t.Context(), 1, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[event.Kind]int{}
	last := map[string]uint64{}
	for _, o := range outcomes {
		kinds[o.Kind]++
		if o.Sequence <= last[o.Key] {
			t.Errorf("D3: the outcome of event %d of key %s is stored after that of %d", o.Sequence, o.Key, last[o.Key])
		}
		last[o.Key] = o.Sequence
		if o.MappingSHA256 != program.SHA256() || o.Mapping != "shop-order" || o.Lane != lane {
			t.Errorf("outcome %+v", o)
		}
	}
	if len(outcomes) != keys*steps || kinds[event.Delivered] != keys*(steps-2) || kinds[event.Skipped] != keys || kinds[event.Dead] != keys {
		t.Errorf("D2: %d outcomes of %d events: %v", len(outcomes), keys*steps, kinds)
	}
	dead, err := j.Dead(t.Context(), 1, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if len(dead) != keys {
		t.Fatalf("%d dead letters, want %d", len(dead), keys)
	}
	for _, d := range dead {
		why := d.Outcome.Reason
		if why == nil || why.Class != "MAPPING" || why.File != "shop-order.yaml" || why.Line != 11 || why.Path != "status" || why.Code == "" {
			t.Errorf("reason %+v", why)
		}
		if len(d.Event.Record) == 0 || d.Event.Key != d.Outcome.Key {
			t.Errorf("dead letter %+v", d)
		}
	}
	for key, step := range far.orders {
		if step != steps-2 {
			t.Errorf("order %s ends with step %d", key, step)
		}
	}
	t.Logf("%d events, %d writes", keys*steps, far.writes)
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not done after two minutes")
		}
	}
}
