package mapping

import (
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// meantKey is the key of a value that a name is likely meant for: one that is spelt
// nearly so, or what other tools call one of those that can stand beside the others; ""
// if there is none.
func meantKey(name string, known, beside []string) string {
	lower := strings.ToLower(name)
	for key, others := range map[string]string{
		"path":     " from source src field column input ",
		"expr":     " expression formula transform func function calc compute eval ",
		"value":    " constant const literal static text ",
		"when":     " if condition cond only_if ",
		"where":    " filter ",
		"table":    " map mapping lookup dict dictionary codes ",
		"default":  " fallback else otherwise ifmissing ",
		"each":     " foreach for loop items repeat for_each ",
		"type":     " cast format convert ",
		"on_error": " error onerror catch ",
	} {
		if strings.Contains(others, " "+lower+" ") && slices.Contains(beside, key) {
			return key
		}
	}
	return diag.Suggest(name, known)
}

// typeNames is what to write for a type as other systems call it.
func typeNames(name string) string {
	switch strings.ToLower(name) {
	case "str", "text", "varchar", "char":
		return "write string"
	case "int", "long", "int64", "bigint":
		return "write integer"
	case "float", "double", "decimal", "money", "num", "numeric", "real":
		return "write number"
	case "bool":
		return "write boolean"
	case "object", "array", "list", "map", "dict":
		return "`json` makes a text of it; without `type` it stays what it is"
	case "date", "datetime", "time", "timestamp":
		return "a date is written in an expression: = datetime(…), see mappings/README.md"
	}
	return ""
}

// meantBeside are the keys of a value that can be meant by one that is none, beside the
// keys that are there: a value is of one kind.
func meantBeside(keys map[string]entry) []string {
	there := func(name string) bool { _, ok := keys[name]; return ok }
	each := there("each")
	kind := each || there("path") || there("expr") || there("value") || there("fields")
	return slices.DeleteFunc(longKeys(), func(name string) bool {
		switch name {
		case "path", "expr", "each":
			return kind
		case "value", "fields":
			return kind && !each
		}
		return false
	})
}
