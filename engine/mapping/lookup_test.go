package mapping_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

const lookupMapping = `mapping: m
from: shop.order_created
to: any.operation
let:
  number: = match(delivery_address ?? "", "№ *([0-9]+)")
lookups:
  city: {from: np.city, when: = delivery_type.id == 3, args: {name: delivery_city}}
  branch: {from: np.branch, args: {number: number, city: city.ref}}
fields:
  id: order_id
`

// answered maps an order, answering each round's questions from known: "city Київ"
// stands for lookup and arguments as one knows them. It gives the outcome and what
// was asked, a line for each round.
func answered(t *testing.T, p *mapping.Program, record string, known map[string]mapping.Answer) (outcome, asked string) {
	t.Helper()
	answers := mapping.Answers{}
	var rounds strings.Builder
	for range p.Lookups() + 1 {
		r, err := p.MapWith(&mapping.Event{Record: []byte(record)}, answers, nil)
		if err != nil || len(r.Questions) == 0 {
			var b bytes.Buffer
			writeOutcome(t, &b, r, err)
			return strings.TrimSpace(b.String()), rounds.String()
		}
		if len(r.Record) > 0 {
			t.Errorf("a record beside questions: %s", r.Record)
		}
		for i, q := range r.Questions {
			if i > 0 {
				rounds.WriteString("; ")
			}
			if !json.Valid(q.Args) {
				t.Errorf("arguments are no JSON: %s", q.Args)
			}
			line := fmt.Sprintf("%s %s", q.Name, q.Args)
			rounds.WriteString(line)
			answers[q.Key()] = known[line]
		}
		rounds.WriteString("\n")
	}
	t.Fatalf("more rounds than lookups:\n%s", rounds.String())
	return "", ""
}

func TestLookups(t *testing.T) {
	found := func(s string) mapping.Answer { return mapping.Answer{Found: []byte(s)} }
	known := map[string]mapping.Answer{
		`city {"name":"Київ"}`:           found(`{"ref":"k","name":"Київ"}`),
		`city {"name":"Чашка"}`:          found(`{"ref":"cup"}`),
		`city {"name":"Тарілка"}`:        found(`{"ref":"plate"}`),
		`city {"name":"без"}`:            found(`{"name":"без"}`),
		`city {"name":"зламане"}`:        found(`[1]`),
		`branch {"city":"k","number":2}`: found(`{"ref":"k2","number":2}`),
		`city {"name":"Іванівка"}`: {Refusal: &mapping.Refusal{
			Ambiguous: true, Message: "several settlements are named so.",
			Candidates: [][]byte{[]byte(`{"ref":"9","name":"с. Іванівка","area":"Київська"}`), []byte(`{"ref":"8","name":"с. Іванівка","area":"Одеська"}`)},
		}},
		`city {"name":"x"}`: {Refusal: &mapping.Refusal{Message: "too short"}},
	}
	order := func(city, address string, kind int) string {
		return fmt.Sprintf(`{"order_id":7,"delivery_city":%q,"delivery_address":%q,"delivery_type":{"id":%d},`+
			`"products":[{"title":"Чашка"},{"title":"Тарілка"},{"title":"Чашка"},{"title":"Ложка"}]}`, city, address, kind)
	}
	const cityRound, branchRound = `city {"name":"Київ"}` + "\n", `branch {"city":"k","number":2}` + "\n"
	for _, c := range []struct{ name, rule, order, want, asked string }{
		{"one after the other", "city: city.ref\n  branch: branch.ref", order("Київ", "Відділення №2", 3), `{"id":7,"city":"k","branch":"k2"}`, cityRound + branchRound},
		{"what nothing reads is not asked", "v: = if payed == 1 { city.ref } else { \"no\" }", order("Київ", "№2", 3), `{"id":7,"v":"no"}`, ""},
		{"when is false", "city: city.ref", order("Київ", "№2", 8), `{"id":7}`, ""},
		{"an argument is missing", "city: city.ref\n  branch: branch.ref", order("Київ", "вул. Садова", 3), `{"id":7,"city":"k"}`, cityRound},
		{"an empty argument is missing", "city: city.ref", order("", "", 3), `{"id":7}`, ""},
		{"not found is missing", "city: {path: city.ref, default: {value: none}}", order("Ніде", "№2", 3), `{"id":7,"city":"none"}`, `city {"name":"Ніде"}` + "\n"},
		{"in an expression", `v: '= (city.ref ?? "none") + text(branch.number ?? 0)'`, order("Київ", "№2", 3), `{"id":7,"v":"k2"}`, cityRound + branchRound},
		{"has", `v: '= has("city.ref")'`, order("Київ", "", 3), `{"id":7,"v":true}`, cityRound},
		{"as a whole", `v: city`, order("Київ", "", 3), `{"id":7,"v":{"ref":"k","name":"Київ"}}`, cityRound},
		{"default does not hide a question", "city: {path: city.ref, default: 1, on_error: default}", order("Київ", "", 3), `{"id":7,"city":"k"}`, cityRound},
		{
			"batched over elements", "v: {each: products, lookups: {c: {from: np.city, args: {name: item.title}}}, value: c.ref}", order("", "", 8),
			`{"id":7,"v":["cup","plate","cup"]}`, `city {"name":"Чашка"}; city {"name":"Тарілка"}; city {"name":"Ложка"}` + "\n",
		},
		{"ambiguous", "city: {path: city.ref, on_error: omit}", order("Іванівка", "", 3), "CW314: lookup `city` (np.city) finds several for {\"name\":\"Іванівка\"}: several settlements are named so; there are с. Іванівка, Київська; с. Іванівка, Одеська", ""},
		{"ambiguous within an object", "o: {fields: {city: city.ref}, on_error: omit}", order("Іванівка", "", 3), "CW314", ""},
		{"ambiguous within a named object", "v: {path: boxed.c, on_error: omit}", order("Іванівка", "", 3), "CW314", ""},
		{"refused", "city: city.ref", order("x", "", 3), "CW315: lookup `city` (np.city) refuses {\"name\":\"x\"}: too short", ""},
		{"no object", "city: city.ref", order("зламане", "", 3), "CW313", ""},
		{"required, not found", "city: {path: city.ref, required: true}", order("Ніде", "", 3), "`city` is required, and is missing in this event: lookup `city` (np.city) found nothing for {\"name\":\"Ніде\"}", ""},
		{"required, no such field", "city: {path: city.ref, required: true}", order("без", "", 3), "the answer of lookup `city` (np.city) to {\"name\":\"без\"} has no `ref`", ""},
		{"required, when is false", "city: {path: city.ref, required: true}", order("Київ", "", 8), "lookup `city` (np.city) was not asked, because its `when` is false", ""},
		{"required, an argument is missing", "b: {path: branch.ref, required: true}", order("Київ", "вул.", 3), "lookup `branch` (np.branch) was not asked, because its argument `number` is missing: `delivery_address` gives none", ""},
		{
			"required, the lookup before found nothing", "b: {path: branch.ref, required: true}", order("Ніде", "№2", 3),
			"lookup `branch` (np.branch) was not asked, because its argument `city` is missing: lookup `city` (np.city) found nothing for {\"name\":\"Ніде\"}", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := lookupMapping + "  " + c.rule + "\n"
			if strings.Contains(c.rule, "boxed") {
				text = strings.Replace(text, "lookups:\n", "  boxed: {fields: {a: order_id, c: city.ref}}\nlookups:\n", 1)
			}
			p := compile(t, text)
			got, asked := answered(t, p, c.order, known)
			if strings.HasPrefix(c.want, "{") && got != c.want || !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if strings.HasPrefix(c.want, "{") && asked != c.asked {
				t.Errorf("asked:\n%swant:\n%s", asked, c.asked)
			}
		})
	}
}

// TestManyQuestions asks for every element of a long array in one round.
func TestManyQuestions(t *testing.T) {
	p := compile(t, "mapping: m\nfrom: any.event\nto: any.operation\nfields:\n  v: {each: list, as: n, lookups: {c: {from: np.city, args: {name: = text(n)}}}, value: c.ref}\n")
	record := `{"list":[` + strings.TrimSuffix(strings.Repeat("1,", 3), ",") + "," + func() string {
		var parts []string
		for i := range 1000 {
			parts = append(parts, fmt.Sprint(i+10))
		}
		return strings.Join(parts, ",")
	}() + `]}`
	r, err := p.MapWith(&mapping.Event{Record: []byte(record)}, nil, nil)
	if err != nil || len(r.Questions) != 1001 {
		t.Fatalf("%d questions, %v", len(r.Questions), err)
	}
	if _, err := p.Map(&mapping.Event{Record: []byte(record)}, nil); err == nil || !strings.Contains(err.Error(), `lookup `+"`c`"+` (np.city) has no answer here for {"name":"1"}`) {
		t.Errorf("without answers: %v", err)
	}
	// Nothing of it is left for another event.
	if r, err := p.Map(&mapping.Event{Record: []byte(`{"list":[]}`)}, nil); err != nil || string(r.Record) != `{"v":[]}` {
		t.Errorf("%s, %v", r.Record, err)
	}
}
