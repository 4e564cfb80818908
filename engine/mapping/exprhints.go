package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// habit reports what people write who know another language, or whose editor changes
// what they type, in an expression that cannot be read; false if there is no such thing.
func (e *exprCompiler) habit() bool {
	for i := 0; i < len(e.text); i++ {
		r := e.text[i]
		switch {
		case r == '"' || r == '\'' || r == '`':
			for i++; i < len(e.text) && e.text[i] != r; i++ {
				if e.text[i] == '\\' && r != '`' {
					i++
				}
			}
		case strings.ContainsRune("“”„«»‘’‚", r):
			e.report("CW130", i, i+1, `write "…"; an editor may have put it there`, "`%c` is no quotation mark of an expression", r)
			return true
		case diag.Invisible(r) != "" && !unicode.Is(unicode.Zs, r):
			e.report("CW130", i, i+1, "delete it", "%s stands here", diag.Invisible(r))
			return true
		case unicode.IsLetter(r) || r == '_':
			from := i
			for i+1 < len(e.text) && (unicode.IsLetter(e.text[i+1]) || unicode.IsDigit(e.text[i+1]) || e.text[i+1] == '_') {
				i++
			}
			word := string(e.text[from : i+1])
			if (from == 0 || !strings.ContainsRune(".#", e.text[from-1])) && e.pathHabit(from) {
				return true
			}
			if hint := words()[strings.ToLower(word)]; hint != "" && (from == 0 || e.text[from-1] != '.') && !slices.Contains(ownWords(), word) {
				e.report("CW130", from, i+1, hint, "`%s` is no word of an expression", word)
				return true
			}
		default:
			if from, length, hint := e.sign(i); hint != "" {
				if e.text[i] == '=' && e.arrow() != "" {
					hint = e.arrow()
				}
				if e.text[i] == ';' && e.inCall(i) {
					hint = "write `,` between the arguments of a function"
				}
				e.report("CW130", from, from+length, hint, "`%s` is no operator", string(e.text[from:from+length]))
				return true
			}
		}
	}
	return false
}

// sign recognises operators of other languages.
func (e *exprCompiler) sign(i int) (from, length int, hint string) {
	for _, s := range []struct{ sign, hint string }{
		{"===", "write `==`"},
		{"!==", "write `!=`"},
		{"<>", "write `!=`"},
		{"=>", "write `>=`, or in a function over a list the field of its element: map(products, .price)"},
		{"=<", "write `<=`"},
		{"{{", "an expression has no `{{ }}`: write the field's name alone"},
		{"$.", "a path begins with the name of a field, without `$.`"},
		{"${", "an expression has no `${ }`: write the field's name alone"},
		{";", "an expression is one line without `;`"},
	} {
		if strings.HasPrefix(string(e.text[i:min(i+len(s.sign), len(e.text))]), s.sign) {
			return i, len(s.sign), s.hint
		}
	}
	return 0, 0, ""
}

// words are keywords of other languages, in small letters. One that the language has
// itself is meant in capitals.
func words() map[string]string {
	choice := "a choice is written if a { b } else { c }"
	return map[string]string{
		"and": "write `and`", "or": "write `or`", "not": "write `not`", "in": "write `in`", "if": choice, "else": choice,
		"then": choice, "elif": choice, "elseif": choice, "case": choice, "switch": choice, "end": choice,
		"is": "write `==` or `!=`", "like": "write `contains`, `startsWith`, `endsWith` or `matches`", "between": "write a >= 1 and a <= 5",
		"matches": "write `matches`", "contains": "write `contains`", "startswith": "write `startsWith`", "endswith": "write `endsWith`",
		"xor": "write `!=` between two conditions", "mod": "write `%`", "div": "write `/`, and round(…)", "return": "leave it out: an expression is its value",
		"typeof": "ask with has(\"path\") whether a value is there, or compare it with nil", "new": "leave it out: functions are written f(x)",
		"for": "write map(list, .field), or `each` in the mapping", "function": "write map(list, .field)", "lambda": "write map(list, .field)",
		"var": "write let x = …; x + 1", "const": "write let x = …; x + 1",
	}
}

func ownWords() []string {
	return []string{"and", "or", "not", "in", "if", "else", "matches", "contains", "startsWith", "endsWith"}
}

// foreignName says what a name of other languages is called here, "" if it is none.
func foreignName(name string) string {
	switch strings.ToLower(name) {
	case "null", "none", "undefined", "nothing":
		return "what is missing is `nil`"
	case "$":
		return "a path begins with the name of a field, without `$.`"
	case "true", "false":
		return "write `" + strings.ToLower(name) + "`"
	case "this", "self", "record", "payload", "body", "event", "root", "input":
		return "a path begins with the name of a field"
	case "now", "today", "sysdate":
		return "a mapping gives the same result whenever it runs; _meta.received_at is when the event came"
	}
	return ""
}

// foreignFunction says what a function of other languages is here, "" if it is
// not known.
func foreignFunction(name string, known []string) string {
	lower := strings.ToLower(name)
	for _, f := range foreignFunctions() {
		if strings.Contains(f.names, " "+lower+" ") {
			return f.hint
		}
	}
	for _, k := range known {
		if strings.ToLower(k) == lower {
			return "did you mean `" + k + "`?"
		}
	}
	return ""
}

type foreignFunctionHint struct{ names, hint string }

// foreignFunctions are functions of spreadsheets, SQL, JavaScript, Python, PHP and
// Twig, in small letters.
func foreignFunctions() []foreignFunctionHint {
	return []foreignFunctionHint{
		{" tolowercase tolower lowercase lcase strtolower casefold ", "write lower(s)"},
		{" touppercase toupper uppercase ucase strtoupper ", "write upper(s)"},
		{" substr substring mid left right slice str_sub ", "a part of a text is s[0:3], the last three characters are s[-3:]"},
		{" concat concatenate concat_ws strcat textjoin sprintf printf format ", "write a + b, or join([a, b], \" \"), which skips what is missing"},
		{" length strlen size char_length ", "write len(x)"},
		{" ceiling roundup ", "write ceil(x)"},
		{" rounddown trunc truncate ", "write floor(x)"},
		{" if iif iff ifelse ifs case when cond choose switch ", "write if a { b } else { c }"},
		{" replaceall str_replace substitute gsub regex_replace ", "write replace(s, \"a\", \"b\")"},
		{" contains includes strpos str_contains instr search ", "write s contains \"a\""},
		{" find position index ", "write indexOf(s, \"a\")"},
		{" startswith starts_with hasprefix ", "write s startsWith \"a\""},
		{" endswith ends_with hassuffix ", "write s endsWith \"a\""},
		{" isset exists defined isdefined is_set ", "write has(\"path\")"},
		{" isnull is_null isnil isblank ", "write a == nil, or has(\"path\")"},
		{" empty isempty is_empty ", "write s == \"\", or len(x) == 0"},
		{" nvl ifnull default isnullorempty firstnonempty ifempty ", "write a ?? b, or coalesce(a, b), which passes empty texts too"},
		{" parseint toint tointeger intval number tonumber parsefloat cast value val ", "write int(x)"},
		{" str string tostring to_string strval totext tochar to_char ", "write text(x)"},
		{" number_format tofixed formatnumber round2 ", "write money(x), or round(x, 2)"},
		{" strftime date_format dateformat formatdate todate to_date strtotime parsedate datetimeformat ", "write datetime(s, in, out, zone_in, zone_out)"},
		{" regex regexp regexmatch regexp_match regexextract regexp_extract preg_match extract ", "write match(s, `(…)`)"},
		{" ltrim rtrim strip trimstart trimend ", "write trim(s)"},
		{" implode string_agg listagg ", "write join(list, \", \")"},
		{" explode str_split ", "write split(s, \",\")"},
		{" lookup vlookup xlookup translate decode map_value ", "write table(\"name\", key)"},
		{" onlydigits numbers extract_digits ", "write digits(s)"},
		{" random rand uuid uuidv4 newid guid ", "a mapping has no chance in it: the same event gives the same record"},
		{" today sysdate getdate current_date current_timestamp timestamp time ", "a mapping gives the same result whenever it runs; _meta.received_at is when the event came"},
		{" iferror ", "write on_error: default beside a default in the long form: {expr: …, default: 0, on_error: default}"},
		{" and ", "write `and`"},
		{" or ", "write `or`"},
		{" not ", "write `not x`"},
	}
}

// nearby says where a name that means nothing in a scope may be found: in the element
// of an each, or deeper in the record; "" if it is in no place, or in several.
func nearby(s *scope, name string) string {
	for at := s; at.parent != nil; at = at.parent {
		for _, r := range at.roots {
			if r.Property(name) != nil {
				return fmt.Sprintf("did you mean `%s.%s`?", at.name, name)
			}
		}
	}
	for at := s; at != nil; at = at.parent {
		if at.parent != nil {
			continue
		}
		var found []string
		for _, r := range at.roots {
			found = append(found, within(r, name, "", 0)...)
			if len(found) > 0 {
				break
			}
		}
		if len(found) == 1 {
			return "did you mean `" + found[0] + "`?"
		}
	}
	return ""
}

// within finds the objects inside one that have a field of a name.
func within(n *schema.Node, name, path string, depth int) []string {
	if n == nil || depth > 3 {
		return nil
	}
	var out []string
	for _, field := range n.Names() {
		child := n.Property(field)
		if child == nil {
			continue
		}
		if child.Property(name) != nil {
			out = append(out, join(path, field)+"."+name)
		}
		out = append(out, within(child, name, join(path, field), depth+1)...)
	}
	return out
}

// unquoted is a text without the quotation marks of a letter, which YAML takes as
// part of it.
func unquoted(s string) string { return strings.Trim(s, "“”„«»‘’‚") }
