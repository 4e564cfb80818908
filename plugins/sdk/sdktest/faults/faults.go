// Package faults makes the fake of a vendor's API fail on purpose: slowly, at
// random, beyond a rate, or altogether. A fake asks an Injector before each request's
// work; tests set its Faults in Go, and Control changes them over HTTP.
package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Faults are what goes wrong on purpose, for a fake's API alone. They act in this
// order: Down, Limit, Latency, Fail, then the request's work, then Lose.
type Faults struct {
	// Latency is how long every request waits before its work begins.
	Latency time.Duration
	// Fail is the chance of an HTTP 500 before anything was done.
	Fail Rate
	// Lose is the chance that the work is done, then the connection is closed without an
	// answer. It strikes reads too.
	Lose Rate
	// Limit is how many requests a second are let in; beyond it they get an HTTP 429 with
	// Retry-After. 0 means no limit.
	Limit Limit
	// Down turns everything away.
	Down Down
}

// Rate is a chance from 0 (never) to 1 (always). Its text and JSON are "5%",
// "0.05" or 0.05.
type Rate float64

// Limit is a number of requests a second; bursts up to it are allowed. Its text
// and JSON are "20/s", "20" or 20.
type Limit float64

// Down is whether and how everything is turned away. Its text and JSON are false,
// true (DownUnavailable) or "drop".
type Down string

// The ways of being down.
const (
	// DownNot is to be up.
	DownNot Down = ""
	// DownUnavailable answers everything by an HTTP 503.
	DownUnavailable Down = "true"
	// DownDrop closes every connection without an answer.
	DownDrop Down = "drop"
)

// UnmarshalText reads "5%" or "0.05".
func (r *Rate) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || math.IsNaN(v) || v < 0 || v > 1 {
		return fmt.Errorf("rate %q is none: write 5%% or 0.05, from 0 to 1", text)
	}
	*r = Rate(v)
	return nil
}

// MarshalText writes "0.05".
func (r Rate) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(r), 'g', -1, 64), nil
}

// UnmarshalText reads "20/s" or "20".
func (l *Limit) UnmarshalText(text []byte) error {
	number, _ := strings.CutSuffix(string(text), "/s")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || v > 1e9 {
		return fmt.Errorf("limit %q is none: write 20/s, or 0 for no limit", text)
	}
	*l = Limit(v)
	return nil
}

// MarshalText writes "20/s", or "0" for no limit.
func (l Limit) MarshalText() ([]byte, error) {
	text := strconv.AppendFloat(nil, float64(l), 'g', -1, 64)
	if l != 0 {
		text = append(text, "/s"...)
	}
	return text, nil
}

// UnmarshalText reads false, true or drop.
func (d *Down) UnmarshalText(text []byte) error {
	switch string(text) {
	case "false":
		*d = DownNot
	case "true":
		*d = DownUnavailable
	case "drop":
		*d = DownDrop
	default:
		return fmt.Errorf("down %q is none of false, true, drop", text)
	}
	return nil
}

// MarshalText writes false, true or drop.
func (d Down) MarshalText() ([]byte, error) {
	if d == DownNot {
		return []byte("false"), nil
	}
	return []byte(d), nil
}

// faultsJSON is the body of _faults; in a change, nil is what stays.
type faultsJSON struct {
	Latency *setting `json:"latency"`
	Fail    *setting `json:"fail"`
	Lose    *setting `json:"lose"`
	Limit   *setting `json:"limit"`
	Down    *setting `json:"down"`
}

// setting is a JSON string, number or boolean, as text.
type setting string

// UnmarshalJSON takes any scalar but null.
func (s *setting) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		switch v.(type) {
		case float64, bool:
			text = string(raw)
		}
	}
	if text == "" {
		return errors.New("a fault is a string, a number or a boolean")
	}
	*s = setting(text)
	return nil
}

// MarshalJSON writes booleans and numbers as such.
func (s setting) MarshalJSON() ([]byte, error) {
	if json.Valid([]byte(s)) {
		return []byte(s), nil
	}
	return json.Marshal(string(s))
}

// MarshalJSON writes {"latency":"0s","fail":0.05,"lose":0,"limit":"20/s","down":false},
// which UnmarshalJSON reads.
func (f Faults) MarshalJSON() ([]byte, error) {
	latency := setting(f.Latency.String())
	out := faultsJSON{Latency: &latency}
	for _, field := range []struct {
		to   **setting
		from interface{ MarshalText() ([]byte, error) }
	}{{&out.Fail, f.Fail}, {&out.Lose, f.Lose}, {&out.Limit, f.Limit}, {&out.Down, f.Down}} {
		text, err := field.from.MarshalText()
		if err != nil {
			return nil, err
		}
		s := setting(text)
		*field.to = &s
	}
	return json.Marshal(out)
}

// UnmarshalJSON changes the faults that the object names and leaves the others as
// they are. It changes nothing if it fails.
func (f *Faults) UnmarshalJSON(raw []byte) error {
	var in faultsJSON
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return err
	}
	next := *f
	if in.Latency != nil {
		v, err := time.ParseDuration(string(*in.Latency))
		if err != nil || v < 0 {
			return fmt.Errorf("latency %q is none: write 200ms or 2s", *in.Latency)
		}
		next.Latency = v
	}
	for _, field := range []struct {
		from *setting
		to   interface{ UnmarshalText([]byte) error }
	}{{in.Fail, &next.Fail}, {in.Lose, &next.Lose}, {in.Limit, &next.Limit}, {in.Down, &next.Down}} {
		if field.from == nil {
			continue
		}
		if err := field.to.UnmarshalText([]byte(*field.from)); err != nil {
			return err
		}
	}
	*f = next
	return nil
}
