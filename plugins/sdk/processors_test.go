package sdk

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

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
