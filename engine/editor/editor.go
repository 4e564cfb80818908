// Package editor makes the JSON Schemas that an editor's YAML language server
// checks mapping files and crosswalk.yaml with while they are typed, and
// completes them from: the keys of the language, a sink's fields under the vendor's
// labels, a source's paths, the names of tables and lookups.
//
// A schema is draft 7, which every language server reads, and uses the keywords
// that yaml-language-server adds to it: defaultSnippets for what can be typed as a
// value, errorMessage and patternErrorMessage for the words of a finding. Others
// ignore those. It never refuses what `crosswalk validate` takes; the checks that
// need more than the shape of a file are left to that.
package editor

import (
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// Offer is an event or operation that a mapping can name.
type Offer struct {
	// Name is connection.name, and Title what it is.
	Name, Title string
}

// Event is an event of a mapping's from.
type Event struct {
	// Name is connection.event, Schema what it holds; nil if that is not known.
	Name   string
	Schema *schema.Schema
}

// Lookup is a lookup that a mapping can ask.
type Lookup struct {
	// Name is connection.lookup, and Title what it answers.
	Name, Title string
	// Args and Answer are what it takes and gives; nil if that is not known.
	Args, Answer *schema.Schema
}

// Mapping is what the schema of a mapping file is made of.
type Mapping struct {
	// From are the mapping's events, and To its operation.
	From []Event
	To   Event
	// Events, Operations and Lookups are what the configured connections offer.
	Events, Operations []Offer
	Lookups            []Lookup
	// Unknown are connections of which nothing is known: what names them is taken.
	Unknown []string
	// Draft is what the file says so far.
	Draft Draft
}

// Schema returns the JSON Schema of such a mapping file.
func (m *Mapping) Schema() ([]byte, error) {
	b := &builder{mapping: m, names: map[definition]string{}, counts: map[string]int{}, single: map[string]*schema.Node{}}
	out, err := b.document().text()
	if err != nil {
		return nil, fmt.Errorf("write the schema of a mapping: %w", err)
	}
	return out, nil
}

// title says what a mapping's schema is for.
func (m *Mapping) title() string {
	var from []string
	for _, e := range m.From {
		from = append(from, e.Name)
	}
	return "Mapping of " + strings.Join(from, ", ") + " to " + m.To.Name
}

// builder collects the definitions that schemas refer to.
type builder struct {
	mapping     *Mapping
	definitions object
	names       map[definition]string
	counts      map[string]int // how many have a name's beginning
	// dotted is how many dotted names of the sink are spelt out.
	dotted int
	// single are nodes of single values, by what they take.
	single map[string]*schema.Node
	// boolean is what a condition must become.
	boolean *schema.Node
}

// definition is what a definition defines, and for what.
type definition struct {
	prefix string
	of     any
}

// define gives a reference to the definition of something, which make makes the first
// time; definitions may refer to each other in circles.
func (b *builder) define(prefix string, of any, make func() object) object {
	key := definition{prefix, of}
	name, ok := b.names[key]
	if !ok {
		b.counts[prefix]++
		name = fmt.Sprintf("%s%d", prefix, b.counts[prefix])
		b.names[key] = name
		at := len(b.definitions)
		b.definitions = append(b.definitions, member{name: name})
		made := make() // which defines more
		b.definitions[at].value = made
	}
	return object{{"$ref", "#/definitions/" + name}}
}

// types is the keyword type as a list: to the language server an object alone
// means that any key may be suggested.
func types(names ...string) member { return member{"type", names} }
