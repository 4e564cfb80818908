package mapping

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/cockroachdb/apd/v3"
	"github.com/nyaruka/phonenumbers"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// ourFunctions are those that expr does not have, or that mean something else here.
func ourFunctions() map[string]fn {
	scalar := schema.Text | anyNumber | schema.Boolean
	return map[string]fn{
		"digits": {params: []param{{kinds: schema.Text | anyNumber}}, least: 1, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := textOf(in[0])
			return digits(s), nil
		}},
		"phone": {params: []param{{kinds: schema.Text | anyNumber, missing: true}, {kinds: schema.Text, constant: true}}, least: 2, result: schema.Text, prepare: preparePhone},
		"match": {params: []param{{kinds: schema.Text | anyNumber, missing: true}, {kinds: schema.Text, constant: true}}, least: 2, result: schema.Text, prepare: prepareMatch},
		"coalesce": {more: &param{missing: true}, least: 1, of: coalesceType, call: func(in []any) (any, error) {
			for _, v := range in {
				if v != nil && v != "" {
					return v, nil
				}
			}
			return nil, nil
		}},
		"join": {params: []param{{kinds: schema.Array, missing: true, elems: scalar}, {kinds: schema.Text}}, least: 1, result: schema.Text, call: func(in []any) (any, error) {
			items, _ := list(in[0])
			sep := ""
			if len(in) > 1 {
				sep, _ = in[1].(string)
			}
			s, err := joinTexts(items, sep)
			return s, err
		}},
		"text": {params: []param{{kinds: scalar}}, least: 1, result: schema.Text, call: func(in []any) (any, error) {
			s, _ := textOf(in[0])
			return s, nil
		}},
		"round": {params: []param{{kinds: anyNumber}, {kinds: schema.Integer, refuse: refusePlaces}}, least: 1, of: roundType, call: func(in []any) (any, error) {
			places := 0
			if len(in) > 1 {
				places, _ = in[1].(int)
			}
			if message, _ := refusePlaces(places); message != "" {
				return nil, callError(message)
			}
			return round(in[0], rounding{mode: apd.RoundHalfUp, places: places})
		}},
		"money": {params: []param{{kinds: anyNumber}}, least: 1, result: schema.Number, call: func(in []any) (any, error) {
			return round(in[0], rounding{mode: apd.RoundHalfUp, places: 2, keep: true})
		}},
		"datetime": {params: []param{{kinds: schema.Text | anyNumber, missing: true}, {kinds: schema.Text, constant: true}, {kinds: schema.Text, constant: true}, {kinds: schema.Text, constant: true}, {kinds: schema.Text, constant: true}}, least: 3, result: schema.Text, prepare: prepareDatetime},
		"int": {params: []param{{kinds: schema.Text | anyNumber}}, least: 1, result: schema.Integer, call: func(in []any) (any, error) {
			s, _ := textOf(in[0])
			if isJSONNumber(strings.TrimSpace(s)) && len(s) < 1000 {
				if whole, ok := wholeText(strings.TrimSpace(s)); ok {
					if n, ok := parseNumber(whole); ok {
						return n, nil
					}
				}
			}
			return nil, notWhole(in[0])
		}},
	}
}

// notWhole is what int says of a value that is no whole number.
func notWhole(v any) error {
	s, isText := v.(string)
	e := &hintedError{message: show(v) + " is no whole number"}
	switch {
	case !isText:
		e.hint = "round(x), floor(x) and ceil(x) make one of a fraction"
	case strings.TrimSpace(s) == "":
		e.message = show(v) + " is empty, and no whole number"
		e.hint = "coalesce(trim(x), \"0\") gives an empty text a value"
	case isJSONNumber(strings.TrimSpace(s)):
		e.hint = "a fraction in a text is a number with fromJSON(x), and round, floor and ceil make a whole one of that"
	default:
		e.hint = "match(x, `\\d+`) or digits(x) takes a number out of a text; `on_error` says what becomes of a text without one"
	}
	return e
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

func coalesceType(args []operand) typ {
	t := args[0].t
	for _, a := range args[1:] {
		t = either(operand{t: t}, a)
	}
	return t
}

// concatType is a list of any of the lists' elements.
func concatType(args []operand) typ {
	t := args[0].t
	for _, a := range args[1:] {
		t = oneOf(t, a.t)
	}
	if t.parts = nil; t.kinds == 0 {
		t = typ{}
	}
	t.kinds = schema.Array
	return t
}

// refusePlaces says what is wrong with a number of places.
func refusePlaces(v any) (message, hint string) {
	if n, ok := v.(int); ok && (n < -20 || n > 30) {
		return "round takes from -20 to 30 places", ""
	}
	return "", ""
}

func roundType(args []operand) typ {
	if len(args) == 1 {
		return typ{kinds: schema.Integer}
	}
	return typ{kinds: anyNumber}
}

// preparePhone makes phone(s, region): the digits of E.164, or nil unless s is a
// possible number (of the region, if it has no country code).
func preparePhone(e *exprCompiler, args []operand) func([]any) (any, error) {
	region, _ := args[1].value.(string)
	if phonenumbers.GetCountryCodeForRegion(region) == 0 {
		e.report("CW134", args[1].from, args[1].to, `two capital letters, as in "UA"`, "`%s` is no region", region)
		return nil
	}
	return func(in []any) (any, error) {
		s, _ := textOf(in[0])
		s = strings.TrimSpace(s)
		if region == "UA" && len(s) <= 250 {
			if d, ok := ukrainianDigits(s); ok {
				return d, nil
			}
		}
		if strings.IndexFunc(s, unicode.IsDigit) < 0 || len(s) > 250 {
			return nil, nil
		}
		n, err := phonenumbers.Parse(s, region)
		if err != nil || !phonenumbers.IsPossibleNumber(n) {
			return nil, nil //nolint:nilerr // what is no number is missing
		}
		return strings.TrimPrefix(phonenumbers.Format(n, phonenumbers.E164), "+"), nil
	}
}

// prepareMatch makes match(s, regex): the first group, the whole match if the
// pattern has none, or nil.
func prepareMatch(e *exprCompiler, args []operand) func([]any) (any, error) {
	re := e.regex(args[1])
	if re == nil {
		return nil
	}
	group := min(1, re.NumSubexp())
	return func(in []any) (any, error) {
		s, ok := textOf(in[0])
		if !ok {
			return nil, nil
		}
		return firstGroup(re, s, group), nil
	}
}

func firstGroup(re *regexp.Regexp, s string, group int) any {
	m := re.FindStringSubmatchIndex(s)
	if m == nil || m[2*group] < 0 {
		return nil
	}
	return s[m[2*group]:m[2*group+1]]
}
