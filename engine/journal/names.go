package journal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// Streams and their subjects.
const (
	streamEvents   = "EVENTS"
	streamOutcomes = "OUTCOMES"
	streamDead     = "DEAD"
	streamActs     = "ACTS"
	streamMarks    = "MARKS"
	streamLives    = "LIVES"
	streamMappings = "MAPPINGS"
	streamStops    = "STOPS"
	streamRequests = "REQUESTS"

	subjectEvents     = "events."
	subjectOutcomes   = "outcomes."
	subjectDuplicates = "duplicates."
	subjectDead       = "dead."
	subjectActs       = "acts."
	subjectMarks      = "marks."
	subjectLives      = "lives."
	subjectMappings   = "mappings."
	subjectStops      = "stops."
	subjectRequests   = "requests."
	subjectRefused    = "refused."
)

// maxName bounds a connection's name in bytes.
const maxName = 64

// checkName tells whether a connection's name fits in a subject.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("connection name %q must have 1 to %d characters", name, maxName)
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return fmt.Errorf("connection name %q may hold only a-z, 0-9, _ and -", name)
		}
	}
	return nil
}

func eventSubject(connection string) string { return subjectEvents + connection + ".0" }

// replaySubject is where a connection's events go that repeat others.
func replaySubject(connection string) string { return subjectEvents + connection + ".replay" }

// laneEvents are the subjects that a lane from the connection reads: what came and
// what is repeated, in the order of both.
func laneEvents(connection string) string { return subjectEvents + connection + ".*" }

func outcomeSubject(o *event.Outcome) string {
	if o.Kind == event.Duplicate {
		return subjectDuplicates + o.Lane.Source
	}
	return laneOutcomes(o.Lane)
}

func laneOutcomes(l event.Lane) string { return subjectOutcomes + l.Source + "." + l.Sink }

func deadSubject(l event.Lane) string { return subjectDead + l.Source + "." + l.Sink }

// requestSubject is where a connection's requests wait to be decoded.
func requestSubject(connection string) string { return subjectRequests + connection }

// refusedSubject is where those stand that were refused then.
func refusedSubject(connection string) string { return subjectRefused + connection }

// durable names a lane's consumer. Connections have no upper case letters, so
// that two lanes never share a name.
func durable(l event.Lane) string { return l.Source + "_TO_" + l.Sink }

// partOfDurable is the name of a lane's, or of its partition's, consumer read back.
func partOfDurable(name string) (lanePart, bool) {
	source, sink, ok := strings.Cut(name, "_TO_")
	p := lanePart{Lane: event.Lane{Source: source, Sink: sink}}
	if sink, n, parted := strings.Cut(sink, "_P"); parted && ok {
		var err error
		p.Sink = sink
		p.n, err = strconv.Atoi(n)
		ok = err == nil
	}
	return p, ok
}

// laneOfSubject reads the lane from a subject of OUTCOMES or DEAD; a
// duplicate's lane has no sink.
func laneOfSubject(subject string) event.Lane {
	parts := strings.Split(subject, ".")
	l := event.Lane{}
	if len(parts) > 1 {
		l.Source = parts[1]
	}
	if len(parts) > 2 {
		l.Sink = parts[2]
	}
	return l
}
