package config

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/diag"
)

// The functions here make setters: they read a text into a value, or say what is
// wrong with the text without repeating it, for it may be a resolved reference.

func nonEmpty(set func(string)) func(string) *problem {
	return func(s string) *problem {
		if strings.TrimSpace(s) == "" {
			return &problem{"the text is empty", "give it a value or remove the key"}
		}
		set(s)
		return nil
	}
}

func oneOf(into *string, words ...string) func(string) *problem {
	return func(s string) *problem {
		if !slices.Contains(words, s) {
			hint := diag.DidYouMean(s, words)
			return &problem{"want one of " + strings.Join(words, ", "), hint}
		}
		*into = s
		return nil
	}
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"KB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

func size(into *int64, least, most int64) func(string) *problem {
	return func(s string) *problem {
		number, unit := strings.TrimSpace(s), int64(1)
		for _, u := range sizeUnits {
			if n, ok := strings.CutSuffix(number, u.name); ok {
				number, unit = strings.TrimSpace(n), u.bytes
				break
			}
		}
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil || n < 0:
			return &problem{"this is no size in bytes", "write a whole number and B, KiB, MiB, GiB or TiB: 512KiB"}
		case n > math.MaxInt64/unit || n*unit > most:
			return &problem{fmt.Sprintf("the size is larger than %s", sizeText(most)), ""}
		case n*unit < least:
			return &problem{fmt.Sprintf("the size is smaller than %s", sizeText(least)), ""}
		}
		*into = n * unit
		return nil
	}
}

func sizeText(n int64) string {
	for _, u := range slices.Backward(sizeUnits[:4]) {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

func count(into *int, least, most int) func(string) *problem {
	return func(s string) *problem {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return &problem{fmt.Sprintf("want a whole number from %d to %d", least, most), ""}
		}
		*into = n
		return nil
	}
}

const (
	leastDuration = 10 * time.Millisecond
	mostDuration  = 24 * time.Hour
)

func duration(into *time.Duration) func(string) *problem {
	return func(s string) *problem {
		d, err := time.ParseDuration(s)
		switch {
		case err != nil:
			return &problem{"this is no duration", "write a number and ms, s, m or h: 30s"}
		case d < leastDuration || d > mostDuration:
			return &problem{fmt.Sprintf("want a duration from %s to %s", leastDuration, mostDuration), ""}
		}
		*into = d
		return nil
	}
}

// address reads host:port.
func address(into *string) func(string) *problem {
	return func(s string) *problem {
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			return &problem{"this is no address", "write host:port, as 127.0.0.1:8080 or [::1]:8080"}
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
			return &problem{"the port is not a number from 0 to 65535", ""}
		}
		if strings.ContainsAny(host, " \t/@") {
			return &problem{"the host is neither a name nor an IP address", "write host:port, as 127.0.0.1:8080"}
		}
		*into = s
		return nil
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// rateKeys are the keys rate and burst as far as they are given.
type rateKeys struct {
	perSecond float64
	given     bool
	burst     int
}

// setRate reads 100/s, 60/min, 1000/h or off.
func (k *rateKeys) setRate(s string) *problem {
	if s == "off" {
		*k = rateKeys{given: true, burst: k.burst}
		return nil
	}
	bad := &problem{"this is no rate", "write a number and /s, /min or /h, as 100/s, or off"}
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
	if err != nil || n == 0 {
		return bad
	}
	seconds := map[string]float64{"s": 1, "min": 60, "h": 3600}[strings.TrimSpace(unit)]
	if seconds == 0 {
		return bad
	}
	k.perSecond, k.given = float64(n)/seconds, true
	return nil
}

func (k *rateKeys) setBurst(s string) *problem { return count(&k.burst, 1, 1_000_000)(s) }

// rate is the rate of the keys, taking from fallback what they do not say.
func (k *rateKeys) rate(fallback Rate) Rate {
	r := fallback
	if k.given {
		r = Rate{PerSecond: k.perSecond, Burst: min(max(10, int(2*k.perSecond)), 1_000_000)}
	}
	if k.burst > 0 {
		r.Burst = k.burst
	}
	if r.PerSecond == 0 {
		r.Burst = 0
	}
	return r
}
