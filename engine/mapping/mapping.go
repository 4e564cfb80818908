// Package mapping turns a mapping file into a checked, compiled Program, and an
// event's record into a sink's record with it.
//
// It is pure: the same event and the same Program give the same bytes; there is
// no input or output, clock, chance or goroutine in it. A record is scanned once:
// the plain paths of a mapping form a trie whose leaves are filled with slices of
// the payload, expressions read those slices, and the result is written from them
// in one append-only buffer.
//
// Compile reports everything that it finds wrong in a file, each with its place
// (rules CW1xx). What can only be known from an event is an *Error of Map (rules
// CW3xx), and then nothing is sent.
package mapping

import (
	"fmt"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// Ref names an event or an operation of a connection, as in shop.order_created.
type Ref struct {
	Connection, Name string
	// Pos is where the mapping file says so.
	Pos diag.Position
}

// String returns connection.name.
func (r Ref) String() string { return r.Connection + "." + r.Name }

// Catalog answers what the connections of a configuration offer. The text of an
// error is shown at the reference; a *NotFoundError gets a suggestion, and an
// *UnavailableError says that the answer is not known just now. A nil schema with
// no error makes the compiler check nothing against it.
type Catalog interface {
	// Event returns the schema of what a connection's event holds.
	Event(connection, event string) (*schema.Schema, error)
	// Operation returns the schema of what a connection's operation takes.
	Operation(connection, operation string) (*schema.Schema, error)
	// Lookup returns what a connection's lookup takes and gives.
	Lookup(connection, lookup string) (LookupSchema, error)
}

// NotFoundError says that a configuration has no such connection, event or operation.
type NotFoundError struct {
	// What is the kind of thing: "connection", "event of shop", "operation of saleapp".
	What string
	// Name is what was asked for, and Known what there is.
	Name  string
	Known []string
}

// Error says what is missing.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no %s named `%s`", e.What, e.Name)
}

// UnavailableError says that a connection cannot be described, for instance
// because its plugin is not installed.
type UnavailableError struct {
	Connection string
	Err        error
}

// Error says which connection, and why.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("connection `%s` cannot be described: %v", e.Connection, e.Err)
}

// Unwrap returns the reason.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Event is an accepted event as a mapping sees it.
type Event struct {
	// ID, Connection, Type, Key and ReceivedAt are _meta's fields id, connection,
	// event, key and received_at. ID is "" where the source gives its events none.
	ID, Connection, Type, Key string
	ReceivedAt                time.Time
	// Record is a valid JSON object; ingress has checked that.
	Record []byte
}

// Result is what a mapping made of an event.
type Result struct {
	// Record is the buffer given to Map with the sink's record appended; it is that
	// buffer unchanged if Skipped.
	Record []byte
	// Skipped means that the mapping's when was false.
	Skipped bool
	// Questions are what has to be answered first; then there is no record yet.
	Questions []Question
	// Work is what the rules went through: about one for each operation of an
	// expression, and 4 for each element of a list; also beside an error.
	Work int
}

// Error says why an event cannot be mapped.
type Error struct {
	// Diagnostic is the first failure in the order of the file.
	Diagnostic diag.Diagnostic
	// Path is the source path that it is about, "" if there is none.
	Path string
	// Field is the sink's field, as in products.0.sku; "" if there is none.
	Field string
	// Unfound is the lookup that found nothing, as in city, or whose answer lacks a
	// field, as in city.zone, where the field is missing for that; else "".
	Unfound string
	// Refusing is the lookup that does not take its question, or finds several things; else
	// "".
	Refusing string
	// Table is the name of the table that has no row for Code; "" if none lacks one, or it
	// stands in the rule itself.
	Table, Code string
	// More are the failures of other rules of the same event.
	More []*Error
}

// Error returns the first failure on one line, and how many more there are.
func (e *Error) Error() string {
	s := e.Diagnostic.Error()
	if len(e.More) > 0 {
		s += fmt.Sprintf(" (and %d more)", len(e.More))
	}
	return s
}

// List returns all failures.
func (e *Error) List() diag.List {
	l := diag.List{e.Diagnostic}
	for _, m := range e.More {
		l = append(l, m.Diagnostic)
	}
	return l
}
