package exhaust

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// outcome is what becomes of a record.
type outcome struct {
	skipped  bool
	unmapped bool // it never came to the sink's schema
	failures []failure
	// mark tells results apart by their shape: which fields are there, and the values
	// of those that the sink has a list of.
	mark string
	// result stands for all of it, never 0.
	result uint64
}

// failure is one rule's failure.
type failure struct {
	key         string
	diag        diag.Diagnostic
	path, field string
	// cause is the same for failures of several rules that one change mends: a row that a
	// table lacks, a name of let.
	cause string
	// table is the name of the table that lacks a row, "" if it has none.
	table string
}

func (s *search) mapped(record []byte, a assignment) outcome {
	s.records++
	res, err := s.answered(&mapping.Event{
		ID: s.shape.eventID(a), Connection: s.ref.Connection, Type: s.ref.Name, Key: "1", ReceivedAt: arrived(), Record: record,
	}, a)
	var failed *mapping.Error
	switch {
	case errors.As(err, &failed):
		return s.failed(failed, record, a)
	case err != nil:
		return outcome{failures: []failure{{key: "CW300", diag: diag.Diagnostic{Rule: "CW300", Message: err.Error()}}}, mark: "fault", result: sum([]byte(err.Error()))}
	case res.Skipped:
		s.skippedRecords++
		return outcome{skipped: true, mark: "skipped", result: sum([]byte("skipped"))}
	}
	s.mappedRecords++
	h := sum(res.Record)
	out := outcome{result: h, mark: mark(gjson.ParseBytes(res.Record), s.sinkRoot(), 0)}
	if s.sink == nil {
		return out
	}
	violations, known := s.valid[h]
	if !known {
		violations = s.sink.Validate(res.Record)
		s.valid[h] = violations
	}
	var order []string
	messages := map[string][]string{}
	for _, v := range violations {
		if messages[v.Path] == nil {
			order = append(order, v.Path)
		}
		messages[v.Path] = append(messages[v.Path], v.Message)
	}
	for _, path := range order {
		d := s.program.Locate(path)
		d.Rule = RuleSink
		field := "the record"
		if path != "" {
			field = "`" + path + "`"
		}
		d.Message = "the sink's schema refuses " + field + ", which " + strings.Join(messages[path], "; and which ")
		key := RuleSink + " " + mapping.AnyIndex(path)
		for _, m := range messages[path] {
			key += " " + demand(m)
		}
		out.failures = append(out.failures, failure{key: key, cause: key, diag: d, field: path})
		out.mark = "failed " + key
	}
	return out
}

func (s *search) sinkRoot() *schema.Node {
	if s.sink == nil {
		return nil
	}
	return s.sink.Root()
}

func (s *search) failed(e *mapping.Error, record []byte, a assignment) outcome {
	out := outcome{mark: "failed", unmapped: true}
	for _, one := range append([]*mapping.Error{e}, e.More...) {
		f := failure{diag: one.Diagnostic, path: one.Path, field: one.Field, table: one.Table}
		at := one.Diagnostic.Position
		where, about := strconv.Itoa(at.Line)+" "+strconv.Itoa(at.Column), mapping.AnyIndex(one.Path)+" "+one.Unfound
		if one.Diagnostic.Rule == "CW305" { // each code is a failure of its own
			p, raw := s.shape.at(one.Path), gjson.GetBytes(record, one.Path).Raw
			if one.Path == "" {
				if p = s.shape.answeredKey(one.Table); p != nil {
					f.path, about, raw = p.path, p.path, p.option(a).json
				}
			}
			of := code(p, raw)
			about += " " + of
			switch {
			case f.table == "":
			case of == another:
				f.cause = strings.Join([]string{"CW305", f.table, about}, " ")
			default:
				f.cause = strings.Join([]string{"CW305", f.table, "row", one.Code}, " ")
			}
		}
		if one.Diagnostic.Rule == "CW315" { // each demand is one, of the lookup
			f.path, about = one.Refusing, one.Refusing+" "+demand(one.Diagnostic.Message[strings.LastIndex(one.Diagnostic.Message, "}: ")+1:])
		}
		f.key = strings.Join([]string{one.Diagnostic.Rule, where, mapping.AnyIndex(one.Field), about}, " ")
		f.cause = cmp.Or(f.cause, strings.Join([]string{one.Diagnostic.Rule, where, about}, " "))
		if slices.ContainsFunc(out.failures, func(o failure) bool { return o.key == f.key }) {
			continue
		}
		out.failures = append(out.failures, f)
		out.mark += " " + f.key
	}
	out.result = sum([]byte(out.mark))
	return out
}

// answeredKey is the place in a lookup's answer that the named table is asked for, ""
// for one that stands in a rule; nil if there are several.
func (s *shape) answeredKey(table string) *place {
	var found *place
	for _, p := range s.places {
		if p.lookup == "" || p.keys == nil || p.table != table {
			continue
		}
		if found != nil {
			return nil
		}
		found = p
	}
	return found
}

// another is any value that the schema does not name.
const another = "another"

// code is a value of a place if the schema names it; the others are alike.
func code(p *place, raw string) string {
	if p == nil {
		return ""
	}
	for _, o := range p.options {
		if o.json == raw && o.named && !o.unnamed {
			return raw
		}
	}
	return another
}

// at returns the place of a path with indexes; nil if there is none.
func (s *shape) at(path string) *place {
	at := s.root
	for _, step := range strings.Split(path, ".") {
		next := at.kid(step)
		if next == nil && at.kind == array && isIndex(step) {
			next = at.kids[0]
		}
		if next == nil {
			return nil
		}
		at = next
	}
	return at
}

func mark(v gjson.Result, node *schema.Node, depth int) string {
	var b strings.Builder
	switch {
	case depth > 4:
	case v.IsObject():
		b.WriteByte('{')
		v.ForEach(func(k, item gjson.Result) bool {
			b.WriteString(k.Str + mark(item, node.Property(k.Str), depth+1) + ",")
			return true
		})
		b.WriteByte('}')
	case v.IsArray():
		items := v.Array()
		b.WriteString("[" + strconv.Itoa(len(items)))
		if len(items) > 0 && node != nil {
			b.WriteString(mark(items[0], node.Items, depth+1))
		}
		b.WriteByte(']')
	case node != nil && len(node.Choices) > 0:
		b.WriteString("=" + v.Raw)
	}
	return b.String()
}
