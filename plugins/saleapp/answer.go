package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

// answer is what SaleApp said. Its scalars may be strings or not: "error" is
// "false" in the document's examples, and create_id a number.
type answer struct {
	refused     bool
	description string // also of a success
	createID    string
	orders      []gjson.Result // of GET: objects with an id
}

// parseAnswer reads an answer's body. Its errors do not repeat the body.
func parseAnswer(body []byte) (answer, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	switch {
	case len(body) == 0:
		return answer{}, errors.New("the answer is empty")
	case !json.Valid(body): // bounds the depth, too
		return answer{}, errors.New("the answer is not JSON")
	}
	doc := gjson.ParseBytes(body)
	var failed, description, created, response gjson.Result
	if doc.IsObject() {
		doc.ForEach(func(name, value gjson.Result) bool {
			switch name.Str {
			case "error":
				failed = value
			case "error_description":
				description = value
			case "create_id":
				created = value
			case "response":
				response = value
			}
			return true
		})
	}
	refused, ok := flag(failed)
	if !ok {
		return answer{}, errors.New(`the answer does not say "error": true or false`)
	}
	orders, err := ordersOf(response)
	return answer{refused: refused, description: scalar(description), createID: scalar(created), orders: orders}, err
}

// flag reads a boolean, however it is written.
func flag(v gjson.Result) (value, ok bool) {
	switch strings.ToLower(scalar(v)) {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// scalar is a string's text, or the digits of a number; "" for what is no scalar.
func scalar(v gjson.Result) string {
	switch v.Type {
	case gjson.String:
		return v.Str
	case gjson.Number, gjson.True, gjson.False:
		return v.Raw
	case gjson.Null, gjson.JSON:
	}
	return ""
}

// ordersOf reads a GET's response: an array of orders, or what PHP makes of one
// that is empty or has gaps.
func ordersOf(v gjson.Result) ([]gjson.Result, error) {
	if !v.Exists() || v.Type == gjson.Null || v.Type == gjson.False || v.Raw == `""` {
		return nil, nil
	}
	if !v.IsArray() && !v.IsObject() {
		return nil, errors.New("response is no array of orders")
	}
	var found []gjson.Result
	if v.Get("id").Exists() {
		found = []gjson.Result{v}
	} else {
		v.ForEach(func(_, o gjson.Result) bool {
			found = append(found, o)
			return true
		})
	}
	for _, o := range found {
		if !o.IsObject() || scalar(o.Get("id")) == "" {
			return nil, errors.New("response holds something that is no order with an id")
		}
	}
	return found, nil
}

// The vendor has no error codes, so two kinds of refusal can be told by their text
// alone. Texts in quotation marks are taken out first: they repeat the record.
var (
	quoted   = regexp.MustCompile(`"[^"]*"|«[^»]*»|“[^”]*”`)
	wrongKey = regexp.MustCompile(`(?i)secret_key` +
		`|(^|[^\p{L}])(невірн|неправильн|недійсн|некоректн|неактивн)\p{L}*\s+(\p{L}+\s+)?ключ` +
		`|(^|[^\p{L}])ключ\s+(доступу|api|апі|авторизації|організації|контрагента)\s+(не\s+(знайд|існу|вказан|заповн|актив|дійсн|вірн)|недійсн|невірн|неактивн|заблок)` +
		`|(invalid|wrong|incorrect|unknown)\s+(api\s+|access\s+|secret\s+)?key|access denied|unauthorized|доступ\s+(заборонено|закрито)`)
	noOrder = regexp.MustCompile(`(?i)(замовлен|документ|запис|order)\S*.*(не\s+знайден|не\s+існу|відсутн|not found|does not exist)` +
		`|(не\s+знайден\S*|no)\s+(замовлен|документ|запис|orders?)`)
)

// aboutKey tells whether a refusal is of the key and not of the record.
func (a *answer) aboutKey() bool {
	return a.refused && wrongKey.MatchString(quoted.ReplaceAllString(a.description, ""))
}

// foundNone tells whether a GET's answer means that there is no such order. The
// document does not say whether that is an empty response or a refusal.
func (a *answer) foundNone() bool {
	if !a.refused {
		return len(a.orders) == 0
	}
	return len(a.orders) == 0 && noOrder.MatchString(quoted.ReplaceAllString(a.description, ""))
}

// word is what a field's name looks like in a text.
var word = regexp.MustCompile(`[a-z_]+(\[\d+\])?`)

// blames gives the path of the first of the fields that a refusal's text names, ""
// if it names none: "products[1]" is products.1.
func (a *answer) blames(known func(name string) bool) string {
	for _, w := range word.FindAllString(quoted.ReplaceAllString(a.description, ""), -1) {
		name, index, _ := strings.Cut(strings.TrimSuffix(w, "]"), "[")
		if !known(name) {
			continue
		}
		if index != "" {
			return name + "." + index
		}
		return name
	}
	return ""
}
