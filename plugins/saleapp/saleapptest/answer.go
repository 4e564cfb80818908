package saleapptest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// answer is the body of every answer of the API. Fields that a verb does not
// return are nil and absent; an empty list is [].
type answer struct {
	Error       string     `json:"error"` // "true" or "false"
	Description string     `json:"error_description"`
	Response    []*Order   `json:"response,omitzero"`  // of a successful GET
	CreateID    int        `json:"create_id,omitzero"` // of a successful POST
	Deleted     []Deletion `json:"deleted,omitzero"`   // of every DELETE
}

// refusal tells every problem found.
func refusal(problems ...string) answer {
	return answer{Error: "true", Description: strings.Join(problems, "; ")}
}

func success(description string) answer {
	return answer{Error: "false", Description: description}
}

// write sends the answer, in UTF-8 and unescaped as the document shows it.
func (a answer) write(w http.ResponseWriter, status int) {
	body, err := a.encode()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, and no browser; if the client is gone there is nobody to tell
}

// encode writes an answer's JSON: by hand where it holds no orders and nothing that
// JSON escapes, which is what a write is answered by.
func (a answer) encode() ([]byte, error) {
	if len(a.Response) > 0 || a.Deleted != nil || strings.ContainsFunc(a.Description, escaped) {
		return encode(a)
	}
	b := make([]byte, 0, 128+len(a.Description))
	b = append(append(append(b, `{"error":"`...), a.Error...), `","error_description":"`...)
	b = append(append(b, a.Description...), '"')
	if a.Response != nil {
		b = append(b, `,"response":[]`...)
	}
	if a.CreateID != 0 {
		b = strconv.AppendInt(append(b, `,"create_id":`...), int64(a.CreateID), 10)
	}
	return append(b, '}'), nil
}

// escaped tells whether encoding/json writes a character otherwise than it is.
func escaped(c rune) bool {
	return c < ' ' || c == '"' || c == '\\' || c == 0x7f || c == '\u2028' || c == '\u2029' || c == utf8.RuneError
}

// encode is json.Marshal without the escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
