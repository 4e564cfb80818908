package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// goodStory is what a run may have been: an order of SalesDrive whose third version
// came hastily before the second, whose fourth cannot be mapped, and which is copied;
// another one; and one of the shop.
func goodStory() *story {
	s := &story{}
	at := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	tell := func(connection string, order, version int, bad bool, outcomes ...string) {
		w := sentWebhook{webhook: webhook{order: order, version: version, shop: connection == "shop", bad: bad}, first: at, accepted: at.Add(time.Second)}
		s.sent = append(s.sent, w)
		e := chaosEvent{Sequence: len(s.events) + 1, Connection: connection, Key: fmt.Sprint(order), Type: "status_change"}
		if connection == "salesdrive" {
			e.Version = version
		}
		if version == 1 {
			e.Type = "new_order"
		}
		s.events = append(s.events, e)
		for i, m := range e.wants() {
			s.outcomes = append(s.outcomes, chaosOutcome{Sequence: e.Sequence, Mapping: m, Outcome: outcomes[i], At: at.Add(2 * time.Second)})
		}
	}
	write := func(external string, version int) {
		verb := "PUT"
		if !slices.ContainsFunc(s.writes, func(w write) bool { return w.ExternalID == external }) {
			verb = "POST"
		}
		s.writes = append(s.writes, write{Sequence: len(s.writes) + 1, Verb: verb, ExternalID: external, Addres: fmt.Sprintf("Кур'єр: v%d", version)})
	}
	tell("salesdrive", 10, 1, false, "delivered", "delivered") // 1
	write("10", 1)
	write("copy-10", 1)
	tell("salesdrive", 10, 3, false, "delivered") // 2
	write("10", 3)
	write("10", 3)                                           // its answer was lost
	tell("salesdrive", 10, 2, false, "superseded")           // 3
	tell("salesdrive", 10, 4, true, "dead")                  // 4
	tell("salesdrive", 11, 1, false, "delivered", "skipped") // 5
	write("11", 1)
	tell("shop", 5_000_001, 1, false, "delivered") // 6
	write("5000001", 1)
	tell("shop", 5_000_001, 2, false, "delivered") // 7
	write("5000001", 2)
	s.outcomes = append(s.outcomes, chaosOutcome{Sequence: 7, Outcome: "duplicate", At: at})
	s.letters = []chaosLetter{{Mapping: mappingSales, State: "open", Sequence: 4}}
	s.letters[0].Event.Key = "10"
	s.letters[0].Event.Record.Data.ID, s.letters[0].Event.Record.Data.Version = 10, 4
	s.orders = []order{{ExternalID: "10", Addres: "v3"}, {ExternalID: "copy-10", Addres: "v1"}, {ExternalID: "11", Addres: "v1"}, {ExternalID: "5000001", Addres: "Кур'єр: v2"}}
	return s
}

// TestVerifier plants violations into a good story, and wants each one found and
// nothing found without.
func TestVerifier(t *testing.T) {
	swap := func(o []chaosOutcome, a, b int) { o[a], o[b] = o[b], o[a] }
	replay := func(s *story, act, outcome string) {
		e := chaosEvent{Sequence: 8, Connection: "salesdrive", Key: "10", Type: "status_change", Version: 4}
		e.Replay = &struct {
			Of, Origin   int
			Mapping, Act string
		}{4, 4, mappingSales, act}
		s.events = append(s.events, e)
		s.outcomes = append(s.outcomes, chaosOutcome{Sequence: 8, Mapping: mappingSales, Outcome: outcome})
		s.letters[0].State = outcome
	}
	for _, tc := range []struct {
		name  string
		plant func(s *story)
		want  string // "" means that nothing is wrong
	}{
		{"nothing", func(*story) {}, ""},
		{"an edit delivered", func(s *story) {
			replay(s, "edit", "delivered")
			s.writes = append(s.writes, write{Verb: "PUT", ExternalID: "10", Addres: "v4"})
			s.orders[0].Addres = "v4"
		}, ""},
		{"an accepted webhook without an event", func(s *story) {
			s.sent = append(s.sent, sentWebhook{webhook: webhook{order: 12, version: 1}})
		}, "D1: order 12, version 1 was accepted and is not in the journal"},
		{"an event that nobody sent", func(s *story) { s.events[4].Key = "99" }, "D1: event 5 is version 1 of order 99, which was not accepted"},
		{"an event lost by delivery", func(s *story) { s.outcomes = slices.Delete(s.outcomes, 8, 9) }, "D2: event 7 of order 5000001 has 0 outcomes under horoshop-order, want 1"},
		{"an event that a second mapping lost", func(s *story) { s.outcomes = slices.Delete(s.outcomes, 1, 2) }, "D2: event 1 of order 10 has 0 outcomes under tenth, want 1"},
		{"two outcomes", func(s *story) { s.outcomes = append(s.outcomes, s.outcomes[0]) }, "D2: event 1 of order 10 has 2 outcomes under salesdrive-order, want 1"},
		{"an outcome of a mapping that does not want it", func(s *story) {
			s.outcomes = append(s.outcomes, chaosOutcome{Sequence: 2, Mapping: mappingTenth, Outcome: "delivered"})
		}, "D2: event 2 has 1 outcomes under tenth, which does not want it"},
		{"a webhook stored twice", func(s *story) {
			s.events = append(s.events, chaosEvent{Sequence: 8, Connection: "salesdrive", Key: "11", Type: "new_order", Version: 1})
			s.outcomes = append(s.outcomes, chaosOutcome{Sequence: 8, Mapping: mappingSales, Outcome: "delivered"}, chaosOutcome{Sequence: 8, Mapping: mappingTenth, Outcome: "skipped"})
		}, "D2: order 11, version 1 is more than one event: the last is 8"},
		{"delivered without a write", func(s *story) {
			s.writes = slices.DeleteFunc(s.writes, func(w write) bool { return w.ExternalID == "5000001" && strings.HasSuffix(w.Addres, "v1") })
			s.writes[len(s.writes)-1].Verb = "POST"
		}, "D2: order 5000001: event 6, version 1, is said to be delivered and was not written"},
		{"skipped by a mapping that wants it", func(s *story) { s.outcomes[0].Outcome = "skipped" }, "D2: order 10: event 1 was skipped by salesdrive-order, which wants it"},
		{"a bad record delivered", func(s *story) { s.outcomes[4].Outcome = "delivered" }, "D2: order 10: version 4 cannot be delivered, and event 4 says that it was"},
		{"outcomes out of order", func(s *story) { swap(s.outcomes, 7, 8) }, "D3: order 5000001: event 6 has its outcome after event 7"},
		{"an inversion", func(s *story) {
			n := len(s.writes)
			s.writes = append(s.writes, write{Verb: "PUT", ExternalID: "5000001", Addres: "v1"})
			s.writes[n].Sequence = n + 1
		}, "D3: order 5000001 was written in version 1 after version 2, which was accepted later"},
		{"a good record given up", func(s *story) { s.outcomes[5].Outcome = "dead" }, "D4: order 11: version 1 is a dead letter as event 5, and nothing is wrong with it"},
		{"a doubled order", func(s *story) { s.orders = append(s.orders, s.orders[2]) }, "D5: order 11 is in SaleApp 2 times"},
		{"an order created twice", func(s *story) { s.writes[3].Verb = "POST" }, "D5: write 3 of order 10 is a POST"},
		{"a missing order", func(s *story) { s.orders = s.orders[:3] }, "D5: order 5000001 is in SaleApp 0 times"},
		{"an order of nobody", func(s *story) { s.orders = append(s.orders, order{ExternalID: "77"}) }, "D5: order 77 is in SaleApp, and no event was delivered for it"},
		{"a wrong last state", func(s *story) { s.orders[0].Addres = "v1" }, `D5: order 10 stands at "v1" in SaleApp, want version 3`},
		{"a write of what was superseded", func(s *story) {
			s.writes = append(s.writes, write{Verb: "PUT", ExternalID: "10", Addres: "v2"})
		}, `D5: order 10 was written as "v2", which was not delivered`},
		{"the last version given up for the first", func(s *story) {
			s.outcomes[8].Outcome = "superseded"
			s.orders[3].Addres = "v1"
			s.writes = s.writes[:len(s.writes)-1]
		}, "D6: order 5000001: version 2 was superseded as event 7 by nothing newer"},
		{"the last version not delivered", func(s *story) {
			s.outcomes[8].Outcome = "superseded"
			s.orders[3].Addres = "v1"
			s.writes = s.writes[:len(s.writes)-1]
		}, "D5: order 5000001 was delivered up to version 1, and version 2 was accepted"},
		{"an older version over a newer one", func(s *story) { s.outcomes[3].Outcome = "delivered" }, "D6: order 10: version 2 was delivered as event 3 after version 3"},
		{"a lost letter", func(s *story) { s.letters = nil }, "D6: order 10: event 4 is dead under salesdrive-order, and there is no letter"},
		{"another record in a letter", func(s *story) { s.letters[0].Event.Record.Data.Version = 3 }, "D6: the letter of event 4, order 10, version 4, holds order 10, version 3"},
		{"an edit lost", func(s *story) {
			replay(s, "edit", "delivered")
		}, "D2: order 10: event 8, version 4, is said to be delivered and was not written"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := goodStory()
			tc.plant(s)
			var found []string
			for promise, broken := range verify(s).broken {
				for _, b := range broken {
					found = append(found, promise+": "+b)
				}
			}
			if tc.want == "" {
				if len(found) > 0 {
					t.Errorf("found %q", found)
				}
				return
			}
			if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, tc.want) }) {
				t.Errorf("found %q, want %s", found, tc.want)
			}
		})
	}
}
