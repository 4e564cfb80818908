package journal

import (
	"encoding/json"
	"net/url"

	"github.com/crosswalk-etl/crosswalk/engine/event"
)

// encodeReplay makes the header's value, "" for an event that repeats none.
func encodeReplay(r *event.Replay) string {
	if r == nil {
		return ""
	}
	text, err := json.Marshal(r)
	if err != nil {
		return "" // it holds texts, numbers and times of years with four digits
	}
	return url.PathEscape(string(text))
}

func decodeReplay(header string) (*event.Replay, error) {
	if header == "" {
		return nil, nil //nolint:nilnil // it repeats none
	}
	text, err := url.PathUnescape(header)
	if err != nil {
		return nil, err
	}
	var r event.Replay
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return nil, err
	}
	return &r, nil
}
