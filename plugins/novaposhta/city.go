package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// maxListed bounds the candidates that a message names.
const maxListed = 12

// cityQuestion is the arguments of the lookup city.
type cityQuestion struct {
	Name   string `json:"name"`
	Area   string `json:"area"`
	Region string `json:"region"`
	Type   string `json:"type"`
}

// place makes of the arguments what is sought.
func (q cityQuestion) place() (place, error) {
	p, err := parsePlace(q.Name)
	if err != nil {
		return p, sdk.Invalid("name", "no_settlement", "%s", err)
	}
	for _, more := range []struct {
		path, text string
		area       bool
	}{{"area", q.Area, true}, {"region", q.Region, false}} {
		if strings.TrimSpace(more.text) == "" {
			continue
		}
		var in place
		in.part(strings.Fields(separate(clean(more.text))))
		name := in.area + in.region + in.name
		if name == "" || len(in.hints) > 0 {
			return p, sdk.Invalid(more.path, "no_"+more.path, "%q names no %s", outbound.Shorten(more.text), more.path)
		}
		p.within(name, more.area)
	}
	if strings.TrimSpace(q.Type) == "" {
		return p, nil
	}
	k, ok := kindOf(q.Type)
	switch {
	case !ok:
		return p, sdk.Invalid("type", "unknown_type", "%q is no type of settlement: want місто, село, селище or смт", outbound.Shorten(q.Type))
	case p.kind != anyKind && p.kind != k:
		return p, sdk.Invalid("type", "contradiction", "the name %q says another type than %q", outbound.Shorten(q.Name), outbound.Shorten(q.Type))
	}
	p.kind = k
	return p, nil
}

// cityAnswerRow is the answer of the lookup city.
type cityAnswerRow struct {
	Ref           string `json:"ref"`
	SettlementRef string `json:"settlement_ref"`
	Name          string `json:"name"`
	Area          string `json:"area"`
	Region        string `json:"region"`
	Type          string `json:"type"`
}

// city answers the lookup city: the only settlement that is named so.
func (l *lookups) city(ctx context.Context, q cityQuestion) (cityAnswerRow, error) {
	p, err := q.place()
	if err != nil {
		return cityAnswerRow{}, err
	}
	g := l.gazetteer
	if centre, ok := g.centres[sameKey(p.name)]; ok {
		p.name = centre
	}
	list, err := l.search(ctx, p.name)
	if err != nil {
		return cityAnswerRow{}, err
	}
	exact := fitting(list, p, g)
	if len(exact) == 0 {
		// The name or the district may be Russian: the search takes that and answers
		// in Ukrainian.
		named, err := l.translated(ctx, p, list)
		if err != nil {
			return cityAnswerRow{}, err
		}
		exact = fitting(named, p, g)
		list = append(list, named...)
	}
	if len(exact) > 1 && p.kind != village && p.kind != township {
		exact = prefer(exact, g)
	}
	switch {
	case len(exact) == 0:
		return cityAnswerRow{}, missing(q, list)
	case len(exact) > 1:
		return cityAnswerRow{}, ambiguous(q, exact)
	case exact[0].CityRef == "":
		return cityAnswerRow{}, sdk.NotFound("Nova Poshta has no delivery city for %s", exact[0])
	}
	return exact[0].answer(), nil
}

func (s settlement) answer() cityAnswerRow {
	return cityAnswerRow{Ref: s.CityRef, SettlementRef: s.Ref, Name: s.Name, Area: s.Area, Region: s.Region, Type: s.Type}
}

// prefer gives the one settlement that a name means without more words: the centre
// of an area, or else the only town among villages. Where there is none it gives
// all.
func prefer(list []settlement, g gazetteer) []settlement {
	for _, better := range []func(settlement) bool{g.isCentre, func(s settlement) bool { return s.kind() == town }} {
		var best []settlement
		for _, s := range list {
			if better(s) {
				best = append(best, s)
			}
		}
		if len(best) == 1 {
			return best
		}
	}
	return list
}

// fitting gives the settlements that a place may be, each once.
func fitting(list []settlement, p place, g gazetteer) []settlement {
	var out []settlement
	for _, s := range list {
		if s.fits(p, g) && !slices.ContainsFunc(out, func(o settlement) bool { return o.Ref == s.Ref }) {
			out = append(out, s)
		}
	}
	return out
}

// fits tells whether a settlement has the place's name and is where it says.
func (s settlement) fits(p place, g gazetteer) bool {
	if !named(p.name, s.Name, s.NameRu, s.NameTranslit) || p.kind != anyKind && p.kind != s.kind() {
		return false
	}
	inArea := func(name string) bool { return g.areaKey(name) == g.areaKey(s.Area) }
	inRegion := func(name string) bool { return named(district(name), district(s.Region), district(s.RegionRu)) }
	if p.area != "" && !inArea(p.area) || p.region != "" && !inRegion(p.region) {
		return false
	}
	return !slices.ContainsFunc(p.hints, func(h string) bool { return !inArea(h) && !inRegion(h) })
}

// named tells whether one of the names is spelled like name.
func named(name string, names ...string) bool {
	k := sameKey(name)
	return slices.ContainsFunc(names, func(n string) bool { return n != "" && sameKey(n) == k })
}

// district is a district's name without the words around it.
func district(name string) string {
	var rest []string
	for w := range strings.FieldsSeq(clean(name)) {
		if !regionWords[strings.ToLower(w)] {
			rest = append(rest, w)
		}
	}
	return strings.Join(rest, " ")
}

// String names a settlement with what tells it from others of its name.
func (s settlement) String() string {
	where := s.Area
	if where != "" && s.Area != "АР Крим" {
		where += " обл."
	}
	if s.Region != "" {
		word := " р-н"
		if strings.HasSuffix(district(s.Region), "а") {
			word = " міськрада" // the town's own council: the vendor gives its adjective
		}
		where = strings.TrimPrefix(where+", "+district(s.Region)+word, ", ")
	}
	return strings.TrimSpace(s.Type+" "+s.Name) + " (" + where + ")"
}

func listed(list []settlement) string {
	var names []string
	for _, s := range list[:min(len(list), maxListed)] {
		names = append(names, s.String())
	}
	if more := len(list) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, "; ")
}

func ambiguous(q cityQuestion, exact []settlement) error {
	several := &sdk.AmbiguousError{
		Message: fmt.Sprintf("%q may be any of %d settlements, tell them apart by area, region or type: %s", clean(q.Name), len(exact), listed(exact)),
	}
	for _, s := range exact {
		raw, err := json.Marshal(s.answer())
		if err != nil {
			return fmt.Errorf("write a candidate: %w", err)
		}
		several.Candidates = append(several.Candidates, raw)
	}
	return several
}

func missing(q cityQuestion, list []settlement) error {
	if len(list) == 0 {
		return sdk.NotFound("Nova Poshta knows no settlement %q", clean(q.Name))
	}
	return sdk.NotFound("Nova Poshta knows no settlement that is just %q; near it are: %s", clean(q.Name), listed(list))
}
