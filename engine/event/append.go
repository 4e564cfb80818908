package event

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends o to dst as json.Marshal writes it, byte for byte, at a fraction
// of its cost: each event that is delivered has its outcome written. The errors are
// those of json.Marshal: an Answer or a Sent that is no JSON, a time that RFC 3339
// cannot write.
func (o *Outcome) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"sequence":`...)
	dst = strconv.AppendUint(dst, o.Sequence, 10)
	dst = appendOptional(dst, `,"event_id":`, o.EventID)
	dst = appendString(append(dst, `,"event":`...), o.Type)
	dst = appendString(append(dst, `,"key":`...), o.Key)
	dst = appendString(append(dst, `,"lane":{"source":`...), o.Lane.Source)
	dst = appendString(append(dst, `,"sink":`...), o.Lane.Sink)
	dst = append(dst, '}')
	dst = appendOptional(dst, `,"mapping":`, o.Mapping)
	dst = appendOptional(dst, `,"mapping_sha256":`, o.MappingSHA256)
	dst = appendString(append(dst, `,"outcome":`...), string(o.Kind))
	dst = appendOptional(dst, `,"operation":`, o.Operation)
	if o.Attempts != 0 {
		dst = strconv.AppendInt(append(dst, `,"attempts":`...), int64(o.Attempts), 10)
	}
	dst = appendOptional(dst, `,"action":`, o.Action)
	var err error
	if dst, err = appendRaw(dst, `,"answer":`, o.Answer); err != nil {
		return nil, fmt.Errorf("the sink's answer: %w", err)
	}
	if o.Reason != nil { // seldom
		if dst, err = appendOther(dst, `,"reason":`, o.Reason); err != nil {
			return nil, err
		}
	}
	if dst, err = appendRaw(dst, `,"sent":`, o.Sent); err != nil {
		return nil, fmt.Errorf("the record that was sent: %w", err)
	}
	if len(o.Tries) > 0 { // seldom
		if dst, err = appendOther(dst, `,"tries":`, o.Tries); err != nil {
			return nil, err
		}
	}
	if !o.ReceivedAt.IsZero() {
		if dst, err = appendTime(dst, `,"received_at":`, o.ReceivedAt); err != nil {
			return nil, err
		}
	}
	if dst, err = appendTime(dst, `,"at":`, o.At); err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

func appendOptional(dst []byte, name, s string) []byte {
	if s == "" {
		return dst
	}
	return appendString(append(dst, name...), s)
}

func appendRaw(dst []byte, name string, raw json.RawMessage) ([]byte, error) {
	if len(raw) == 0 {
		return dst, nil
	}
	dst = append(dst, name...)
	if out, ok := appendCompact(dst, raw); ok {
		return out, nil
	}
	// It is no JSON, or is nested deeper than appendCompact goes.
	return appendOther(dst, "", raw)
}

func appendOther(dst []byte, name string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(append(dst, name...), text...), err
}

func appendTime(dst []byte, name string, t time.Time) ([]byte, error) {
	dst = append(append(dst, name...), '"')
	dst, err := t.AppendText(dst)
	return append(dst, '"'), err
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string, with what HTML could take amiss escaped.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if class[c] == plain && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\b':
				dst = append(dst, `\b`...)
			case '\f':
				dst = append(dst, `\f`...)
			case '\n':
				dst = append(dst, `\n`...)
			case '\r':
				dst = append(dst, `\r`...)
			case '\t':
				dst = append(dst, `\t`...)
			default:
				dst = append(dst, `\u00`...)
				dst = append(dst, hex[c>>4], hex[c&0xf])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[start:i]...), `\ufffd`...)
			start = i + n
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[start:i]...), `\u202`...)
			dst = append(dst, hex[r&0xf])
			start = i + n
		}
		i += n
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
