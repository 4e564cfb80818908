package sdk

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestAdapt has a process of its own say on how many processors it runs: one, or as many
// as the environment says.
func TestAdapt(t *testing.T) {
	const asked = "CROSSWALK_TEST_ADAPT"
	if os.Getenv(asked) != "" {
		adapt()
		fmt.Fprintf(os.Stdout, "runs on %d\n", runtime.GOMAXPROCS(0))
		return
	}
	if _, ok := processorTime(); !ok {
		t.Skip("what is used is not known on " + runtime.GOOS)
	}
	for given, want := range map[string]string{"": "runs on 1\n", "3": "runs on 3\n"} {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAdapt$")
		c.Env = append(os.Environ(), asked+"=1", "GOMAXPROCS="+given)
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("GOMAXPROCS=%q: want %q, got %v:\n%s", given, want, err, out)
		}
	}
}

func TestProcessors(t *testing.T) {
	for _, c := range []struct {
		name  string
		loads string // a digit is the load of a second, in tenths of a processor
		want  string // 1: one processor, n: all of them
	}{
		{"idle", "000", "111"},
		{"busy but on one", "777", "111"},
		{"more than one carries", "389", "1nn"},
		{"a lull", "8000000000", "nnnnnnnnnn"},
		{"long calm", "80000000000", "nnnnnnnnnn1"},
		{"calm that is broken", "80000000006000000000", "nnnnnnnnnnnnnnnnnnnn"},
		{"and again", "8000000000008", "nnnnnnnnnn11n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p processors
			var got strings.Builder
			for _, load := range c.loads {
				many := p.next(float64(load-'0') / 10)
				fmt.Fprint(&got, map[bool]string{false: "1", true: "n"}[many])
			}
			if got.String() != c.want {
				t.Errorf("loads %s: got %s, want %s", c.loads, got.String(), c.want)
			}
		})
	}
}

func TestProcessorTimeGrows(t *testing.T) {
	before, ok := processorTime()
	if !ok {
		if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
			t.Fatal("it is not known")
		}
		t.Skip("it is not known on " + runtime.GOOS)
	}
	for sum := 0; ; sum++ { // as long as it takes
		if now, _ := processorTime(); now > before {
			return
		}
	}
}
