package pluginhost_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/engine/pluginhost"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

func TestPluginLinesReachTheLog(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	c := open(t, h, "shop", map[string]any{"key": "top\"secret", "tone": "loud"})
	for _, want := range [][]string{
		{"level=WARN", "msg=opened", "connection=my-shop", "plugin=shop", "key_was=[secret]", "orders=12345678901234567"},
		{"level=INFO", `msg="plain words with [secret]"`, "connection=my-shop"},
		{"level=INFO", `msg="printed to stdout"`, "stream=stdout"},
	} {
		eventually(t, "the log has "+strings.Join(want, " "), func() bool {
			return slices.ContainsFunc(book.lines(want[1]), func(line string) bool {
				return !slices.ContainsFunc(want, func(part string) bool { return !strings.Contains(line, part) })
			})
		})
	}

	// A line of 200 KB without an end, to both of stdout's kinds and to stderr.
	long := strings.Repeat("z", 200<<10)
	for _, do := range []string{"print ", "stderr "} {
		if r := write(t, t.Context(), c, deeds(t, do+long))[0]; r.Failure != nil {
			t.Fatal(r.Failure)
		}
		if r := write(t, t.Context(), c, deeds(t, do+"\n"+do+"\n"))[0]; r.Failure != nil {
			t.Fatal(r.Failure)
		}
	}
	eventually(t, "both long lines are in the log", func() bool { return len(book.lines("zzz")) == 2 })
	for _, l := range book.lines("zzz") {
		if len(l) > 9<<10 || !strings.Contains(l, "bytes_left_out=196608") {
			t.Errorf("a line of %d bytes: ...%s", len(l), l[max(0, len(l)-200):])
		}
	}
	if r := write(t, t.Context(), c, deeds(t, "log after it all"))[0]; r.Failure != nil {
		t.Fatal(r.Failure)
	}
	eventually(t, "later lines come", func() bool { return len(book.lines("after it all")) == 1 })
	if strings.Contains(book.String(), "secret\"") || strings.Contains(book.String(), `top\"secret`) || strings.Contains(book.String(), `top\\\"secret`) {
		t.Error("the secret is in the log")
	}
}

func TestNoiseAroundTheHandshake(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	c := open(t, h, "chatty", nil)
	if len(book.lines("welcome to chatty")) != 1 || len(book.lines("msg=1|2|3")) != 1 {
		t.Error("what was printed before the handshake is not in the log")
	}
	for range 20 {
		if r := write(t, t.Context(), c, deeds(t, "print "+strings.Repeat("q", 100<<10)))[0]; r.Failure != nil {
			t.Fatal(r.Failure)
		}
	}
	if s := c.State(); s.Restarts != 0 {
		t.Errorf("state %+v", s)
	}
}

func TestAFloodOfLinesIsBounded(t *testing.T) {
	h, book := newHost(t, pluginhost.Options{})
	c := open(t, h, "flood", nil)
	for range 100 {
		if r := write(t, t.Context(), c, deeds(t, "a"))[0]; r.Failure != nil {
			t.Fatal(r.Failure)
		}
	}
	eventually(t, "dropped lines are told of", func() bool { return len(book.lines("lines were dropped")) > 0 })
	if s := c.State(); s.Restarts != 0 {
		t.Errorf("state %+v", s)
	}
}

func TestPluginsSeeLittleOfTheEnvironment(t *testing.T) {
	t.Setenv("CROSSWALK_TEST_SECRET", "do-not-tell")
	t.Setenv("CROSSWALK_TEST_WANTED", "tell")
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	h, _ := newHost(t, pluginhost.Options{Env: []string{"CROSSWALK_TEST_WANTED", "CROSSWALK_TEST_SET=here", "CROSSWALK_TEST_ABSENT"}})
	c := open(t, h, "shop", nil)
	r := write(t, t.Context(), c, deeds(t, "env"))[0]
	var text string
	if err := json.Unmarshal(r.Answer, &text); err != nil {
		t.Fatal(err)
	}
	env := strings.Split(text, "\n")
	for _, want := range []string{"CROSSWALK_TEST_WANTED=tell", "CROSSWALK_TEST_SET=here", "HTTPS_PROXY=http://proxy.example:3128", wire.CookieKey + "=" + wire.CookieValue} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not in the plugin's environment", want)
		}
	}
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "PATH=") }) {
		t.Error("PATH is not in the plugin's environment")
	}
	if strings.Contains(text, "do-not-tell") || strings.Contains(text, "CROSSWALK_TEST_ABSENT") {
		t.Errorf("the plugin's environment has what it should not:\n%s", text)
	}
}
