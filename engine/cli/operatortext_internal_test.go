package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// now is a time of the zone in which people are shown times.
var now = time.Date(2026, 11, 2, 21, 0, 0, 0, time.Local)

func ago(d time.Duration) *time.Time {
	t := now.Add(-d)
	return &t
}

// TestStatusText checks what an operator sees when much is the matter: every block
// begins behind an empty line, and what is said of it stands beneath its table.
func TestStatusText(t *testing.T) {
	s := admin.Status{
		Version: "1.2.3", StartedAt: *ago(90 * time.Minute), Alarms: []string{"the backlog nears the retention"},
		Configuration: &admin.Configuration{Valid: true, AppliedAt: *ago(time.Hour)},
		Connections: []admin.Connection{
			{Name: "outlet", Plugin: "horoshop", Version: "1.2.3", State: "running", PID: 7, Unread: true},
			{Name: "saleapp", Plugin: "saleapp", Version: "1.2.3", State: "running", PID: 8, Sending: &admin.Sending{State: "stopped", By: "olena", Since: ago(12 * time.Minute)}},
			{Name: "shop", Plugin: "horoshop", State: "failed", Reason: "failed: it ended"},
		},
		Undecoded: []admin.Undecoded{{Connection: "shop", Waiting: 2, Oldest: ago(time.Minute), Refused: 1}},
		Lanes: []admin.Lane{{
			Source: "shop", Sink: "saleapp", Backlog: 3, Held: 2, Oldest: ago(20 * time.Minute), Paused: &admin.Pause{By: "olena", Since: ago(12 * time.Minute)},
			Waiting: []admin.Waiting{
				{Sequence: 4, Key: "7", Attempts: 2, Next: now.Add(30 * time.Second), Reason: &event.Reason{Class: "TRANSIENT", Code: "http_503", Message: "down"}},
				{Sequence: 5, Key: "8", Next: now, PossiblySent: true},
				{Sequence: 6, Key: "9", Next: now.Add(time.Second)},
			},
		}, {Source: "crm", Sink: "saleapp", Backlog: 1, Uncounted: true}},
		Mappings: []admin.Mapping{{Name: "order", SHA256: "0123456789abcdef", From: []string{"shop.order_created"}, To: "saleapp.upsert_order"}},
		Counters: admin.Counters{Accepted: 7, Duplicates: 1, Delivered: 2},
		Ingress:  admin.Ingress{Requests: 12, Refused: map[string]uint64{"refused": 2, "not_found": 1, "body_too_large": 3, "busy": 0}},
	}
	const want = `engine 1.2.3 at 127.0.0.1:9090, running for 1h30m
configuration in place for 1h00m
ALARM: the backlog nears the retention

CONNECTION  PLUGIN    VERSION  STATE    PID  RESTARTS  WHY
outlet      horoshop  1.2.3    running  7    0         -
saleapp     saleapp   1.2.3    running  8    0         -
shop        horoshop  -        failed   -    0         failed: it ended
no mapping reads from outlet: its events are kept and go nowhere; when a mapping does, ` + "`crosswalk replay --connection outlet --since TIME`" + ` sends them
nothing goes to saleapp: paused by olena, for 12m00s, until ` + "`crosswalk resume saleapp`" + `
shop: 2 webhooks wait undecoded, the oldest for 1m00s: they are decoded when the plugin answers
shop: 1 webhook was kept as it came and refused when decoded: see ` + "`crosswalk undecoded list`" + `

LANE             BACKLOG    AT HAND  OLDEST  PAUSED
shop to saleapp  3          2        20m00s  by olena since 2026-11-02 20:48:00
crm to saleapp   1 or more  0        -       -
event 4 of key 7 is tried again in 30s, at 2026-11-02 21:00:30, after 2 attempts: TRANSIENT http_503: down
event 5 of key 8 is tried again now: an earlier run may have sent it, and what that did must be over first
event 6 of key 9 is tried again in 1s, at 2026-11-02 21:00:01

MAPPING  FROM                TO                    SHA256
order    shop.order_created  saleapp.upsert_order  0123456789ab

7 accepted, 1 duplicate; 2 delivered, 0 skipped, 0 superseded, 0 dead (0 open)
12 webhooks since the start, of them refused: 3 as body too large, 1 for an unknown connection or a wrong token, 2 by the plugin
`
	if diff := cmp.Diff(want, statusText(s, "127.0.0.1:9090", now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWaitText checks that an event says what it waits for.
func TestWaitText(t *testing.T) {
	attempt := &admin.Waiting{Attempts: 3, Next: now.Add(time.Minute), Reason: &event.Reason{Class: "UNKNOWN", Code: "timeout", Message: "no answer"}}
	for want, w := range map[string]admin.Wait{
		"to saleapp: it is not its turn yet: 20 events wait in the lane, with it":                                                                   {For: "unread", Backlog: 20},
		"to saleapp: behind event 12, which has the same key and is not done: `crosswalk events show 12`":                                           {For: "behind", Behind: 12},
		"to saleapp by order: it is tried again in 1m0s, at 2026-11-02 21:01:00, after 3 attempts: UNKNOWN timeout: no answer":                      {For: "retrying", Mapping: "order", Attempt: attempt},
		"to saleapp by order: it is at the sink, which has not answered yet; after 3 attempts":                                                      {For: "sending", Mapping: "order", Attempt: attempt},
		"to saleapp: it is mapped, and waits for a place at the sink; nothing goes to saleapp now: paused by olena since 2026-11-02 20:48:00":       {For: "ready", Paused: &admin.Pause{By: "olena", Since: ago(12 * time.Minute)}},
		"to saleapp: it waits for room: others are at hand; nothing goes to saleapp now: paused until 2026-11-02 21:01:00: AUTH the key is refused": {For: "queued", Paused: &admin.Pause{Until: &attempt.Next, Reason: &event.Reason{Class: "AUTH", Code: "http_401", Message: "the key is refused"}}},
		"to saleapp by copy: the mapping is gone from the configuration; bring it back, or `crosswalk mapping drop` or `rename` it":                 {For: "gone", Mapping: "copy"},
		"to saleapp: its mapping waits for a lookup's answer":                                                                                       {For: "asking"},
	} {
		w.Sink = "saleapp"
		if got := waitText(&w, now); got != want {
			t.Errorf("%s:\n got %s\nwant %s", w.For, got, want)
		}
	}
}

// TestChain checks that a letter that died again says what came of it in the end.
func TestChain(t *testing.T) {
	at := func(seq uint64, state string, as uint64) admin.Letter {
		l := admin.Letter{LetterID: admin.LetterID{Source: "shop", Sink: "saleapp", Mapping: "order", Sequence: seq}, State: state}
		if as > 0 {
			l.Acts = []event.Act{{As: as}}
		}
		return l
	}
	all := []admin.Letter{at(9, "delivered", 12), at(5, "dead_again", 9), at(1, "dead_again", 5), at(2, "open", 0), at(3, "dead_again", 99)}
	for i, want := range []string{
		"delivered as 12", "dead again as 9, which is delivered as 12", "dead again as 5, which is dead again as 9, which is delivered as 12", "open", "dead again as 99",
	} {
		if got := chainOf(&all[i], all); got != want {
			t.Errorf("letter %d: %s, want %s", all[i].Sequence, got, want)
		}
	}
}

// TestPages checks that a list is read as far as its limit, and no further than its end.
func TestPages(t *testing.T) {
	for _, test := range []struct{ limit, there, want int }{{5, 100, 5}, {250, 1000, 250}, {50, 7, 7}, {100, 0, 0}} {
		read := 0
		err := pages(test.limit, 100, func(n int) (int, bool, error) {
			n = min(n, test.there-read)
			read += n
			return n, read < test.there, nil
		})
		if err != nil || read != test.want {
			t.Errorf("%+v: read %d, %v", test, read, err)
		}
	}
}
