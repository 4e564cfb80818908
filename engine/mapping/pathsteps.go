package mapping

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// query is what stands between #( and ).
type query struct {
	// steps lead from an element to what is compared; none compares the element itself.
	steps []segment
	// op and value are the comparison, the value without its quotation marks; op is ""
	// if the query asks only whether there is something.
	op, value string
	// quoted tells of the value that it stood in quotation marks.
	quoted bool
	// from and to are the comparison's place in the path, in characters.
	from, to int
}

// modifier is @name with its argument.
type modifier struct {
	name, argument string
	// dug are the steps that @dig looks for, nil if it is not one.
	dug []segment
}

// multipath is {…}, which makes an object, or […], which makes a list.
type multipath struct {
	object  bool
	members []multiMember
}

type multiMember struct {
	// name is the field's; "" in a list.
	name  string
	steps []segment
	// constant is the JSON of !…, "" if the member is a path.
	constant string
}

// modifiers are gjson's own; a name that is not among them is silently missing there.
func modifiers() []string {
	return []string{
		"this", "reverse", "ugly", "pretty", "flatten", "join", "keys", "values", "valid",
		"tostr", "fromstr", "group", "dig",
	}
}

// options are those that the JSON argument of a modifier has, with an example of each.
func options() map[string]map[string]string {
	return map[string]map[string]string{
		"flatten": {"deep": "true"},
		"join":    {"preserve": "true"},
		"pretty":  {"sortKeys": "true", "indent": `"  "`, "prefix": `" "`, "width": "80"},
	}
}

// hash reads #, #(query) and #(query)#.
func (p *pathParser) hash() *pathError {
	p.out.plain = false
	start := p.i
	s := segment{text: "#", all: true}
	p.i++
	p.text.WriteByte('#')
	if p.i < len(p.in) && p.in[p.i] == '(' {
		open := p.i
		if err := p.balanced("the query `#(` is never closed", start); err != nil {
			return err
		}
		q, text, err := p.query(open+1, p.i-1)
		if err != nil {
			return err
		}
		p.text.WriteString("(" + text + ")")
		s.query, s.one = q, true
		if p.i < len(p.in) && p.in[p.i] == '#' {
			s.one = false
			p.text.WriteByte('#')
			p.i++
		}
	} else {
		s.count = p.i == len(p.in) || p.in[p.i] == '|'
	}
	p.named(s, start, p.i)
	if p.i < len(p.in) && p.in[p.i] != '.' && p.in[p.i] != '|' {
		return p.fail(start, p.i+1, "after `#` comes `.`, `|`, `(` or the end of the path", "a `#` in a field's name is written `\\#`")
	}
	return nil
}

// inner parses a path inside the one at hand, that of a query or of a multipath's
// member, which stands from from to to.
func (p *pathParser) inner(from, to int) (path, *pathError) {
	in, err := parsePath(p.in[from:to])
	shift := utf8.RuneCountInString(p.in[:from])
	if err != nil {
		return path{}, &pathError{from: err.from + shift, to: err.to + shift, message: err.message, hint: err.hint}
	}
	moved(in.names, shift)
	return in, nil
}

// moved moves the places of steps to the right.
func moved(steps []segment, by int) {
	for i := range steps {
		s := &steps[i]
		s.from, s.to = s.from+by, s.to+by
		if s.query != nil {
			s.query.from, s.query.to = s.query.from+by, s.query.to+by
			moved(s.query.steps, by)
		}
		if s.modifier != nil {
			moved(s.modifier.dug, by)
		}
		if s.multi != nil {
			for _, m := range s.multi.members {
				moved(m.steps, by)
			}
		}
	}
}

// query reads what stands between #( and ), and returns it also as gjson understands it.
func (p *pathParser) query(from, to int) (*query, string, *pathError) {
	for from < to && p.in[from] <= ' ' {
		from++
	}
	for from < to && p.in[to-1] <= ' ' {
		to--
	}
	whole := p.in[from:to]
	if whole == "" {
		return nil, "", p.fail(from-2, to+1, "the query is empty", `write #(article=="X")`)
	}
	q := &query{from: utf8.RuneCountInString(p.in[:from]), to: utf8.RuneCountInString(p.in[:to])}
	left, text := strings.TrimRightFunc(whole[:comparisonIn(whole)], blank), ""
	if rest := whole[len(left):]; rest != "" {
		at := from + len(whole) - len(strings.TrimLeftFunc(rest, blank))
		if err := p.comparison(q, at, to); err != nil {
			return nil, "", err
		}
		text = p.in[at:to]
	}
	if left == "" {
		return q, text, nil
	}
	in, err := p.inner(from, from+len(left))
	if err != nil {
		return nil, "", err
	}
	q.steps = in.names
	return q, in.text + text, nil
}

// blank tells of what gjson trims in a query.
func blank(r rune) bool { return r <= ' ' }

// comparisonIn returns where the comparison of a query begins, its end if there is none.
func comparisonIn(query string) int {
	depth := 0
	for i := 0; i < len(query); i++ {
		switch query[i] {
		case '\\':
			i++
		case '"':
			i = closingQuote(query, i)
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '=', '!', '<', '>', '%':
			if depth == 0 {
				return i
			}
		}
	}
	return len(query)
}

// closingQuote returns where the text that begins at a quotation mark ends, the end of
// s if it does not.
func closingQuote(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(s)
}

// comparison reads the operator and the value of a query.
func (p *pathParser) comparison(q *query, from, to int) *pathError {
	const example = `write #(article=="X")`
	all := p.in[from:to]
	rest := strings.TrimLeft(all, "=!<>%")
	q.op = all[:len(all)-len(rest)]
	if !slices.Contains([]string{"=", "==", "!=", "<", "<=", ">", ">=", "%", "!%"}, q.op) {
		return p.fail(from, from+len(q.op), "`"+q.op+"` is no comparison of a query", "a query compares with == != < <= > >= % !%")
	}
	q.value = strings.TrimLeftFunc(rest, blank)
	at := to - len(q.value)
	first, _ := utf8.DecodeRuneInString(q.value)
	switch {
	case q.value == "":
		return p.fail(from, to+1, "the query compares with nothing", example)
	case strings.ContainsAny(q.value, "&|") && (strings.Contains(q.value, "&&") || strings.Contains(q.value, "||")) && !oneText(q.value):
		return p.fail(at, to, "a query has one comparison", "both: #(a==1)#|#(b==2), or filter(list, .a == 1 and .b == 2) in an expression")
	case first == '"' && !oneText(q.value):
		end := closingQuote(p.in[:to], at)
		return p.fail(min(end+1, to-1), to, "nothing can stand behind the text of a query", "a query has one comparison, with a text between double quotes: "+example)
	case first == '"':
		q.quoted, q.value = true, gjson.Parse(q.value).Str
	case strings.ContainsRune("'`“”„«»‘’‚", first):
		return p.fail(at, to, "a text in a query stands between double quotes", example)
	case first == '~' && !slices.Contains([]string{"~true", "~false", "~null", "~*"}, q.value):
		return p.fail(at, to, "`"+q.value+"` means nothing in a query", cmp.Or(diag.DidYouMean(q.value, []string{"~true", "~false", "~null"}), "there are ~true, ~false, ~null and ~*"))
	case q.value == "null" || q.value == "nil":
		return p.fail(at, to, "`"+q.value+"` is a text in a query", "~null is what is missing or null; the text is written \""+q.value+"\"")
	}
	return nil
}

// oneText tells of a value that it is one text between double quotes.
func oneText(s string) bool {
	return len(s) > 1 && s[0] == '"' && closingQuote(s, 0) == len(s)-1
}

// balanced goes from an opening bracket behind the one that closes it; what is reported
// begins at start.
func (p *pathParser) balanced(unclosed string, start int) *pathError {
	depth := 0
	for ; p.i < len(p.in); p.i++ {
		switch c := p.in[p.i]; c {
		case '\\':
			p.i++
		case '"':
			p.i = closingQuote(p.in, p.i)
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth == 0 {
				p.i++
				return nil
			}
		}
	}
	return p.fail(start, len(p.in), unclosed, "")
}

// modifier reads @name or @name:argument.
func (p *pathParser) modifier() *pathError {
	p.out.plain = false
	start := p.i
	p.i++
	for p.i < len(p.in) && !strings.ContainsRune(".|:[{", rune(p.in[p.i])) {
		p.i++
	}
	m := &modifier{name: p.in[start+1 : p.i]}
	if !slices.Contains(modifiers(), m.name) {
		return p.fail(start, p.i, "there is no modifier `@"+m.name+"`", diag.DidYouMean(m.name, modifiers()))
	}
	named := p.i
	if p.i < len(p.in) && p.in[p.i] == ':' {
		p.i++
		if err := p.argument(m); err != nil {
			return err
		}
	}
	p.text.WriteString(p.in[start:p.i])
	p.named(segment{text: "@" + m.name, modifier: m}, start, named)
	return nil
}

// argument reads a modifier's argument: JSON, or what stands before the next |.
func (p *pathParser) argument(m *modifier) *pathError {
	from, isJSON := p.i, p.i < len(p.in) && strings.IndexByte(`{["`, p.in[p.i]) >= 0
	switch {
	case isJSON && p.in[p.i] == '"':
		if p.i = closingQuote(p.in, p.i); p.i == len(p.in) {
			return p.fail(from, len(p.in), "the modifier's argument is never closed", "")
		}
		p.i++
	case isJSON:
		if err := p.balanced("the modifier's argument is never closed", from); err != nil {
			return err
		}
	default:
		for p.i < len(p.in) && p.in[p.i] != '|' {
			if strings.IndexByte(`{["(`, p.in[p.i]) < 0 {
				p.i++
				continue
			}
			if p.in[p.i] == '"' {
				p.i = min(closingQuote(p.in, p.i)+1, len(p.in))
			} else if err := p.balanced("the modifier's argument is never closed", from); err != nil {
				return err
			}
		}
	}
	m.argument = p.in[from:p.i]
	known := options()[m.name]
	switch {
	case m.name == "dig" && m.argument != "":
		in, err := p.inner(from, p.i)
		m.dug = in.names
		return err
	case m.name == "dig":
		return p.fail(from-1, p.i, "`@dig` needs what it looks for", "write @dig:article")
	case known == nil:
		return p.fail(from-1, p.i, "`@"+m.name+"` takes no argument", "leave it out")
	case !isJSON || m.argument[0] != '{' || !gjson.Valid(m.argument):
		return p.fail(from, p.i, "the argument of `@"+m.name+"` is not the JSON that it takes", "write "+exampleOf(m.name))
	}
	return p.optionsOf(m, from)
}

func exampleOf(name string) string {
	for option, value := range options()[name] {
		if name != "pretty" || option == "width" {
			return "@" + name + `:{"` + option + `":` + value + "}"
		}
	}
	return "@" + name
}

// optionsOf holds the options in a modifier's argument against those that it has.
func (p *pathParser) optionsOf(m *modifier, from int) *pathError {
	var wrong *pathError
	known := options()[m.name]
	gjson.Parse(m.argument).ForEach(func(key, value gjson.Result) bool {
		place := func(r gjson.Result) (a, b int) { return from + r.Index, from + r.Index + len(r.Raw) }
		example, ok := known[key.Str]
		switch {
		case !ok:
			var names []string
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			a, b := place(key)
			wrong = p.fail(a, b, "`@"+m.name+"` has no option `"+key.Str+"`", cmp.Or(diag.DidYouMean(key.Str, names), "write "+exampleOf(m.name)))
		case gjson.Parse(example).IsBool() != value.IsBool() || gjson.Parse(example).Type == gjson.Number != (value.Type == gjson.Number):
			a, b := place(value)
			wrong = p.fail(a, b, "`"+key.Str+"` cannot be "+value.Raw, `write "`+key.Str+`":`+example)
		}
		return wrong == nil
	})
	return wrong
}

// multipath reads {a,"name":b.c} or [a,b.c].
func (p *pathParser) multipath() *pathError {
	p.out.plain = false
	start, open := p.i, p.in[p.i]
	m := &multipath{object: open == '{'}
	if err := p.balanced("the `"+string(open)+"` is never closed", start); err != nil {
		return err
	}
	p.text.WriteByte(open)
	from := start + 1
	for from < p.i {
		end, colon := p.member(from)
		if from > start+1 {
			p.text.WriteByte(',')
		}
		if err := p.readMember(m, from, colon, end); err != nil {
			return err
		}
		from = end + 1
	}
	p.text.WriteByte(open + 2)
	text := "[…]"
	if m.object {
		text = "{…}"
	}
	p.named(segment{text: text, multi: m}, start, p.i)
	return nil
}

// member returns where the member of a multipath that begins at from ends, and where
// the colon behind its name stands, 0 if it has none.
func (p *pathParser) member(from int) (end, colon int) {
	depth, modified := 0, false
	for i := from; ; i++ {
		switch p.in[i] {
		case '\\':
			i++
		case '"':
			i = closingQuote(p.in, i)
		case '@':
			modified = modified || i > from && (p.in[i-1] == '.' || p.in[i-1] == '|')
		case ':':
			if colon == 0 && depth == 0 && !modified {
				colon = i
			}
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return i, colon
			}
		case ',':
			if depth == 0 {
				return i, colon
			}
		}
	}
}

func (p *pathParser) readMember(m *multipath, from, colon, end int) *pathError {
	one, at := multiMember{}, from
	if colon > 0 {
		one.name, at = p.in[from:colon], colon+1
		if strings.HasPrefix(one.name, "@") {
			return p.fail(from, colon, "`"+one.name+"` is taken for the member's name here", `give the member a name: {"name":`+p.in[from:end]+"}")
		}
		p.text.WriteString(p.in[from:at])
	}
	switch text := p.in[at:end]; {
	case text == "":
		return p.fail(from-1, end+1, "a member of `{ }` or `[ ]` in a path is empty", "members are paths: {article,price}")
	case strings.TrimFunc(text, blank) != text:
		i := at + len(text) - 1
		if blank(rune(text[0])) {
			i = at
		}
		if slices.Contains(longKeys(), one.name) && colon > 0 {
			return p.fail(from, end, "this is no path", "a map with `"+one.name+":` stands without quotation marks around it")
		}
		return p.fail(i, i+1, "a blank cannot stand here in a path", "it would be part of the name: leave it out")
	case text[0] == '!':
		one.constant = text[1:]
		p.text.WriteString(text)
	default:
		in, err := p.inner(at, end)
		if err != nil {
			return err
		}
		one.steps = in.names
		p.text.WriteString(in.text)
		if colon == 0 {
			one.name = lastName(in.text)
		}
	}
	if m.object && len(one.name) > 1 && one.name[0] == '"' && gjson.Valid(one.name) {
		one.name = gjson.Parse(one.name).Str
	}
	m.members = append(m.members, one)
	return nil
}

// lastName is the name that gjson gives a member of a multipath that has none.
func lastName(text string) string {
	for i := len(text) - 1; i > 0; i-- {
		if (text[i] == '|' || text[i] == '.') && text[i-1] != '\\' {
			text = text[i+1:]
			break
		}
	}
	if strings.ContainsAny(text, "[]{}()#|!") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		return "_"
	}
	return text
}
