package saleapptest_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
)

// TestSessions plays the requests of each testdata/*.txtar against a fresh server
// and compares the answers byte for byte. UPDATE=1 writes the answers anew.
//
// NAME.request begins with a line that is either
//
//	VERB KEY [urlencoded]   a form follows, a field a line; KEY is organization,
//	                        counterparty, or any other key as it is sent
//	http METHOD PATH        a body follows
//
// and NAME.answer is the body of the answer, below a line with the status if that is
// not 200.
func TestSessions(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata/*.txtar: %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			played := play(t, path, archive)
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(path, txtar.Format(played), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(txtar.Format(played))); diff != "" {
				t.Errorf("answers differ (-want +got), UPDATE=1 accepts them:\n%s", diff)
			}
		})
	}
}

// play returns the archive with the answers that the server gave.
func play(t *testing.T, path string, archive *txtar.Archive) *txtar.Archive {
	t.Helper()
	options := saleapptest.Options{Now: minutes()}
	out := &txtar.Archive{Comment: archive.Comment}
	var base string
	for _, file := range archive.Files {
		if file.Name == "catalog.json" {
			catalog, err := saleapptest.ParseCatalog(path, file.Data)
			if err != nil {
				t.Fatal(err)
			}
			options.Catalog = catalog
			out.Files = append(out.Files, file)
			continue
		}
		name, isRequest := strings.CutSuffix(file.Name, ".request")
		if !isRequest {
			continue
		}
		if base == "" {
			_, base = serve(t, options)
		}
		status, body := send(t, base, name, string(file.Data))
		if status != http.StatusOK {
			body = strconv.Itoa(status) + "\n" + body
		}
		if !strings.HasSuffix(body, "\n") {
			body += "\n"
		}
		out.Files = append(out.Files, file, txtar.File{Name: name + ".answer", Data: []byte(body)})
	}
	return out
}

func send(t *testing.T, base, name, request string) (int, string) {
	t.Helper()
	head, rest, _ := strings.Cut(request, "\n")
	words := strings.Fields(head)
	var status int
	var body string
	var err error
	if words[0] == "http" {
		status, body, err = do(t, words[1], base+words[2], "application/json", rest)
	} else {
		form := []field{{"method_type", words[0]}}
		for line := range strings.Lines(rest) {
			form = append(form, fields(strings.TrimSuffix(line, "\n"))...)
		}
		key := words[1]
		switch key {
		case "organization":
			key = saleapptest.DefaultKey
		case "counterparty":
			key = saleapptest.DefaultCounterpartyKey
		}
		if len(words) > 2 && words[2] == "urlencoded" {
			values := url.Values{}
			for _, f := range form {
				values.Add(f.name, f.value)
			}
			status, body, err = do(t, http.MethodPost, ordersURL(base, key), "application/x-www-form-urlencoded", values.Encode())
		} else {
			status, body, err = post(t, base, key, form)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return status, body
}
