package editor

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// object is a JSON object whose members keep their order, which is the order that
// an editor shows them in.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, o)
	return b.Bytes(), err
}

// write appends a value as JSON, each part once.
func write(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case object:
		b.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(b, m.name); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := write(b, m.value); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	case []object:
		b.WriteByte('[')
		for i, o := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(b, o); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	default:
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the line end
	}
	return nil
}

// text is a schema as a file, one line for each member of the top two levels.
func (o object) text() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, m := range o {
		inner, ok := m.value.(object)
		if !ok || len(inner) == 0 {
			if err := line(&b, "", m, i == len(o)-1); err != nil {
				return nil, err
			}
			continue
		}
		fmt.Fprintf(&b, "%q: {\n", m.name)
		for j, n := range inner {
			if err := line(&b, " ", n, j == len(inner)-1); err != nil {
				return nil, err
			}
		}
		b.WriteString(end("}", i == len(o)-1))
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

func line(b *bytes.Buffer, indent string, m member, last bool) error {
	one, err := object{m}.MarshalJSON()
	if err != nil {
		return err
	}
	b.WriteString(indent)
	b.Write(one[1 : len(one)-1])
	b.WriteString(end("", last))
	return nil
}

func end(bracket string, last bool) string {
	if last {
		return bracket + "\n"
	}
	return bracket + ",\n"
}
