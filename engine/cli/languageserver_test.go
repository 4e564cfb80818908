package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/textproto"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// answerWithin is how long the language server may take for one answer on a
// machine that has much else to do.
const answerWithin = 2 * time.Minute

// languageServer is a YAML language server as an editor runs it: JSON-RPC over
// its standard input and output, as the Language Server Protocol 3.17 says.
type languageServer struct {
	t   *testing.T
	in  io.WriteCloser
	dir string

	mu          sync.Mutex
	next        int
	answers     map[int]chan message
	diagnostics map[string]chan []diagnostic // by the file's URI
	gone        chan struct{}
}

type message struct {
	ID     *json.RawMessage `json:"id,omitempty"`
	Method string           `json:"method,omitempty"`
	Params json.RawMessage  `json:"params,omitempty"`
	Result json.RawMessage  `json:"result,omitempty"`
	Error  json.RawMessage  `json:"error,omitempty"`
}

// position counts lines and UTF-16 units from 0.
type position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

type diagnostic struct {
	Range struct {
		Start, End position
	}
	Message string
}

// String gives the place, counted from 1, and the message.
func (d diagnostic) String() string {
	return fmt.Sprintf("%d:%d: %s", d.Range.Start.Line+1, d.Range.Start.Character+1, d.Message)
}

// completion is one suggestion.
type completion struct {
	Label         string
	Documentation documentation
	InsertText    string
}

// documentation is a text, or an object that holds one.
type documentation string

// UnmarshalJSON reads either.
func (d *documentation) UnmarshalJSON(b []byte) error {
	var markup struct{ Value string }
	if err := json.Unmarshal(b, &markup); err == nil {
		*d = documentation(markup.Value)
		return nil
	}
	var text string
	err := json.Unmarshal(b, &text)
	*d = documentation(text)
	return err
}

// startLanguageServer runs the program at path under node until the test ends. The
// files that are opened stand in a folder of their own.
func startLanguageServer(t *testing.T, path string) *languageServer {
	t.Helper()
	s := &languageServer{t: t, dir: t.TempDir(), answers: map[int]chan message{}, diagnostics: map[string]chan []diagnostic{}, gone: make(chan struct{})}
	cmd := exec.Command("node", path, "--stdio")
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("the language server does not start: %v", err)
	}
	s.in = in
	go func() {
		defer close(s.gone)
		s.read(bufio.NewReader(out))
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-s.gone
		_ = cmd.Wait()
		if t.Failed() && said.Len() > 0 {
			t.Logf("the language server said: %s", said.String())
		}
	})
	s.call("initialize", map[string]any{
		"processId": nil, "rootUri": "file://" + s.dir,
		"capabilities": map[string]any{
			"workspace":    map[string]any{"configuration": true},
			"textDocument": map[string]any{"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": true, "documentationFormat": []string{"markdown"}}}},
		},
	}, nil)
	s.notify("initialized", map[string]any{})
	return s
}

// settings are what an editor answers about its configuration: nothing is fetched.
func settings() map[string]any {
	off := map[string]any{"enable": false}
	return map[string]any{"validate": true, "completion": true, "hover": true, "schemaStore": off, "kubernetesCRDStore": off}
}

// read hands out what the server sends, until it ends.
func (s *languageServer) read(r *bufio.Reader) {
	for {
		header, err := textproto.NewReader(r).ReadMIMEHeader()
		if err != nil {
			return
		}
		n, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			return
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var m message
		if json.Unmarshal(body, &m) != nil {
			return
		}
		s.handle(m)
	}
}

func (s *languageServer) handle(m message) {
	switch {
	case m.Method == "textDocument/publishDiagnostics":
		var p struct {
			URI         string
			Diagnostics []diagnostic
		}
		if json.Unmarshal(m.Params, &p) == nil {
			s.of(p.URI) <- p.Diagnostics
		}
	case m.Method != "" && m.ID != nil: // a question of the server
		var result any
		if m.Method == "workspace/configuration" {
			var p struct {
				Items []struct{ Section string }
			}
			_ = json.Unmarshal(m.Params, &p) // a malformed question gets no answers
			all := make([]any, len(p.Items))
			for i, item := range p.Items {
				if item.Section == "yaml" {
					all[i] = settings()
				}
			}
			result = all
		}
		s.send(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": result})
	case m.Method == "" && m.ID != nil:
		id, err := strconv.Atoi(string(*m.ID))
		if err != nil {
			return
		}
		s.mu.Lock()
		answer := s.answers[id]
		s.mu.Unlock()
		if answer != nil {
			answer <- m
		}
	}
}

// of gives the channel of a file's diagnostics.
func (s *languageServer) of(uri string) chan []diagnostic {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.diagnostics[uri] == nil {
		s.diagnostics[uri] = make(chan []diagnostic, 100)
	}
	return s.diagnostics[uri]
}

func (s *languageServer) send(m any) {
	body, err := json.Marshal(m)
	if err != nil {
		return // only what this file makes is sent
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.in, "Content-Length: %d\r\n\r\n%s", len(body), body) // an ended server is noticed by who waits
}

func (s *languageServer) notify(method string, params any) {
	s.send(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

// call asks and waits for the answer.
func (s *languageServer) call(method string, params, result any) {
	s.t.Helper()
	answer := make(chan message, 1)
	s.mu.Lock()
	s.next++
	id := s.next
	s.answers[id] = answer
	s.mu.Unlock()
	s.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	select {
	case m := <-answer:
		if len(m.Error) > 0 {
			s.t.Fatalf("%s: the language server says %s", method, m.Error)
		}
		if result == nil {
			return
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			s.t.Fatalf("%s: %v in %s", method, err, m.Result)
		}
	case <-s.gone:
		s.t.Fatalf("%s: the language server has ended", method)
	case <-time.After(answerWithin):
		s.t.Fatalf("%s: the language server does not answer", method)
	}
}

// open opens a text as a new file, which nothing is written of. The schema stands
// beside it.
func (s *languageServer) open(name, schema, text string) (uri string) {
	s.t.Helper()
	writeFile(s.t, s.dir, name+".schema.json", schema)
	uri = "file://" + filepath.ToSlash(filepath.Join(s.dir, name+".yaml"))
	s.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": uri, "languageId": "yaml", "version": 1,
		"text": "# yaml-language-server: $schema=" + name + ".schema.json\n" + text,
	}})
	return uri
}

// found waits for the diagnostics of a file of which there is one at least.
func (s *languageServer) found(uri string) []string {
	s.t.Helper()
	late := time.After(answerWithin)
	for {
		select {
		case list := <-s.of(uri):
			var out []string
			for _, d := range list {
				out = append(out, d.String())
			}
			if len(out) > 0 {
				return out
			}
		case <-s.gone:
			s.t.Fatal("the language server has ended")
		case <-late:
			s.t.Fatalf("%s: the language server finds nothing", uri)
		}
	}
}

// complete gives what is suggested where the text has a ¦, by label.
func (s *languageServer) complete(name, schema, text string) map[string]completion {
	s.t.Helper()
	uri, at := s.at(name, schema, text)
	var list struct{ Items []completion }
	s.call("textDocument/completion", map[string]any{"textDocument": map[string]any{"uri": uri}, "position": at}, &list)
	out := map[string]completion{}
	for _, c := range list.Items {
		out[c.Label] = c
	}
	return out
}

// hover gives what is shown where the text has a ¦.
func (s *languageServer) hover(name, schema, text string) string {
	s.t.Helper()
	uri, at := s.at(name, schema, text)
	var shown struct{ Contents documentation }
	s.call("textDocument/hover", map[string]any{"textDocument": map[string]any{"uri": uri}, "position": at}, &shown)
	return string(shown.Contents)
}

// at opens a text and gives the place of its ¦, which is taken out.
func (s *languageServer) at(name, schema, text string) (uri string, at position) {
	s.t.Helper()
	before, after, marked := strings.Cut(text, "¦")
	if !marked {
		s.t.Fatalf("no ¦ in\n%s", text)
	}
	at.Line = strings.Count(before, "\n") + 1 // below the line that names the schema
	at.Character = len([]rune(before[strings.LastIndex(before, "\n")+1:]))
	return s.open(name, schema, before+after), at
}
