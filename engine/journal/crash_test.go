package journal_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/journal"
)

// Variables that make the test binary run as the engine that is killed.
const (
	envDir   = "JOURNAL_TEST_DIR"
	envRound = "JOURNAL_TEST_ROUND"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		round, err := strconv.Atoi(os.Getenv(envRound))
		if err == nil {
			err = victim(context.Background(), dir, round)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var mappings = []string{"copy", "order"}

// victim accepts and delivers until it is killed, and writes a line, unbuffered,
// after each step that somebody outside could have seen:
//
//	accepted <key> <id> <sequence> <duplicate>
//	sent <sequence> <mapping> <key> <possibly sent>
//	committed <sequence>
func victim(ctx context.Context, dir string, round int) error {
	j, err := journal.Open(ctx, journal.Options{Dir: dir, MinFreeDisk: 1})
	if err != nil {
		return err
	}
	l, err := j.OpenLane(ctx, lane, journal.LaneOptions{FromStart: true})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(os.Stdout, format+"\n", args...)
	}
	failed := make(chan error, 1)
	fail := func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	for g := range 24 {
		go func() {
			for i := 0; ; i++ {
				// Each key is one goroutine's in turn; each tenth event is one of the
				// round before, which may or may not have been accepted.
				key, id := fmt.Sprintf("k%d", g), fmt.Sprintf("%d-%d-%d", round, g, i)
				if i%10 == 9 {
					id = fmt.Sprintf("%d-%d-%d", round-1, g, i/10)
				}
				r, err := j.Accept(ctx, order(key, id, fmt.Sprintf(`{"id":%q,"pad":"%0200d"}`, id, i)))
				var un *journal.UnavailableError
				if errors.As(err, &un) {
					continue // a slow machine
				}
				if err != nil {
					fail(err)
					return
				}
				say("accepted %s %s %d %t", key, id, r.Sequence, r.Duplicate)
			}
		}()
	}
	go func() {
		for {
			ds, err := l.Next(ctx, 64)
			if err != nil {
				fail(err)
				return
			}
			var outcomes []event.Outcome
			var done []uint64
			for _, d := range ds {
				for _, m := range mappings {
					if d.Done[m] != "" {
						continue
					}
					say("sent %d %s %s %t", d.Event.Sequence, m, d.Event.Key, d.PossiblySent)
					outcomes = append(outcomes, outcome(d.Event, m, event.Delivered))
				}
				done = append(done, d.Event.Sequence)
			}
			if err := l.Commit(ctx, outcomes, nil, done); err != nil {
				fail(err)
				return
			}
			for _, seq := range done {
				say("committed %d", seq)
			}
		}
	}()
	return <-failed
}

// seen is what was visible from outside over all rounds.
type seen struct {
	accepted  map[string]uint64 // id -> sequence
	keys      map[uint64]string
	committed map[uint64]bool
	sent      map[string]int    // sequence and mapping -> how often
	lastSent  map[string]uint64 // key and mapping -> sequence, within a round
	again     int
}

func (s *seen) line(t *testing.T, line string) {
	t.Helper()
	var key, id, mapping string
	var seq uint64
	var flag bool
	word, _, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "accepted":
		_, err = fmt.Sscanf(line, "accepted %s %s %d %t", &key, &id, &seq, &flag)
		if was, known := s.accepted[id]; known && (was != seq || !flag) {
			t.Errorf("%s was %d and is accepted again as %d, duplicate %t", id, was, seq, flag)
		}
		s.accepted[id], s.keys[seq] = seq, key
	case "sent":
		_, err = fmt.Sscanf(line, "sent %d %s %s %t", &seq, &mapping, &key, &flag)
		what := fmt.Sprint(seq, mapping)
		if s.sent[what]++; s.sent[what] > 1 {
			s.again++
			if !flag {
				t.Errorf("event %d is sent again and not said to be possibly sent", seq)
			}
		}
		if s.committed[seq] {
			t.Errorf("event %d is sent after its outcomes were committed", seq)
		}
		if last := s.lastSent[key+mapping]; last >= seq {
			t.Errorf("event %d of key %s is sent after %d", seq, key, last)
		}
		s.lastSent[key+mapping] = seq
	case "committed":
		_, err = fmt.Sscanf(line, "committed %d", &seq)
		s.committed[seq] = true
	default:
		err = fmt.Errorf("not a line of the victim")
	}
	if err != nil {
		t.Fatalf("line %q: %v", line, err)
	}
}

// D1, D2 and D3 of the journal: killed at random moments, no accepted event is
// missing, each has exactly one outcome under each mapping, and each key is in order.
func TestKilled(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	dir := filepath.Join(t.TempDir(), "data")
	s := &seen{accepted: map[string]uint64{}, keys: map[uint64]string{}, committed: map[uint64]bool{}, sent: map[string]int{}}
	for round := range rounds {
		s.lastSent = map[string]uint64{}
		runAndKill(t, s, dir, round)
	}

	j := open(t, journal.Options{Dir: dir})
	l := openLane(t, j, journal.LaneOptions{FromStart: true})
	for id, seq := range s.accepted {
		e, err := j.Event(t.Context(), seq)
		if err != nil || e.ID != id || e.Key != s.keys[seq] {
			t.Fatalf("accepted event %d is %q of key %q, want %q of %q: %v", seq, e.ID, e.Key, id, s.keys[seq], err)
		}
	}
	drain(t, l)
	count := map[string]int{}
	last := uint64(1)
	for {
		os, err := j.Outcomes(t.Context(), last, 5000)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range os {
			if o.Kind != event.Duplicate {
				count[fmt.Sprint(o.Sequence, o.Mapping)]++
			}
		}
		if last += uint64(len(os)); len(os) == 0 {
			break
		}
	}
	st, err := j.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for seq := range st.Accepted {
		for _, m := range mappings {
			if n := count[fmt.Sprint(seq+1, m)]; n != 1 {
				t.Errorf("event %d has %d outcomes under %s, want 1", seq+1, n, m)
			}
		}
	}
	t.Logf("%d kills, %d events, %d of them answered, %d duplicates, %d committed, %d sent again",
		rounds, st.Accepted, len(s.accepted), st.Duplicates, len(s.committed), s.again)
}

func runAndKill(t *testing.T, s *seen, dir string, round int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), envDir+"="+dir, envRound+"="+strconv.Itoa(round))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if !running {
			running = true
			time.AfterFunc(time.Duration(20+rand.IntN(500))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		s.line(t, lines.Text())
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() >= 0 {
		t.Fatalf("the victim ended by itself: %v\n%s", err, stderr.String())
	}
}

// drain gives every event that is left its outcomes.
func drain(t *testing.T, l *journal.Lane) {
	t.Helper()
	for {
		n, err := l.Pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		ds, err := l.Next(ctx, 500)
		cancel()
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		var outcomes []event.Outcome
		var done []uint64
		for _, d := range ds {
			for _, m := range mappings {
				if d.Done[m] == "" {
					outcomes = append(outcomes, outcome(d.Event, m, event.Delivered))
				}
			}
			done = append(done, d.Event.Sequence)
		}
		if err := l.Commit(t.Context(), outcomes, nil, done); err != nil {
			t.Fatal(err)
		}
	}
}
