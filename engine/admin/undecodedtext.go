package admin

import (
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// Text says it in words: a line for each thing that there is to say.
func (u Undecoded) Text(now time.Time) []string {
	var out []string
	if u.Waiting > 0 {
		text := words.Count(u.Waiting, "webhook")
		if u.Waiting == 1 {
			text += " waits"
		} else {
			text += " wait"
		}
		text += " undecoded"
		if u.Oldest != nil {
			text += ", the oldest for " + words.Age(*u.Oldest, now)
		}
		if u.Stranded {
			text += ": the configuration has no such connection with a token any more"
		} else {
			text += ": they are decoded when the plugin answers"
		}
		out = append(out, text)
	}
	if u.Refused > 0 {
		text := " were kept as they came"
		if u.Refused == 1 {
			text = " was kept as it came"
		}
		out = append(out, words.Count(u.Refused, "webhook")+text+" and refused when decoded: see `crosswalk undecoded list`")
	}
	return out
}
