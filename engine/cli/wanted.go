package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/diag/rules"
	"github.com/crosswalk-etl/crosswalk/engine/ingress"
	"github.com/crosswalk-etl/crosswalk/engine/project"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// byteOrderMark is what some editors put before a text in UTF-8.
const byteOrderMark = "\ufeff"

// wantedForm is what one event gives.
const wantedForm = `a record, {"$skip": true} or {"$error": "CW301"}`

// brokenJSONError says where a file breaks the syntax of JSON, and how.
type brokenJSONError struct {
	file         string
	line, column int
	problem      string
}

// Error gives the place and the problem.
func (e *brokenJSONError) Error() string {
	return fmt.Sprintf("%s:%d:%d: this is not JSON: %s", project.Shown(e.file), e.line, e.column, e.problem)
}

// checkSyntax takes the byte order mark off a file's text. The error is a
// *brokenJSONError.
func checkSyntax(file string, text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	if json.Valid(text) {
		return text, nil
	}
	broken := &brokenJSONError{file, 1, 1, "it cannot be read"}
	if bad, ok := errors.AsType[*ingress.JSONError](ingress.CheckJSON("file", text)); ok {
		broken.line, broken.column, broken.problem = bad.Line, bad.Column, bad.Problem
	}
	return nil, broken
}

// readWanted reads what is wanted of a sample. The error is a *brokenJSONError where
// the file is there and is not JSON.
func readWanted(file string) ([]byte, error) {
	text, err := project.ReadBounded("the wanted result", file, maxBodyBytes)
	if err != nil {
		return nil, err
	}
	return checkSyntax(file, text)
}

// heldAgainst compares what was made with what the file wants; nil if they are the
// same.
func heldAgainst(file string, want, got []byte) error {
	diff := fieldDiff(want, got)
	if len(diff) == 0 {
		return nil
	}
	if problem := wantedProblem(gjson.ParseBytes(want), gjson.ParseBytes(got)); problem != "" {
		return fmt.Errorf("%s: %s", project.Shown(file), problem)
	}
	return fmt.Errorf("differs from %s (- wanted, + made)\n%s", project.Shown(file), strings.Join(diff, "\n"))
}

// wantedProblem says why a wanted result can be that of no event, or not that of so
// many events as got has results of; "" if it can.
func wantedProblem(want, got gjson.Result) string {
	if !got.IsArray() {
		if !want.IsObject() {
			return fmt.Sprintf("the body holds one event, which wants %s: this is %s", wantedForm, kindOf(want))
		}
		return errorProblem(want)
	}
	if !want.IsArray() {
		return fmt.Sprintf("the body holds %s, which want an array with one of these for each: %s; this is %s",
			words.Count(len(got.Array()), "event"), wantedForm, kindOf(want))
	}
	for i, w := range want.Array() {
		problem := errorProblem(w)
		if !w.IsObject() {
			problem = fmt.Sprintf("an event wants %s: this is %s", wantedForm, kindOf(w))
		}
		if problem != "" {
			return fmt.Sprintf("[%d]: %s", i, problem)
		}
	}
	return ""
}

// errorProblem says what is wrong with the error that a result wants; "" if nothing is,
// or it wants none.
func errorProblem(want gjson.Result) string {
	wanted := want.Get(`\$error`)
	if !wanted.Exists() {
		return ""
	}
	if wanted.Type != gjson.String {
		return fmt.Sprintf(`$error is the id of a rule in quotes, such as {"$error": "CW301"}: this is %s`, kindOf(wanted))
	}
	var known []string
	for _, r := range rules.All() {
		known = append(known, r.ID)
	}
	if slices.Contains(known, wanted.Str) {
		return ""
	}
	problem := fmt.Sprintf("$error: there is no rule %s", strconv.Quote(wanted.Str))
	if hint := diag.DidYouMean(wanted.Str, known); hint != "" {
		problem += "; " + hint
	}
	return problem + "; `crosswalk test --update` writes the right one"
}

// kindOf names what a JSON value is.
func kindOf(v gjson.Result) string {
	switch {
	case v.IsArray() && len(v.Array()) == 0:
		return "an empty array"
	case v.IsArray():
		return "an array"
	case v.IsObject():
		return "an object"
	}
	switch v.Type {
	case gjson.String:
		return "a text"
	case gjson.Number:
		return "a number"
	case gjson.True, gjson.False:
		return "true or false"
	case gjson.Null, gjson.JSON:
	}
	return "null"
}
