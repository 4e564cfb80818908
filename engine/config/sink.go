package config

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// Limits bound what goes to a connection that is a sink, and the rate also what
// lookups ask of it.
type Limits struct {
	// Rate is how many records a second may go; key rate, as 50/s, 60/min, 1000/h or
	// off, default off; key burst, how many at once, default one second's worth.
	Rate Rate
	// Concurrency is how many records may be there at once; key concurrency, 1 to
	// 10000, default 256.
	Concurrency int
}

// Retry says how long to wait between the attempts for a record, and to leave a
// sink alone that does not work as a whole.
type Retry struct {
	// Min is the first wait, which doubles each time, and Max the longest; keys min
	// and max, 10ms to 24h, default 1s and 5m.
	Min, Max time.Duration
}

// sinkKeys are the keys limits and retry of a connection as far as they are given.
type sinkKeys struct {
	rate  rateKeys
	retry *yaml.Node
}

func (r *reader) limits(conn *Connection, n *yaml.Node, where string) {
	r.object(n, "limits of "+where,
		field{"rate", r.text(conn.sink.rate.setRate)},
		field{"burst", r.text(conn.sink.rate.setBurst)},
		field{"concurrency", r.text(count(&conn.Limits.Concurrency, 1, 10_000))},
	)
}

func (r *reader) retry(conn *Connection, n *yaml.Node, where string) {
	conn.sink.retry = n
	r.object(n, "retry of "+where,
		field{"min", r.text(duration(&conn.Retry.Min))},
		field{"max", r.text(duration(&conn.Retry.Max))},
	)
}

// finishSink works out what depends on several keys.
func (c *Connection) finishSink(list *diag.List) {
	k := c.sink.rate
	if k.perSecond > 0 {
		c.Limits.Rate = Rate{PerSecond: k.perSecond, Burst: max(1, int(k.perSecond))}
		if k.burst > 0 {
			c.Limits.Rate.Burst = k.burst
		}
	}
	if c.Retry.Min > c.Retry.Max {
		*list = append(*list, c.src.at(c.sink.retry, RuleValue, "the wait grows from min to max",
			"retry of connection `%s`: min (%s) is longer than max (%s)", c.Name, c.Retry.Min, c.Retry.Max))
	}
}
