package exhaust

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// condition is what a finding's record has at a place that matters.
type condition struct {
	path    string
	option  option
	unnamed bool
	known   bool   // the schema names values there
	lookup  string // the lookup in whose answer it stands
}

// maxValue is the longest value in JSON that a message shows.
const maxValue = 60

// empty reports whether nothing is at the place.
func (c condition) empty() bool {
	switch c.option.json {
	case "":
		return !c.option.whole
	case "null", "[]", "{}", `""`:
		return true
	}
	return false
}

// String says it: `delivery_type.id` = 9 (UkrPoshta).
func (c condition) String() string {
	o, path := c.option, "`"+c.path+"`"
	switch {
	case c.lookup == c.path && c.lookup != "" && !o.whole:
		return "lookup " + path + " finds nothing"
	case c.lookup != "" && o.json == "" && !o.whole:
		return path + " is absent in the lookup's answer"
	case o.whole && o.count > 0:
		return path + " has " + strconv.Itoa(o.count) + map[bool]string{true: " element", false: " elements"}[o.count == 1]
	case o.whole:
		return path + " is there"
	case o.json == "":
		return path + " is absent"
	case o.json == "null", o.json == "[]", o.json == "{}", o.json == `""`:
		return path + " is " + o.json
	case len(o.json) > maxValue && o.json[0] == '"':
		return path + " has " + strconv.Itoa(utf8.RuneCountInString(o.json)-2) + " characters"
	case o.title != "":
		return path + " = " + o.json + " (" + o.title + ")"
	case o.unnamed && !o.named && c.known:
		return path + " = " + o.json + " (or another value that its schema does not name)"
	}
	return path + " = " + o.json
}

// say puts a finding into a line.
func (s *search) say(f *finding) string {
	rest := make([]string, 0, len(f.conditions))
	code, needed := "", ""
	for i := range f.conditions {
		c := &f.conditions[i]
		c.unnamed = c.option.unnamed
		if f.diag.Rule == "CW305" && c.path == f.path && c.option.json != "" {
			code = c.String()
			if f.table == "" {
				code += " has no row in the table"
			} else {
				code += " has no row in table `" + f.table + "`"
			}
			continue
		}
		if f.diag.Rule == "CW301" && c.path == f.path && c.option.absent() {
			needed = f.path
			continue
		}
		rest = append(rest, c.String())
	}
	message := strings.ReplaceAll(f.diag.Message, " in this event", "") // it is of one that was made up
	switch {
	case needed != "":
		return sayNeeded(f, needed, rest)
	case code != "":
		message = code
	case f.diag.Rule == "CW304":
		message = s.lack(f.field)
	}
	if len(rest) == 0 {
		return message
	}
	return message + " when " + list(rest)
}

// sayNeeded says that an expression needs what may be absent.
func sayNeeded(f *finding, path string, rest []string) string {
	what, _, _ := strings.Cut(f.diag.Message, " is missing")
	message, absent := what+" is needed here", "and may be absent"
	if len(rest) > 0 {
		message = what + " is needed when " + list(rest)
		absent = "and may be absent then"
	}
	if what != "`"+path+"`" {
		absent = strings.Replace(absent, "may", "`"+path+"` may", 1)
	}
	return message + ", " + absent
}

// lack says that the sink wants a field that is missing.
func (s *search) lack(field string) string {
	node, around, name := s.sinkRoot(), "", field
	if i := strings.LastIndexByte(field, '.'); i >= 0 {
		around, name = field[:i+1], field[i+1:]
		for _, step := range strings.Split(field[:i], ".") {
			if isIndex(step) && node != nil && node.Items != nil {
				node = node.Items
			} else {
				node = node.Property(step)
			}
		}
	}
	var when []*schema.Predicate
	if node != nil {
		for i := range node.Conditions {
			for _, r := range node.Conditions[i].Required {
				if r == name {
					when = append(when, &node.Conditions[i].If)
				}
			}
		}
	}
	if len(when) == 1 {
		p := when[0]
		if len(p.All) == 1 && p.Field == "" && len(p.Any) == 0 && p.Not == nil && len(p.Present) <= 1 {
			p = &p.All[0]
		}
		if p.Field != "" && len(p.Values) == 1 && len(p.All)+len(p.Any) == 0 && p.Not == nil {
			return "`" + around + p.Field + "` = " + p.Values[0] + " without `" + field + "`"
		}
	}
	if len(when) == 1 {
		return "`" + field + "` is required where " + when[0].String() + ", and is missing"
	}
	return "`" + field + "` is required, and is missing"
}

// list joins conditions: a, b and c.
func list(parts []string) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
