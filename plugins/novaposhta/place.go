package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a settlement's name, in runes; the longest there are have 40.
const maxName = 200

// kind is what sort of settlement something is, as far as names tell it.
type kind int

// The kinds of settlements.
const (
	anyKind  kind = iota
	town          // місто
	village       // село
	township      // смт, since 2024 селище
)

// kindWords are the words that stand before a settlement's name, without their dot.
var kindWords = map[string]kind{
	"м": town, "m": town, "місто": town, "г": town, "гор": town, "город": town, "city": town,
	"с": village, "c": village, "село": village, "сел": village, "village": village,
	"смт": township, "пгт": township, "селище": township, "с-ще": township, "сщ": township, "поселок": township, "пос": township,
}

// kindOf reads a kind: "м.", "місто", "смт".
func kindOf(word string) (kind, bool) {
	word = strings.TrimSuffix(strings.ReplaceAll(strings.ToLower(clean(word)), "ё", "е"), ".")
	if word == "селище міського типу" || word == "поселок городского типа" {
		return township, true
	}
	k, ok := kindWords[word]
	return k, ok
}

// areaWords and regionWords stand beside the name of an area or a district.
var (
	areaWords   = words("обл обл. область області области oblast region")
	regionWords = words("р-н р-н. р-он р-он. район району района р-ну raion district міськрада м/р")
	otherWords  = words("україна украина ukraine ua тг отг громада громади")
)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// place is what a text says of a settlement.
type place struct {
	name   string
	kind   kind
	area   string // without "обл."
	region string // without "р-н"
	// hints are further parts of the text, each of which must be the area or the
	// district: "Київ, Київська".
	hints []string
}

// parsePlace reads a settlement as shops write it: the name alone, with its type
// before it, with its area and district after commas, in parentheses, or before it.
// It fails where no name is in it.
func parsePlace(s string) (place, error) {
	s = clean(s)
	if utf8.RuneCountInString(s) > maxName {
		return place{}, fmt.Errorf("a settlement's name is not longer than %d characters", maxName)
	}
	var p place
	for part := range strings.SplitSeq(separate(s), ",") {
		p.part(strings.Fields(part))
	}
	if p.name == "" {
		return place{}, fmt.Errorf("%q names no settlement", s)
	}
	return p, nil
}

// separate puts a comma between parts, and a space after a dot that has none.
func separate(s string) string {
	for _, crimea := range []string{"автономна республіка крим", "автономная республика крым", "ар крим", "ар крым"} {
		if i := strings.Index(strings.ToLower(s), crimea); i >= 0 && len(strings.ToLower(s)) == len(s) {
			s = s[:i] + ", Крим обл.," + s[i+len(crimea):]
		}
	}
	s = strings.NewReplacer("(", ",", ")", ",", ";", ",", "[", ",", "]", ",", "/", ",", "|", ",").Replace(s)
	if dashed := strings.Split(s, " - "); len(dashed) > 1 {
		by := "-" // Івано - Франківськ
		for w := range strings.FieldsSeq(strings.ToLower(s)) {
			if areaWords[w] || regionWords[w] {
				by = "," // Київ - Київська обл.
			}
		}
		s = strings.Join(dashed, by)
	}
	var out strings.Builder
	var before rune
	for _, r := range s {
		if before == '.' && unicode.IsLetter(r) {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
		before = r
	}
	return out.String()
}

// part reads what stands between two commas.
func (p *place) part(list []string) {
	var rest []string
	for i := 0; i < len(list); i++ {
		word := strings.ToLower(list[i])
		switch {
		case areaWords[word] || regionWords[word]:
			var name string
			switch {
			case len(rest) > 0:
				name, rest = rest[len(rest)-1], rest[:len(rest)-1]
			case i+1 < len(list):
				i++
				name = list[i]
			default:
				continue
			}
			p.within(name, areaWords[word])
		case otherWords[word] || isPostcode(word):
		default:
			rest = append(rest, list[i])
		}
	}
	if len(rest) == 0 {
		return
	}
	k := anyKind
	if len(rest) > 1 {
		if first, ok := kindOf(rest[0]); ok {
			k, rest = first, rest[1:]
		}
	}
	p.named(strings.Trim(strings.Join(rest, " "), ".- "), k)
}

// within notes an area or a district; what is told twice has to fit twice.
func (p *place) within(name string, area bool) {
	switch {
	case area && p.area == "":
		p.area = name
	case !area && p.region == "":
		p.region = name
	default:
		p.hints = append(p.hints, name)
	}
}

// named notes a part that is neither an area nor a district: the first is the
// settlement, unless a later one alone has a type before it.
func (p *place) named(name string, k kind) {
	switch {
	case name == "":
	case p.name == "":
		p.name, p.kind = name, k
	case p.kind == anyKind && k != anyKind:
		p.hints = append(p.hints, p.name)
		p.name, p.kind = name, k
	default:
		p.hints = append(p.hints, name)
	}
}

// isPostcode tells the five digits that stand before or after a settlement.
func isPostcode(word string) bool {
	return len(word) == 5 && strings.Trim(word, "0123456789") == ""
}
