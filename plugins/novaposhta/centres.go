package main

import (
	_ "embed"
	"strings"
)

// areasText lists the areas, a line each: the vendor's name of the area and its
// centre, then after bars the other spellings of both.
//
//go:embed areas.txt
var areasText string

// area is one of the country's 24 areas or Crimea.
type area struct {
	name   string // as the vendor writes it: Київська
	centre string // the town that a bare name means: Київ
}

// gazetteer knows the areas, and the other names of their centres. The vendor's
// search takes Ukrainian and Russian; Latin spellings and former names it may not.
type gazetteer struct {
	areas   map[string]area   // by any spelling's sameKey
	centres map[string]string // the sameKey of a centre's other spelling to its name
}

func newGazetteer() gazetteer {
	g := gazetteer{areas: map[string]area{}, centres: map[string]string{}}
	for line := range strings.Lines(areasText) {
		columns := strings.Split(strings.TrimSpace(line), "|")
		if len(columns) != 4 {
			continue
		}
		a := area{columns[0], columns[1]}
		for spelling := range strings.SplitSeq(columns[2], ",") {
			g.areas[sameKey(spelling)] = a
		}
		g.areas[sameKey(a.name)] = a
		for spelling := range strings.SplitSeq(columns[3], ",") {
			g.centres[sameKey(spelling)] = a.centre
		}
	}
	return g
}

// areaKey is the sameKey of an area's name in the vendor's own spelling.
func (g gazetteer) areaKey(name string) string {
	k := sameKey(name)
	if a, ok := g.areas[k]; ok {
		return sameKey(a.name)
	}
	return k
}

// isCentre tells whether a town is the centre of its area.
func (g gazetteer) isCentre(s settlement) bool {
	a, ok := g.areas[sameKey(s.Area)]
	return ok && s.kind() == town && sameKey(a.centre) == sameKey(s.Name)
}
