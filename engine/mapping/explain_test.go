package mapping_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/engine/mapping"
)

const explained = `mapping: explained
from: shop.order_created
to: any.thing
when: = stat_status != 4
let:
  cod: = payment_type.id == 15
tables:
  delivery: {2: 2, 8: 1}
fields:
  id: {path: order_id, type: string}
  to: {path: delivery_type.id, table: delivery}
  carrier: {path: delivery_type.id, table: {2: courier}, default: = "unknown"}
  cash: = if cod { total_sum } else { 0 }
  again: cod
  name: {path: delivery_name, default: Nobody}
  note: {path: comment, when: = comment != nil}
  omitted: {expr: int(delivery_city), on_error: omit}
  lines:
    each: products
    where: = item.quantity > 0
    fields:
      sku: item.article
      big: {value: true, when: = item.quantity > 10}
  tags: [delivery_city, {path: currency, when: = cod}]
choose:
  - when: = payed == 1
    fields: {paid: true}
  - fields: {paid: false}
`

// TestExplain explains events in full; UPDATE=1 rewrites what is expected.
func TestExplain(t *testing.T) {
	p := compile(t, strings.Replace(explained, "default: Nobody", `default: = "Nobody"`, 1))
	files, err := filepath.Glob("testdata/explain/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ev := &mapping.Event{ID: "e1", Connection: "shop", Type: "order_created", Key: "115", Record: a.Files[0].Data}
			x, err := p.Explain(ev)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", " ")
			if err := enc.Encode(x); err != nil {
				t.Fatal(err)
			}
			if x.Err != nil {
				fmt.Fprintln(&out, x.Err)
			}
			got := out.Bytes()
			if os.Getenv("UPDATE") != "" {
				a.Files = []txtar.File{a.Files[0], {Name: "explanation", Data: got}}
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(a.Files) < 2 {
				t.Fatal("nothing is expected; run with UPDATE=1")
			}
			if d := cmp.Diff(string(a.Files[1].Data), string(got)); d != "" {
				t.Error(d)
			}
			// Explain and Map agree.
			res, merr := p.Map(ev, nil)
			if (merr != nil) != (x.Err != nil) || res.Skipped != x.Skipped || merr == nil && !res.Skipped && string(res.Record) != string(x.Record) {
				t.Errorf("Map gives %s, %v", res.Record, merr)
			}
		})
	}
}
