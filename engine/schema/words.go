package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

const (
	// maxListed is how many values, names or forms a message lists.
	maxListed = 12
	// maxShown is how many characters of a value a message shows.
	maxShown = 60
)

// words says what is wrong with a value; read behind the value's name it makes a
// sentence: "`products` needs at least 1 element, and has 0".
func words(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		return wordsOfForms(e)
	case *kind.Type:
		return "must be " + typesInWords(k.Want) + ", and is " + typeInWords(k.Got)
	case *kind.Enum:
		return mustBe(k.Want, k.Got)
	case *kind.Const:
		return mustBe([]any{k.Want}, k.Got)
	case *kind.Format:
		return "must be " + formatInWords(k.Want) + ", and is " + shown(k.Got)
	case *kind.Not:
		return "is what its schema forbids (`not`)"
	case *kind.FalseSchema:
		return "may not be there"
	}
	if text := wordsOfObject(e.ErrorKind); text != "" {
		return text
	}
	if text := wordsOfArray(e.ErrorKind); text != "" {
		return text
	}
	if text := wordsOfScalar(e.ErrorKind); text != "" {
		return text
	}
	// Schema, Group, Reference and AllOf only hold others together.
	return "does not fit its schema"
}

func wordsOfObject(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Required:
		return "needs " + names(k.Missing, " and ")
	case *kind.Dependency:
		return "needs " + names(k.Missing, " and ") + " where `" + k.Prop + "` is there"
	case *kind.DependentRequired:
		return "needs " + names(k.Missing, " and ") + " where `" + k.Prop + "` is there"
	case *kind.AdditionalProperties:
		unknown := slices.Sorted(slices.Values(k.Properties))
		return "has no " + plural(len(unknown), "field", "fields") + " " + names(unknown, " and ")
	case *kind.PropertyNames:
		return "has no field of a name like `" + k.Property + "`"
	case *kind.MinProperties:
		return "needs at least " + counted(k.Want, "field", "fields") + ", and has " + strconv.Itoa(k.Got)
	case *kind.MaxProperties:
		return "takes at most " + counted(k.Want, "field", "fields") + ", and has " + strconv.Itoa(k.Got)
	}
	return ""
}

func wordsOfArray(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinItems:
		return "needs at least " + counted(k.Want, "element", "elements") + ", and has " + strconv.Itoa(k.Got)
	case *kind.MaxItems:
		return "takes at most " + counted(k.Want, "element", "elements") + ", and has " + strconv.Itoa(k.Got)
	case *kind.AdditionalItems:
		return "has " + counted(k.Count, "element", "elements") + " too many"
	case *kind.UniqueItems:
		return fmt.Sprintf("may not hold the same element twice, as elements %d and %d are", k.Duplicates[0], k.Duplicates[1])
	case *kind.Contains:
		return "has no element of the kind that it needs (`contains`)"
	case *kind.MinContains:
		return "needs at least " + counted(k.Want, "element", "elements") + " of a kind (`contains`), and has " + strconv.Itoa(len(k.Got))
	case *kind.MaxContains:
		return "takes at most " + counted(k.Want, "element", "elements") + " of a kind (`contains`), and has " + strconv.Itoa(len(k.Got))
	}
	return ""
}

func wordsOfScalar(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinLength:
		return "needs at least " + counted(k.Want, "character", "characters") + ", and has " + strconv.Itoa(k.Got)
	case *kind.MaxLength:
		return "takes at most " + counted(k.Want, "character", "characters") + ", and has " + strconv.Itoa(k.Got)
	case *kind.Pattern:
		return "must match `" + k.Want + "`, and is " + shown(k.Got)
	case *kind.ContentEncoding:
		return "must be encoded as " + k.Want
	case *kind.ContentMediaType:
		return "must hold " + k.Want
	case *kind.ContentSchema:
		return "holds what does not fit the schema of its content"
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want) + ", and is " + decimal(k.Got)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want) + ", and is " + decimal(k.Got)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want) + ", and is " + decimal(k.Got)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want) + ", and is " + decimal(k.Got)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want) + ", and is " + decimal(k.Got)
	case *kind.InvalidJsonValue:
		return "is no JSON value"
	case *kind.RefCycle:
		return "cannot be checked: its schema refers to itself without an end"
	}
	return ""
}

// wordsOfForms says that a value fits none of the forms that it may have (`anyOf`,
// `oneOf`), or too many of them.
func wordsOfForms(e *jsonschema.ValidationError) string {
	if one, ok := e.ErrorKind.(*kind.OneOf); ok && len(one.Subschemas) > 0 {
		return fmt.Sprintf("may have only one of the forms that its schema allows (`oneOf`), and has the %s and the %s", ordinal(one.Subschemas[0]+1), ordinal(one.Subschemas[1]+1))
	}
	var missing []string // of each form what it needs
	var values []any
	var wanted []string
	var got any
	type_ := ""
	for _, form := range e.Causes {
		switch k := alone(form, e).(type) {
		case *kind.Required:
			missing = append(missing, names(k.Missing, " and "))
		case *kind.Const:
			values, got = append(values, k.Want), k.Got
		case *kind.Enum:
			values, got = append(values, k.Want...), k.Got
		case *kind.Type:
			wanted, type_ = append(wanted, k.Want...), k.Got
		}
	}
	switch n := len(e.Causes); {
	case n == 0:
		return "fits none of the forms that its schema allows"
	case len(missing) == n && n == 1:
		return "needs " + missing[0]
	case len(missing) == n:
		return "needs one of " + strings.Join(upTo(missing), ", ")
	case len(values) > 0 && len(missing) == 0 && len(wanted) == 0 && !slices.ContainsFunc(e.Causes, func(form *jsonschema.ValidationError) bool { return alone(form, e) == nil }):
		return mustBe(values, got)
	case len(wanted) >= n && len(missing) == 0 && len(values) == 0:
		return "must be " + typesInWords(wanted) + ", and is " + typeInWords(type_)
	}
	forms := make([]string, 0, len(e.Causes))
	for _, form := range e.Causes {
		var parts []string
		for _, v := range collect(form, nil) {
			text := v.Message
			if inner := strings.TrimPrefix(strings.TrimPrefix(v.Path, strings.Join(e.InstanceLocation, ".")), "."); inner != "" {
				text = "`" + inner + "` " + text
			}
			parts = append(parts, text)
		}
		if text := strings.Join(upTo(parts), " and "); !slices.Contains(forms, text) {
			forms = append(forms, text)
		}
	}
	return "fits none of the forms that its schema allows: it " + strings.Join(upTo(forms), "; or it ")
}

// alone returns the only thing that is wrong with a form if it is wrong with the
// value itself; nil if there is more, or inside it.
func alone(form, around *jsonschema.ValidationError) jsonschema.ErrorKind {
	for len(form.Causes) == 1 && !speaks(form) {
		form = form.Causes[0]
	}
	if len(form.Causes) > 0 && !speaks(form) || len(form.InstanceLocation) != len(around.InstanceLocation) {
		return nil
	}
	return form.ErrorKind
}

// speaks reports whether an error says more than the ones inside it, which are about
// one of several forms, elements or names.
func speaks(e *jsonschema.ValidationError) bool {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Contains, *kind.MinContains, *kind.PropertyNames:
		return true
	}
	return false
}

// collect appends what is wrong: the innermost errors, which name it, and the outer
// one where that says more.
func collect(e *jsonschema.ValidationError, into []Violation) []Violation {
	if len(e.Causes) == 0 || speaks(e) {
		return append(into, Violation{Path: strings.Join(e.InstanceLocation, "."), Message: words(e)})
	}
	for _, cause := range e.Causes {
		into = collect(cause, into)
	}
	return into
}

func mustBe(values []any, got any) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = shown(v)
	}
	list = slices.Compact(list)
	if len(list) == 1 {
		return "must be " + list[0] + ", and is " + shown(got)
	}
	return "must be one of " + strings.Join(upTo(list), ", ") + ", and is " + shown(got)
}

// names lists fields: `a`, `b` and `c`.
func names(list []string, last string) string {
	quoted := make([]string, len(list))
	for i, n := range list {
		quoted[i] = "`" + n + "`"
	}
	quoted = upTo(quoted)
	if n := len(quoted); n > 1 {
		return strings.Join(quoted[:n-1], ", ") + last + quoted[n-1]
	}
	return strings.Join(quoted, "")
}

// upTo cuts a list that is too long for a message.
func upTo(list []string) []string {
	if len(list) > maxListed {
		return append(slices.Clip(list[:maxListed]), "…")
	}
	return list
}

// shown is a value as JSON, cut if it is long.
func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil { // no value that was read from JSON fails
		return "?"
	}
	s := string(b)
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown]) + "…"
	}
	return s
}

func typesInWords(list []string) string {
	var texts []string
	for _, t := range list {
		if text := typeInWords(t); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, " or ")
}

// typeInWords names a JSON type for a person.
func typeInWords(t string) string {
	switch t {
	case "string":
		return "text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "object":
		return "an object"
	case "array":
		return "an array"
	}
	return t
}

// formatInWords names a `format` for a person.
func formatInWords(format string) string {
	switch format {
	case "date-time":
		return "a date and time like 2024-01-02T03:04:05Z"
	case "date":
		return "a date like 2024-01-02"
	case "time":
		return "a time like 03:04:05Z"
	case "email", "idn-email":
		return "an e-mail address"
	case "uri", "iri":
		return "a full URL"
	case "hostname", "idn-hostname":
		return "a host's name"
	case "ipv4", "ipv6":
		return "an address of " + map[string]string{"ipv4": "IPv4", "ipv6": "IPv6"}[format]
	case "uuid":
		return "a UUID"
	}
	return "of the format " + format
}

// decimal writes a number out: exactly if it ends, else to six places.
func decimal(r *big.Rat) string {
	if r == nil {
		return "?"
	}
	places, exact := r.FloatPrec()
	if !exact || places > 40 {
		places = 6
	}
	return r.FloatString(places)
}

func counted(n int, one, many string) string {
	return strconv.Itoa(n) + " " + plural(n, one, many)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}
