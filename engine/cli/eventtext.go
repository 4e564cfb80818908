package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/mapping"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// eventText is everything that is known of an event, for people.
func eventText(d *admin.EventDetail, now time.Time) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "event %d: %s.%s with key %s\n", d.Sequence, d.Connection, d.Type, words.Plain(d.Key))
	if d.ID != "" {
		fmt.Fprintf(&b, "id of its source: %s\n", words.Plain(d.ID))
	}
	fmt.Fprintf(&b, "received %s", words.Clock(d.ReceivedAt))
	if d.Version != 0 {
		fmt.Fprintf(&b, ", version %d", d.Version)
	}
	if d.UpdatedAt != nil {
		fmt.Fprintf(&b, ", changed %s", words.Clock(*d.UpdatedAt))
	}
	b.WriteByte('\n')
	if r := d.Replay; r != nil {
		fmt.Fprintf(&b, "%s of event %d by %s at %s%s\n", r.Kind, r.Of, words.Plain(r.By), words.Clock(r.At), because(r.Reason))
	}
	for _, n := range d.Replays {
		fmt.Fprintf(&b, "repeated as event %d\n", n)
	}
	if d.State != "done" {
		fmt.Fprintf(&b, "%s\n", map[string]string{"waiting": "on its way", "unwanted": "no mapping wanted it"}[d.State])
	}
	for i := range d.Waits {
		fmt.Fprintf(&b, "  %s\n", waitText(&d.Waits[i], now))
	}
	if d.Body != "" {
		fmt.Fprintf(&b, "\nthe request's body, as it came:\n%s\n", indented(d.Body))
	} else if len(d.BodyBase64) > 0 {
		fmt.Fprintf(&b, "\nthe request's body has %d bytes that are no text; --format json has them\n", len(d.BodyBase64))
	}
	fmt.Fprintf(&b, "\nrecord:\n%s\n", indented(string(d.Record)))
	for i := range d.Outcomes {
		writeOutcome(&b, &d.Outcomes[i])
	}
	for i := range d.Acts {
		writeAct(&b, &d.Acts[i])
	}
	err := writeExplanations(&b, d)
	return b.String(), err
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + words.Plain(reason)
}

// indented is a JSON text on many lines, or any text as it is.
func indented(s string) string {
	var v json.RawMessage
	if json.Unmarshal([]byte(s), &v) == nil {
		if text, err := json.MarshalIndent(v, "  ", "  "); err == nil {
			return "  " + plainLines(string(text))
		}
	}
	return "  " + strings.ReplaceAll(plainLines(s), "\n", "\n  ")
}

// plainLines is plain for a text of many lines.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = words.Plain(lines[i])
	}
	return strings.Join(lines, "\n")
}

func writeOutcome(b *strings.Builder, o *event.Outcome) {
	if o.Kind == event.Duplicate {
		fmt.Fprintf(b, "\ncame again at %s, and was not delivered again\n", words.Clock(o.At))
		return
	}
	fmt.Fprintf(b, "\n%s by %s at %s", o.Kind, o.Mapping, words.Clock(o.At))
	if o.Operation != "" {
		fmt.Fprintf(b, " with %s.%s", o.Lane.Sink, o.Operation)
	}
	if o.Action != "" {
		fmt.Fprintf(b, ": %s", words.Plain(o.Action))
	}
	if o.Attempts > 0 {
		fmt.Fprintf(b, ", %s", words.Count(o.Attempts, "attempt"))
	}
	fmt.Fprintf(b, "\n  mapping %s\n", o.MappingSHA256)
	writeReason(b, o.Reason)
	for _, t := range o.Tries {
		fmt.Fprintf(b, "  attempt that ended %s: %s %s %s\n", words.Clock(t.At), t.Class, words.Plain(t.Code), words.Cut(t.Message, 200))
	}
	if len(o.Sent) > 0 {
		fmt.Fprintf(b, "  sent:\n%s\n", indented(string(o.Sent)))
	}
	if len(o.Answer) > 0 {
		fmt.Fprintf(b, "  answered:\n%s\n", indented(string(o.Answer)))
	}
}

func writeReason(b *strings.Builder, r *event.Reason) {
	if r == nil {
		return
	}
	message := r.Message
	if n := len(r.More); n > 0 { // they are all shown
		message = strings.TrimSuffix(message, fmt.Sprintf(" (and %d more)", n))
	}
	fmt.Fprintf(b, "  %s %s: %s\n", r.Class, words.Plain(r.Code), words.Plain(message))
	if r.Path != "" {
		fmt.Fprintf(b, "  field: %s\n", words.Plain(r.Path))
	}
	if r.File != "" {
		fmt.Fprintf(b, "  rule: %s:%d:%d\n", words.Plain(r.File), r.Line, r.Column)
	}
	if r.Hint != "" {
		fmt.Fprintf(b, "  hint: %s\n", words.Plain(r.Hint))
	}
	for i := range r.More {
		writeReason(b, &r.More[i])
	}
}

func writeAct(b *strings.Builder, a *event.Act) {
	fmt.Fprintf(b, "\n%s of the dead letter under %s by %s at %s%s", a.Kind, a.Mapping, words.Plain(a.By), words.Clock(a.At), because(a.Reason))
	if a.As > 0 {
		fmt.Fprintf(b, "; it went on its way as event %d", a.As)
	}
	b.WriteByte('\n')
}

// writeExplanations says how the mappings come to their results that made the outcomes,
// and what those that run now make of the event.
func writeExplanations(b *strings.Builder, d *admin.EventDetail) error {
	records := map[string]mapping.Explained{} // what each mapping made then
	for _, x := range d.Explanations {
		if !x.Made || x.Explanation == nil {
			continue
		}
		e := mapping.Explained{Explanation: &mapping.Explanation{}}
		if err := json.Unmarshal(x.Explanation, &e); err != nil {
			return fmt.Errorf("the explanation of mapping %s: %w", x.Mapping, err)
		}
		records[x.Mapping] = e
	}
	for _, x := range slices.SortedStableFunc(slices.Values(d.Explanations), madeFirst) {
		digest := x.SHA256[:min(12, len(x.SHA256))]
		if x.Problem != "" {
			fmt.Fprintf(b, "\nthe mapping %s that made the outcome (%s) cannot explain it: %s\n", x.Mapping, digest, words.Plain(x.Problem))
			continue
		}
		e := mapping.Explained{Explanation: &mapping.Explanation{}}
		if err := json.Unmarshal(x.Explanation, &e); err != nil {
			return fmt.Errorf("the explanation of mapping %s: %w", x.Mapping, err)
		}
		then, compared := records[x.Mapping]
		switch {
		case !x.Runs:
			fmt.Fprintf(b, "\nexplained by the mapping that made the outcome (%s), which does not run any more:\n", digest)
		case !x.Made && compared:
			writeToday(b, digest, &then, &e)
			continue
		default:
			b.WriteString("\nexplained by the mapping that runs now")
			for _, o := range d.Outcomes {
				if o.Mapping == x.Mapping && o.MappingSHA256 != x.SHA256 {
					fmt.Fprintf(b, " (%s), which is not the one that made the outcome", digest)
					break
				}
			}
			b.WriteString(":\n")
		}
		var text strings.Builder
		writeExplained(&text, &e)
		for _, o := range e.Errors {
			fmt.Fprintf(&text, "\n%s:%d:%d: %s: %s\n", o.File, o.Line, o.Column, o.Rule, o.Message)
		}
		b.WriteString(plainLines(text.String()))
	}
	return nil
}

// madeFirst puts what made an outcome before what runs now.
func madeFirst(a, b admin.Explanation) int {
	rank := map[bool]int{true: 0, false: 1}
	return cmp.Or(strings.Compare(a.Mapping, b.Mapping), rank[a.Made]-rank[b.Made])
}

// writeToday compares what a mapping makes of an event now with what it made then.
func writeToday(b *strings.Builder, digest string, then, now *mapping.Explained) {
	fmt.Fprintf(b, "\nthe mapping %s that runs now (%s) ", words.Plain(now.Mapping), digest)
	lines := fieldDiff(then.Record, now.Record)
	switch {
	case len(now.Errors) > 0:
		fmt.Fprintf(b, "cannot map the event: %s: %s\n", words.Plain(now.Errors[0].Rule), words.Plain(now.Errors[0].Message))
	case now.Skipped:
		b.WriteString("skips the event\n")
	case len(then.Record) == 0:
		fmt.Fprintf(b, "makes this of the event:\n%s\n", indented(string(now.Record)))
	case len(lines) == 0:
		b.WriteString("makes the same of the event\n")
	default:
		b.WriteString("makes something else of the event:\n")
		for _, line := range lines {
			b.WriteString("  " + words.Plain(line) + "\n")
		}
	}
}
