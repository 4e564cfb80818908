package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Retention says how long events are kept that are delivered; key retention.
type Retention struct {
	// Age is the time; key age, in days as 14d or hours as 96h, 4 to 60 days,
	// default 14d.
	Age time.Duration
	// Bytes is from how much on the oldest go sooner; key bytes, from 16MiB, by
	// default nine tenths of storage.max_events.
	Bytes int64
}

const (
	day          = 24 * time.Hour
	leastAge     = 4 * day
	mostAge      = 60 * day
	standardDays = 14
)

func (r *reader) retention(c *Config, n *yaml.Node) {
	r.object(n, "retention",
		field{"age", r.text(func(s string) *problem {
			d, err := time.ParseDuration(s)
			if days, ok := strings.CutSuffix(s, "d"); ok {
				var n uint64
				if n, err = strconv.ParseUint(days, 10, 16); err == nil {
					d = time.Duration(n) * day
				}
			}
			switch {
			case err != nil:
				return &problem{"this is no age", "write days as 14d, or hours as 96h"}
			case d < leastAge || d > mostAge:
				return &problem{fmt.Sprintf("want an age from %dd to %dd", leastAge/day, mostAge/day), ""}
			}
			c.Retention.Age = d
			return nil
		})},
		field{"bytes", r.text(size(&c.Retention.Bytes, 16<<20, 1<<50))},
	)
}
