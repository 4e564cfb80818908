package journal

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	type act struct {
		batch bool
		n     int
		took  time.Duration
	}
	for _, c := range []struct {
		name   string
		from   int
		acts   []act
		least  int
		gather time.Duration
	}{
		{"at first", stagedFrom, nil, quickFrom, 0},
		{"quick single ones", stagedFrom, []act{{false, 4, 3 * ms}}, quickFrom, 0},
		{"slow single ones", stagedFrom, []act{{false, 2, 30 * ms}}, stagedFrom, 0},
		{"slow, and quick again", stagedFrom, []act{{false, 2, 30 * ms}, {false, 1, ms}}, quickFrom, 0},
		{"slow, and batches since", stagedFrom, []act{{false, 2, 30 * ms}, {true, 4, 12 * ms}}, stagedFrom, 0},
		{"a small batch", stagedFrom, []act{{true, 7, 2 * ms}}, quickFrom, 0},
		{"a batch", stagedFrom, []act{{true, 8, 2 * ms}}, quickFrom, 2 * ms},
		{"a long batch", stagedFrom, []act{{true, 300, 80 * ms}}, quickFrom, maxGather},
		{"a batch, and few after it", stagedFrom, []act{{true, 20, 3 * ms}, {false, 3, ms}}, quickFrom, 0},
		{"staged on disk", batchFrom, []act{{false, 4, 3 * ms}}, batchFrom, 0},
		{"staged on a slow disk", batchFrom, []act{{false, 4, 90 * ms}}, batchFrom, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pace{from: c.from}
			for _, a := range c.acts {
				if a.batch {
					p.batch(a.n, a.took)
				} else {
					p.single(a.n, a.took)
				}
			}
			if p.least() != c.least || p.gather != c.gather {
				t.Errorf("a batch from %d and %s of gathering, want %d and %s", p.least(), p.gather, c.least, c.gather)
			}
		})
	}
}
