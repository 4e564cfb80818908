package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// An outcome's message is its JSON; these headers repeat what a start needs to
// know of every outcome without reading it.
const (
	hdrSequence = "Cw-Sequence"
	hdrMapping  = "Cw-Mapping"
	hdrOutcome  = "Cw-Outcome"
	// hdrOutcomeLength is the length of the outcome's JSON at the end of a dead
	// letter's message, after the event's data.
	hdrOutcomeLength = "Cw-Outcome-Length"
)

const (
	// maxMapping bounds a mapping's name in bytes.
	maxMapping = 256
	// maxOutcome bounds an outcome's JSON in bytes: a longer answer is left out,
	// longer texts are cut.
	maxOutcome = 256 << 10
	maxText    = 4 << 10
	// maxSent bounds the record that was sent, as it is kept with an outcome.
	maxSent = 64 << 10
)

// encodeOutcome makes an outcome's message. The outcome was checked before.
func encodeOutcome(o *event.Outcome) (*nats.Msg, error) {
	data, err := appendOutcome(nil, o)
	if err != nil {
		return nil, err
	}
	h := nats.Header{
		hdrSequence: {strconv.FormatUint(o.Sequence, 10)},
		hdrOutcome:  {string(o.Kind)},
	}
	if o.Mapping != "" {
		h[hdrMapping] = []string{escaped(o.Mapping)}
	}
	return &nats.Msg{Subject: outcomeSubject(o), Header: h, Data: data}, nil
}

// encodeOutcomes makes the messages of outcomes of one lane with their Msg-Ids, as
// encodeOutcome does of one, in few pieces of memory: thousands a second go this way.
func encodeOutcomes(outcomes []*event.Outcome) ([]*nats.Msg, error) {
	const headers = 4
	msgs := make([]*nats.Msg, len(outcomes))
	all := make([]nats.Msg, len(outcomes))
	values := make([]string, 0, headers*len(outcomes))
	size := 0
	for _, o := range outcomes {
		size += roomOf(o)
	}
	text := make([]byte, 0, min(size, maxBatchBytes))
	for i, o := range outcomes {
		if cap(text)-len(text) < roomOf(o) {
			text = make([]byte, 0, max(roomOf(o), 64<<10))
		}
		from := len(text)
		var err error
		if text, err = appendOutcome(text, o); err != nil {
			return nil, fmt.Errorf("outcome of event %d under mapping %q: %w", o.Sequence, o.Mapping, err)
		}
		m := &all[i]
		m.Data = text[from:len(text):len(text)]
		id := outcomeID(o)
		m.Header = make(nats.Header, headers)
		for _, h := range [headers][2]string{
			{hdrSequence, id[strings.LastIndexByte(id, '/')+1:]},
			{hdrOutcome, string(o.Kind)},
			{hdrMapping, escaped(o.Mapping)},
			{nats.MsgIdHdr, id},
		} {
			values = append(values, h[1])
			m.Header[h[0]] = values[len(values)-1 : len(values) : len(values)]
		}
		if i > 0 && o.Lane == outcomes[i-1].Lane && o.Kind != event.Duplicate {
			m.Subject = msgs[i-1].Subject
		} else {
			m.Subject = outcomeSubject(o)
		}
		msgs[i] = m
	}
	return msgs, nil
}

// outcomeID is the Msg-Id of an outcome; its sequence comes last.
func outcomeID(o *event.Outcome) string {
	return o.Lane.Source + "/" + o.Lane.Sink + "/" + escaped(o.Mapping) + "/" + strconv.FormatUint(o.Sequence, 10)
}

// roomOf is about how many bytes an outcome's JSON has, and mostly not less.
func roomOf(o *event.Outcome) int {
	return len(o.Sent) + len(o.Answer) + len(o.Key) + len(o.EventID) + 640
}

// appendOutcome appends the JSON of o, in at most maxOutcome bytes.
func appendOutcome(dst []byte, o *event.Outcome) ([]byte, error) {
	if len(o.Answer) <= maxOutcome/2 && len(o.Sent) <= maxSent {
		dst = slices.Grow(dst, roomOf(o))
		if out, err := o.AppendJSON(dst); err == nil && len(out)-len(dst) <= maxOutcome {
			return out, nil
		}
	}
	text, err := shortOutcome(o)
	return append(dst, text...), err
}

// shortOutcome gives the JSON of an outcome that is too long, or whose answer or
// record is no JSON, without what makes it so.
func shortOutcome(o *event.Outcome) ([]byte, error) {
	if n := len(o.Answer); n > maxOutcome/2 || n > 0 && !json.Valid(o.Answer) {
		c := *o
		c.Answer = omitted(n)
		o = &c
	}
	if n := len(o.Sent); n > maxSent || n > 0 && !json.Valid(o.Sent) {
		c := *o
		c.Sent = omitted(n)
		o = &c
	}
	data, err := json.Marshal(o)
	if err != nil || len(data) <= maxOutcome {
		return data, err
	}
	c := *o
	if len(o.Answer) > maxText {
		c.Answer = omitted(len(o.Answer))
	}
	if len(o.Sent) > maxText {
		c.Sent = omitted(len(o.Sent))
	}
	if o.Reason != nil {
		r := *o.Reason
		for _, s := range []*string{&r.Class, &r.Code, &r.Message, &r.Path, &r.File, &r.Hint} {
			if len(*s) > maxText {
				*s = words.Bounded(*s, maxText) + "…"
			}
		}
		c.Reason = &r
	}
	if data, err = json.Marshal(&c); err == nil && len(data) > maxOutcome {
		err = fmt.Errorf("outcome has %d bytes, at most %d are allowed", len(data), maxOutcome)
	}
	return data, err
}

// omitted stands for an answer that is too long, or not JSON.
func omitted(n int) json.RawMessage { return fmt.Appendf(nil, `{"omitted_bytes":%d}`, n) }

// mark is what the headers of an outcome tell.
type mark struct {
	sequence uint64
	lane     event.Lane
	mapping  string
	kind     event.Kind
}

func readMark(subject string, h nats.Header) (mark, error) {
	m := mark{lane: laneOfSubject(subject), kind: event.Kind(h.Get(hdrOutcome))}
	var err error
	if m.sequence, err = strconv.ParseUint(h.Get(hdrSequence), 10, 64); err != nil {
		return mark{}, fmt.Errorf("header %s %q: %w", hdrSequence, h.Get(hdrSequence), err)
	}
	if m.mapping, err = url.PathUnescape(h.Get(hdrMapping)); err != nil {
		return mark{}, fmt.Errorf("header %s %q: %w", hdrMapping, h.Get(hdrMapping), err)
	}
	return m, nil
}

// letter names a dead letter: one event under one mapping of one lane.
type letter struct {
	lane     event.Lane
	mapping  string
	sequence uint64
}

func letterOf(o *event.Outcome) letter {
	return letter{lane: o.Lane, mapping: o.Mapping, sequence: o.Sequence}
}

// encodeDead makes a dead letter's message: the event's, with the outcome's JSON after it.
func encodeDead(d *event.DeadLetter) (*nats.Msg, error) {
	o, err := appendOutcome(nil, &d.Outcome)
	if err != nil {
		return nil, err
	}
	h, data := encodeEvent(&d.Event)
	h[hdrSequence] = []string{strconv.FormatUint(d.Outcome.Sequence, 10)}
	h[hdrMapping] = []string{url.PathEscape(d.Outcome.Mapping)}
	h[hdrOutcome] = []string{string(d.Outcome.Kind)}
	h[hdrOutcomeLength] = []string{strconv.Itoa(len(o))}
	for name, value := range reasonHeaders(&d.Outcome) {
		if value != "" {
			h[name] = []string{value}
		}
	}
	all := make([]byte, 0, len(data)+len(o))
	all = append(append(all, data...), o...)
	// The same letter published again is one letter; one given up anew after a
	// crash, with another reason, is another, and the later counts.
	sum := sha256.Sum256(all)
	h[nats.MsgIdHdr] = []string{fmt.Sprintf("%s/%s/%s/%d/%s", d.Outcome.Lane.Source, d.Outcome.Lane.Sink,
		url.PathEscape(d.Outcome.Mapping), d.Outcome.Sequence, hex.EncodeToString(sum[:8]))}
	return &nats.Msg{Subject: deadSubject(d.Outcome.Lane), Header: h, Data: all}, nil
}

// decodeDead reads a dead letter's message.
func decodeDead(subject string, h nats.Header, data []byte) (event.DeadLetter, error) {
	n, err := strconv.ParseUint(h.Get(hdrOutcomeLength), 10, 31)
	if err != nil || int(n) > len(data) {
		return event.DeadLetter{}, fmt.Errorf("header %s %q of a message of %d bytes is wrong", hdrOutcomeLength, h.Get(hdrOutcomeLength), len(data))
	}
	cut := len(data) - int(n)
	var d event.DeadLetter
	if err := json.Unmarshal(data[cut:], &d.Outcome); err != nil {
		return event.DeadLetter{}, fmt.Errorf("dead letter's outcome: %w", err)
	}
	lane := laneOfSubject(subject)
	d.Event, err = decodeEvent(d.Outcome.Sequence, eventSubject(lane.Source), h, data[:cut:cut])
	return d, err
}

// escaped is a mapping's name as it may stand in a Msg-Id.
func escaped(mapping string) string { return url.PathEscape(mapping) }
