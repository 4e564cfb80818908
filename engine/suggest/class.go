package suggest

import "github.com/crosswalk-etl/crosswalk/engine/schema"

// class is the kind of quantity that a field holds: an id never stands for a name,
// nor a sum for a share of one.
type class int8

const (
	thing class = iota
	ident
	code
	flag
	date
	percent
	quantity
	money
)

// classOf tells a field's class from what it speaks of.
func classOf(m meaning, n *schema.Node) class {
	has := func(cs ...concept) bool {
		for _, c := range cs {
			if m[c] >= 0.6 {
				return true
			}
		}
		return false
	}
	switch {
	case isFlag(n):
		return flag
	case has("percent"):
		return percent
	case has("date", "birthday"):
		return date
	case has("phone", "email", "sku", "barcode", "comment"):
		return thing
	case has("status", "type"):
		return code
	case has("id", "ref"):
		return ident
	case has("code") && !has("city", "country", "postcode"):
		return code
	case has("number") && (has("order", "id", "waybill") || len(m) == 1):
		return ident
	case has("quantity", "seats"):
		return quantity
	case has("price", "sum", "primecost", "profit", "expenses", "commission"):
		return money
	default:
		return thing
	}
}

// isFlag tells whether a field says yes or no.
func isFlag(n *schema.Node) bool {
	if n.Types&^schema.Null == schema.Boolean {
		return true
	}
	if len(n.Choices) != 2 {
		return false
	}
	for _, c := range n.Choices {
		if c.JSON != "0" && c.JSON != "1" && c.JSON != "true" && c.JSON != "false" {
			return false
		}
	}
	return true
}

// kinship says how far a value of class b can stand for one of class a.
func kinship(a, b class) float64 {
	switch {
	case a == b:
		return 1
	case a == thing && b == money || a == money && b == thing:
		return 0.55
	case a == thing && b == percent || a == percent && b == thing:
		return 0.75
	case a == ident && b == code || a == code && b == ident:
		return 0.75
	case a == flag || b == flag:
		return 0.3
	default:
		return 0.45
	}
}

// systems are the concepts of systems that give out ids.
var systems = map[concept]bool{"carrier": true, "novaposhta": true, "ukrposhta": true}

// systemsOf finds the systems that a text speaks of.
func (l *lexicon) systemsOf(text string) meaning {
	all := meaning{}
	l.read(all, words(text), 1, false)
	out := meaning{}
	for c := range all {
		if systems[c] {
			out[c] = 1
		}
	}
	return out
}

// sameSystem tells whether ids of two fields can be those of one system.
func sameSystem(sink, source meaning) bool {
	if len(sink) == 0 || len(source) == 0 {
		return false
	}
	for c := range sink {
		if source[c] > 0 {
			return true
		}
	}
	return sink["carrier"] > 0 && len(sink) == 1 || source["carrier"] > 0
}

// otherCarrier tells whether a field is of one carrier alone, of which the sink's
// field says nothing.
func otherCarrier(sink, source meaning) bool {
	for _, c := range []concept{"novaposhta", "ukrposhta"} {
		if source[c] > 0 && sink[c] == 0 {
			return true
		}
	}
	return false
}
