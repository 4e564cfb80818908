package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// shopConfig has a shop and SaleApp, shopMapping brings the one's orders to the other.
const (
	shopConfig = `mappings: mapping.yaml
connections:
  shop: {plugin: horoshop, token: "${env:SHOP_TOKEN}"}
  saleapp:
    plugin: saleapp
    config: {secret_key: "${env:SALEAPP_KEY}", key: organization, client_id: 50, curency_id: 6, warehouse_id: 7}
`
	shopMapping = `mapping: order
from: shop.order_created
to: saleapp.upsert_order
fields:
  external_id: order_id
  delivery_types: 1
  products: {each: products, fields: {sku: item.article, qty: item.quantity, cost: item.price}}
`
)

// shopFolder makes a folder with shopConfig and a mapping.
func shopFolder(t *testing.T, mapping string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "crosswalk.yaml", shopConfig)
	writeFile(t, dir, "mapping.yaml", mapping)
	return dir
}

// fenced gives the first block of a language in a Markdown text.
func fenced(t *testing.T, markdown, language string) string {
	t.Helper()
	_, after, found := strings.Cut(markdown, "\n```"+language+"\n")
	block, _, closed := strings.Cut(after, "```\n")
	if !found || !closed {
		t.Fatalf("there is no block of %s", language)
	}
	return block
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// printed is what a command printed.
type printed struct{ stdout, stderr string }

// crosswalk runs a command in dir to its end, which must be the exit code.
func crosswalk(t *testing.T, dir string, code int, args ...string) printed {
	t.Helper()
	got, out := try(t, dir, args...)
	if got != strconv.Itoa(code) {
		t.Fatalf("crosswalk %s: exit code %s, want %d\n%s%s", strings.Join(args, " "), got, code, out.stdout, out.stderr)
	}
	return out
}

// try runs a command in dir to its end and gives its exit code.
func try(t *testing.T, dir string, args ...string) (code string, out printed) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "crosswalk", args...)
	cmd.Dir = dir
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.ProcessState.ExitCode()), printed{stdout.String(), stderr.String()}
}
