package cli_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestInitValidates drafts a mapping from each event of the shipped sources to each
// operation of the shipped sinks, with a body and without: all that is found in it
// is at a line that says TODO.
func TestInitValidates(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "crosswalk.yaml", `
plugins: `+plugins+`
mappings: ["mappings/*/mapping.yaml"]
connections:
  shop: {plugin: horoshop, token: "${env:SHOP_TOKEN}"}
  salesdrive: {plugin: salesdrive, token: "${env:SALESDRIVE_TOKEN}"}
  crm: {plugin: retailcrm, token: "${env:CRM_TOKEN}"}
  own: {plugin: saleapp, config: {secret_key: "${env:KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7}}
  partner: {plugin: saleapp, config: {secret_key: "${env:KEY}", key: counterparty}}
`)
	bodies := map[string]string{
		"shop.order_created":       "horoshop-order/samples/novaposhta-cash-on-delivery.json",
		"salesdrive.new_order":     "salesdrive-order/samples/pickup.json",
		"salesdrive.status_change": "salesdrive-order/samples/status-change-percent-discount.json",
		"crm.new_order":            "retailcrm-order/samples/new-by-courier.json",
		"crm.changed_order":        "retailcrm-order/samples/changed-paid.form",
	}
	sinks := []string{"own.upsert_order", "own.create_order", "own.update_order", "own.delete_order", "partner.upsert_order"}
	made := map[string]string{}
	files := []string{"validate", "--format", "json"}
	draft := func(source, sink, body string) {
		name := strings.NewReplacer(".", "-", "_", "-").Replace(source + "-to-" + sink + "-" + body)
		file := filepath.Join("mappings", name, "mapping.yaml")
		args := []string{"init", "--from", source, "--to", sink, "--name", name}
		if body == "none" {
			args = append(args, "--no-body")
		} else {
			path, err := filepath.Abs("../../mappings/" + bodies[source])
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, "--input", path)
		}
		made[file] = crosswalk(t, dir, 0, args...).stderr
		files = append(files, file)
	}
	for source := range bodies {
		draft(source, sinks[0], "body")
		if strings.HasSuffix(source, "status_change") || strings.HasSuffix(source, "changed_order") {
			continue // it has the fields of the other event
		}
		for _, sink := range sinks {
			draft(source, sink, "none")
		}
	}
	code, out := try(t, dir, files...)
	if code != "0" && code != "1" {
		t.Fatalf("crosswalk validate: exit code %s\n%s", code, out.stderr)
	}
	var report []struct {
		File, Rule, Message string
		Line                int
	}
	if err := json.Unmarshal([]byte(out.stdout), &report); err != nil {
		t.Fatal(err, out.stdout)
	}
	todo := map[string]int{}
	for _, d := range report {
		lines := strings.Split(readFile(t, filepath.Join(dir, d.File)), "\n")
		if source := lines[d.Line-1]; !strings.Contains(source, "TODO") {
			t.Errorf("%s: %s %s, at\n%s", d.File, d.Rule, d.Message, source)
		}
		todo[d.File]++
	}
	for file, said := range made {
		none := strings.Contains(said, ", 0 TODOs left")
		if none && todo[file] > 0 {
			t.Errorf("%s: it says\n%sand %d findings", file, said, todo[file])
		}
	}
	if len(todo) == 0 {
		t.Error("no draft has anything left to do; the test tests nothing")
	}
}
