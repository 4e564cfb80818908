package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

const inOrder = `{"external_id":"A-1","delivery_types":3,"receiver_name":"Ганна \"Їжакевич\"","receiver_phone":"380671112233","city":"Львів",` +
	`"city_ref":"c-ref","addres":"Відділення №7","branch_ref":"b-ref","insurance_amount":300,"delivery_amount":0,` +
	`"products":[{"sku":"UA25","qty":2,"cost":49.79},{"sku":"UA26","qty":1,"cost":12.98}]}`

// TestQuickTakesWhatIsInOrder: the common case goes the quick way, under each
// schema of each kind of key.
func TestQuickTakesWhatIsInOrder(t *testing.T) {
	for _, kind := range []keyKind{organizationKey, counterpartyKey} {
		for name, tt := range map[string]struct {
			schema json.RawMessage
			record string
		}{
			"create": {createSchema(kind), inOrder},
			"update": {updateSchema(kind), inOrder},
			"delete": {deleteSchema(kind), `{"external_id":"A-1"}`},
		} {
			c, err := newChecker(tt.schema)
			if err != nil {
				t.Fatal(err)
			}
			if c.quick == nil {
				t.Errorf("%s %s: the schema is not known", kind, name)
			}
			if !c.quick.accepts(json.RawMessage(tt.record)) {
				t.Errorf("%s %s: not accepted: %s", kind, name, tt.record)
			}
		}
	}
}

// TestQuickAcceptsNothingWrong changes records at random: what the quick way
// accepts, the schema must accept.
func TestQuickAcceptsNothingWrong(t *testing.T) {
	values := []string{
		`null`, `true`, `0`, `1`, `2`, `3`, `3.0`, `30e-1`, `-0`, `4`, `5`, `1.5`, `"3"`, `""`, `"x"`, `[]`, `{}`, `[1]`, `[{"sku":"a","qty":1}]`,
		`[{"sku":"a"}]`, `[{"qty":1}]`, `[{"id":1,"qty":1,"more":1}]`, `[{"sku":"a","qty":1.0}]`, `9999999999999999999999`,
	}
	names := []string{
		"external_id", "id", "delivery_types", "city", "city_ref", "addres", "branch_ref", "products", "client_id", "receiver_name",
		"insurance_amount", "unknown", "funnel", "comment", "custom_fields", "curency_id", `extern\u0061l_id`, "delivery_\\u0074ypes",
	}
	random := rand.New(rand.NewPCG(1, 2))
	quick, both := 0, 0
	for _, schema := range []json.RawMessage{createSchema(organizationKey), updateSchema(counterpartyKey), deleteSchema(organizationKey)} {
		c, err := newChecker(schema)
		if err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			var members []string
			gjson.Parse(inOrder).ForEach(func(k, v gjson.Result) bool {
				switch random.IntN(12) {
				case 0: // left out
				case 1:
					members = append(members, k.Raw+":"+values[random.IntN(len(values))])
				default:
					members = append(members, k.Raw+":"+v.Raw)
				}
				return true
			})
			for random.IntN(3) == 0 {
				members = append(members, fmt.Sprintf(`"%s":%s`, names[random.IntN(len(names))], values[random.IntN(len(values))]))
			}
			record := json.RawMessage("{" + strings.Join(members, ",") + "}")
			if c.quick.accepts(record) {
				quick++
				if f := c.full(record); f != nil {
					t.Fatalf("accepted, and yet %s: %s", f.Message, record)
				}
			} else if c.full(record) == nil {
				both++
			}
		}
	}
	if quick < 5*both || quick == 0 {
		t.Errorf("%d went the quick way, %d that are in order did not", quick, both)
	}
}

func TestQuickKnowsItsBounds(t *testing.T) {
	for _, schema := range []string{
		`{"type":["string","null"]}`, `{"pattern":"x"}`, `{"enum":["a"]}`, `{"const":1.5}`, `{"additionalProperties":{"type":"string"}}`,
		`{"if":{"required":["a"]}}`, `{"oneOf":[{"type":"string"}]}`, `{"properties":{"a":{"maximum":1}}}`, `true`,
	} {
		if newQuick(gjson.Parse(schema)) != nil {
			t.Errorf("%s counts as known", schema)
		}
	}
}
