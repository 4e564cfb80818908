package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxControl is the largest body that changes faults, in bytes.
const maxControl = 64 << 10

// Control serves the faults of one or several fakes as JSON: GET answers the
// first's, POST changes in all of them what the body names and answers the first's.
// A body that is wrong changes nothing.
func Control(injectors ...*Injector) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodPost:
			if err := change(w, r, injectors); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		body, err := json.Marshal(injectors[0].Faults())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(append(body, '\n')) // the client is gone: there is nobody to tell
	})
}

func change(w http.ResponseWriter, r *http.Request, injectors []*Injector) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControl))
	if err != nil {
		return fmt.Errorf("read the faults: %w", err)
	}
	// Whether a body can be read does not depend on the faults that it changes.
	var try Faults
	if err := json.Unmarshal(body, &try); err != nil {
		return fmt.Errorf(`faults: %w; an example: {"latency":"200ms","fail":"5%%","lose":0.05,"limit":"20/s","down":false}`, err)
	}
	for _, i := range injectors {
		i.Update(func(f Faults) Faults {
			if json.Unmarshal(body, &f) != nil {
				return i.Faults()
			}
			return f
		})
	}
	return nil
}
