package saleapptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// isDigits reports whether s is one or more ASCII digits.
func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if notDigit(rune(c)) {
			return false
		}
	}
	return s != ""
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// digitsOf drops every character but the digits.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if notDigit(r) {
			return -1
		}
		return r
	}, s)
}

// isDecimal reports whether s is a number that is not negative, written as "12" or
// "12.98".
func isDecimal(s string) bool {
	whole, fraction, dotted := strings.Cut(s, ".")
	return isDigits(whole) && (!dotted || isDigits(fraction))
}

// scalar returns a JSON scalar as text: numbers digit for digit, null as "". It
// fails on arrays and objects.
func scalar(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '{', '[':
		return "", errors.New("очікується рядок або число")
	}
	return string(raw), nil
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// readObject reads a JSON object's members in their order; of several with one
// name the last value stays, as in PHP.
func readObject(text string) ([]member, error) {
	var syntax map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &syntax); err != nil {
		return nil, jsonProblem(err)
	}
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var members []member
	at := map[string]int{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("неочікуване %v", token)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if i, ok := at[name]; ok {
			members[i].value = value
			continue
		}
		at[name] = len(members)
		members = append(members, member{name, value})
	}
	return members, nil
}

// jsonProblem says in the vendor's language where JSON is broken.
func jsonProblem(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return errors.New("помилка JSON на позиції " + strconv.FormatInt(syntax.Offset, 10))
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return errors.New("отримано " + kind.Value + " на позиції " + strconv.FormatInt(kind.Offset, 10))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("JSON обірвано")
	}
	return err
}
