package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Each call of a connector has the trace of what it is for, and its log the trace's id.
func TestTraceparent(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	const parent = "00-" + id + "-00f067aa0ba902b7-01"
	var out bytes.Buffer
	log := newLogger(&out, slog.LevelDebug)
	heard := map[string]string{}
	a := &acme{
		decode: func(ctx context.Context, _ *Request) (Decoded, error) {
			heard["decode"] = Traceparent(ctx)
			return Decoded{}, nil
		},
		write: func(ctx context.Context, r Record) (Written, error) {
			heard[r.Key] = Traceparent(ctx)
			log.With("key", r.Key).InfoContext(ctx, "written")
			return Written{}, nil
		},
		find: func(ctx context.Context, _ Question) (json.RawMessage, error) {
			heard["find"] = Traceparent(ctx)
			return json.RawMessage(`{}`), nil
		},
	}
	h, _ := configured(t, a.spec())
	h.Decode(t.Context(), wire.Request{Traceparent: parent})
	for _, r := range []wire.Record{{Key: "traced", Traceparent: parent}, {Key: "not traced"}, {Key: "malformed", Traceparent: "x\r\ny: z"}} {
		if err := h.Write(t.Context(), "save", []wire.Record{r}, func(wire.WriteResult) {}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Find(t.Context(), "city", []wire.Question{{Args: json.RawMessage(`{}`), Traceparent: parent}}, func(wire.Answer) {}); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{"decode": parent, "traced": parent, "find": parent, "not traced": "", "malformed": ""} {
		if got, called := heard[what]; got != want || !called {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"trace_id":"`+id+`"`) || strings.Contains(lines[1]+lines[2], "trace_id") {
		t.Errorf("the log is\n%s", out.String())
	}
}
