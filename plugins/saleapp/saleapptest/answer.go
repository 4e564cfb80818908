package saleapptest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
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
	body, err := encode(a)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, and no browser; if the client is gone there is nobody to tell
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
