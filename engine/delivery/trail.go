package delivery

import (
	"time"

	"github.com/crosswalk-etl/crosswalk/engine/event"
	"github.com/crosswalk-etl/crosswalk/engine/words"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// Bounds of an outcome's trail: attempts, and bytes of a failure's message.
const (
	maxTries      = 8
	maxTryMessage = 512
)

// tried notes a failed attempt; the last ones are kept.
func (a *attempt) tried(f *wire.Failure, at time.Time) {
	if len(a.tries) == maxTries {
		a.tries = append(a.tries[:0], a.tries[1:]...)
	}
	message := words.Bounded(f.Message, maxTryMessage)
	if len(message) < len(f.Message) {
		message += "…"
	}
	a.tries = append(a.tries, event.Try{At: at.UTC(), Class: f.Class.String(), Code: f.Code, Message: message})
}

// trail is what was sent last for the mapping at hand, and how it went. What a mapping
// makes is JSON: it is not looked at once more.
func (a *attempt) trail(sent []byte) event.Trail {
	return event.Trail{Sent: sent, Tries: a.tries}
}
