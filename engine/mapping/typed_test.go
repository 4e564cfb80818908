package mapping_test

import (
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// formCatalog describes a source whose bodies are forms: everything in them is text,
// and the schema says what it means.
type formCatalog struct{}

func (formCatalog) Event(string, string) (*schema.Schema, error) {
	return schema.Parse([]byte(`{"type":"object","additionalProperties":true,"properties":{
		"id":{"type":"integer"},"total":{"type":"number"},"paid":{"type":"boolean"},"code":{"type":["integer","string"]},
		"address":{"type":"object","properties":{"zip":{"type":"integer"},"city":{"type":"string"}}},
		"nums":{"type":"array","items":{"type":"number"}},"flags":{"type":"array","items":{"type":"boolean"}},
		"matrix":{"type":"array","items":{"type":"array","items":{"type":"integer"}}},
		"rates":{"type":"object","additionalProperties":{"type":"number"}},
		"items":{"type":"array","items":{"type":"object","properties":{
			"sku":{"type":"string"},"qty":{"type":"number"},"n":{"type":"integer"},"on":{"type":"boolean"},
			"sub":{"type":"array","items":{"type":"object","properties":{"k":{"type":"integer"}}}},
			"dim":{"type":"object","properties":{"w":{"type":"number"}}}}}}}}`))
}

func (formCatalog) Operation(connection, _ string) (*schema.Schema, error) {
	if connection == "typed" {
		return schema.Parse([]byte(`{"type":"object","properties":{"v":{"type":"array","items":{"type":"string"}}}}`))
	}
	return schema.Parse([]byte(`{}`))
}

func (formCatalog) Lookup(string, string) (mapping.LookupSchema, error) {
	return mapping.LookupSchema{}, nil
}

const form = `{"id":"12","total":"49.79","paid":"1","code":"7","address":{"zip":"1001","city":"Київ"},"nums":["10","2.50",""],"flags":["0","1"],` +
	`"matrix":[["1","2"],["3"]],"rates":{"usd":"41.25","eur":""},"own":"5",` +
	`"items":[{"sku":"1","qty":"10","n":"1","on":"1","sub":[{"k":"5"},{"k":"6"}],"dim":{"w":"1.50"}},{"sku":"B","qty":"3.5","n":"","on":"0","sub":[],"dim":{"w":""}}]}`

// TestFormsInside reads what stands inside arrays and objects of a form: it has its
// schema's type wherever it is met, as each gives it.
func TestFormsInside(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`{each: items, value: = item.qty + 1}`, `[11,4.5]`},
		{`'= sum(map(items, #.qty))'`, `13.5`},
		{`= sum(items, .qty * 2)`, `27`},
		{`'= reduce(items, #acc + .qty, 0)'`, `13.5`},
		{`'= filter(items, .qty > 9)[0].sku'`, `"1"`},
		{`= count(items, .n == 1)`, `1`},
		{`= count(items, .n == nil)`, `1`},
		{`= all(items, .qty > 3)`, `true`},
		{`= any(items, .qty < 4)`, `true`},
		{`= one(items, .n == 1)`, `true`},
		{`= none(items, .n == 1)`, `false`},
		{`= any(items, .on)`, `true`},
		{`'= count(flags, not #)'`, `1`},
		{`= find(items, .sku == "B").qty + 1`, `4.5`},
		{`= findIndex(items, .qty == 3.5)`, `1`},
		{`= findLast(items, .qty > 1).qty`, `3.5`},
		{`'= map(sortBy(items, .qty), .sku)'`, `["B","1"]`},
		{`= keys(groupBy(items, .qty))`, `["10","3.5"]`},
		{`= groupBy(items, .sku)["1"][0].n + 1`, `2`},
		{`= sum(items, sum(.sub, .k))`, `11`},
		{`'= map(matrix, sum(#))'`, `[3,3]`},
		{`= sum(flatten(matrix))`, `6`},
		{`= map(items, .dim.w)[0] + 1`, `2.5`},
		{`'= [first(items).qty + 1, last(items).qty + 1, items[-1].qty + 1]'`, `[11,4.5,4.5]`},
		{`= take(reverse(items), 1)[0].qty + 1`, `4.5`},
		{`= concat(items, items)[3].qty + 1`, `4.5`},
		{`= (items ?? [])[0].qty + 1`, `11`},
		{`= (if paid { items } else { [] })[0].qty + 1`, `11`},
		{`= items[id - 12].qty + 1`, `11`},
		{`= let x = items[0]; x.dim.w * 2`, `3`},
		{`= let x = address; x.zip + 1`, `1002`},
		{`= kept[0].qty + 1`, `11`},
		{`= boxed[1].qty + 1`, `4.5`},
		{`first.dim.w`, `1.50`},
		{`'= max(filter(nums, # != nil))'`, `10`},
		{`'= sort(filter(nums, # != nil))'`, `[2.50,10]`},
		{`= 2.5 in nums`, `true`},
		{`= "2.5" in [text(nums[1])]`, `false`},
		{`= rates["usd"] * 2`, `82.5`},
		{`= rates[get("rates.x") ?? "usd"] * 2`, `82.5`},
		{`'= sum(filter(values(rates), # != nil))'`, `41.25`},
		{`= toPairs(address)[0][1] + 1`, `1002`},
		{`'= join(map(items, .qty), "+")'`, `"10+3.5"`},
		{`= uniq(map(items, .on))`, `[true,false]`},
		{`= toJSON(address)`, `"{\"zip\":1001,\"city\":\"Київ\"}"`},
		{`'= address == {zip: 1001, city: "Київ"}'`, `true`},
		{`= sum(get("items.#.qty"))`, `13.5`},
		{`= get("items.#(sku==\"B\").qty") + 1`, `4.5`},
		{`= sum(get("items.#(sku!=\"B\")#.qty"))`, `10`},
		{`= get("items.#") + 1`, `3`},
		{`= get("matrix.#.0")[1] + 1`, `4`},
		{`items.#.qty`, `[10,3.5]`},
		{`'items.#.sub.#.k'`, `[[5,6],[]]`},
		{`nums`, `[10,2.50]`},
		{`address`, `{"zip":1001,"city":"Київ"}`},
		{`= address`, `{"zip":1001,"city":"Київ"}`},
		{`items.1`, `{"sku":"B","qty":3.5,"on":false,"sub":[],"dim":{}}`},
		{`'= map(items, #)[1]'`, `{"sku":"B","qty":3.5,"on":false,"sub":[],"dim":{}}`},
		{`[rates, nums]`, `[{"usd":41.25},[10,2.50]]`},
		{`own`, `"5"`}, // the schema does not know it: as it is
		{`code`, `"7"`},
		{`= sum(map(items, .nope ?? 1))`, `2`},
	} {
		t.Run(c.value, func(t *testing.T) {
			check(t, compileForm(t, "any", c.value), form, `{"v":`+c.want+`}`, c.want)
		})
	}
	t.Run("text in a sink's array", func(t *testing.T) {
		check(t, compileForm(t, "typed", "nums"), form, `{"v":["10","2.50"]}`, "")
	})
}

// TestFormsThatLie reads values that cannot become what the schema says: each is a
// diagnostic that names the value, and never simply another value.
func TestFormsThatLie(t *testing.T) {
	const lying = `{"id":"x","paid":"1","address":{"zip":"01001"},"nums":["1","many"],"items":[{"sku":"A","qty":"1","n":"1"},{"sku":"B","qty":"two","n":"2.5"}]}`
	for _, c := range []struct{ value, want string }{
		{`= count(items, .qty == 1)`, "CW302 `.qty` holds \"two\" in this event, and that is not a number"},
		{`'= count(items, #.n == 1)'`, "CW302 `#.n` holds \"2.5\" in this event, and that is not a whole number"},
		{`'= count(nums, # == 1)'`, "CW302 `#` holds \"many\" in this event, and that is not a number"},
		{`'= filter(nums, # == 1)'`, "CW302 `#` holds \"many\""},
		{`'= items[-1].qty == 2'`, "CW302 `items[-1].qty` holds \"two\""},
		{`= nums[-1] == 2`, "CW302 `nums[-1]` holds \"many\""},
		{`= sum(nums)`, `CW311 only numbers can be added up, and there is "many"`},
		{`= let a = address; a.zip == 1`, "CW302 `a.zip` holds \"01001\""},
		{`id`, "CW302 `id` holds \"x\" in this event, and that is not a whole number"},
		{`address`, "CW302 `address.zip` holds \"01001\" in this event, and that is not a whole number"},
		{`'= map([address], #)'`, "CW302 `zip` holds \"01001\" in this event, and that is not a whole number"},
		{`items.#.qty`, "CW302 `items.#.qty.1` holds \"two\""},
		{`{each: items, value: item.qty}`, "CW302 `item.qty` holds \"two\""},
	} {
		t.Run(c.value, func(t *testing.T) {
			check(t, compileForm(t, "any", c.value), lying, "", c.want)
		})
	}
	// What nothing reads may hold anything.
	check(t, compileForm(t, "any", `'= map(items, .sku)'`), lying, `{"v":["A","B"]}`, "")
}

// TestGatheredTypes checks what paths through # give against the sink.
func TestGatheredTypes(t *testing.T) {
	for value, rule := range map[string]string{
		`= get("items.#.qty") + 1`: "CW133", `= get("items.#") + "x"`: "CW133", `= upper(get("items.#(sku==\"A\").qty"))`: "CW133", `items.#`: "CW146",
	} {
		p, found := mapping.Compile("m.yaml", []byte(formMapping("typed", value)), formCatalog{})
		if p != nil || found[0].Rule != rule {
			t.Errorf("%s: %v, want %s", value, found, rule)
		}
	}
}

func formMapping(to, value string) string {
	return "mapping: m\nfrom: crm.order\nto: " + to + ".put\nlet: {kept: '= filter(items, .qty > 9)', boxed: '= items', first: items.0}\nfields:\n  v: " + value + "\n"
}

func compileForm(t *testing.T, to, value string) *mapping.Program {
	t.Helper()
	p, found := mapping.Compile("m.yaml", []byte(formMapping(to, value)), formCatalog{})
	if p == nil {
		t.Fatal(found)
	}
	return p
}
