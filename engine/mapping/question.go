package mapping

import (
	"time"

	"github.com/tidwall/gjson"

	"github.com/crosswalk-etl/crosswalk/engine/schema"
)

// LookupSchema describes a lookup of a connection.
type LookupSchema struct {
	// Args and Answer describe what it takes and gives; nil for anything.
	Args, Answer *schema.Schema
	// CacheFor is how long an answer may be kept; 0: not at all.
	CacheFor time.Duration
}

// Question is what a mapping wants to know of another system for an event.
type Question struct {
	// Lookup is what the mapping calls the lookup.
	Lookup string
	// Connection and Name are the lookup itself, as in novaposhta.city.
	Connection, Name string
	// Args are the arguments, a JSON object, the same for the same question.
	Args []byte
	// CacheFor is how long the answer may be kept; 0: not at all.
	CacheFor time.Duration

	at span
}

// Key names the question among all; its answer is found by it.
func (q Question) Key() string { return QuestionKey(q.Connection, q.Name, q.Args) }

// QuestionKey is Question.Key of a question's parts.
func QuestionKey(connection, name string, args []byte) string {
	return connection + "." + name + " " + string(args)
}

// Answers are answers by the keys of their questions. Map does not change them.
type Answers map[string]Answer

// Answer is what is known of a question.
type Answer struct {
	// Found is the answer, a JSON object; nil if there is none.
	Found []byte
	// Refusal says why the question will never have an answer; nil if it has, or if
	// nothing was found, which is an answer too.
	Refusal *Refusal

	object bool // Found has been looked through: it is an object
}

// Found makes the Answer that holds a JSON object, or nothing. To map with it costs
// less than with an Answer written out: it is looked through now, and not for every
// event.
func Found(object []byte) Answer { return Answer{Found: object, object: isObject(object)} }

// isObject tells whether text is a JSON object.
func isObject(text []byte) bool { return len(text) > 0 && text[0] == '{' && gjson.ValidBytes(text) }

// Refusal says why a question has no answer.
type Refusal struct {
	// Ambiguous tells that several things fit; Candidates are those, JSON objects.
	Ambiguous  bool
	Candidates [][]byte
	// Message is the other system's, one sentence for people.
	Message string
}
