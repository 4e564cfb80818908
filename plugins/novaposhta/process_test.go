package main

import (
	"strings"
	"testing"
	"time"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// TestProcess is the whole way through a process of its own, twice: the second
// answers from the first's copies while the vendor is away.
func TestProcess(t *testing.T) {
	api := novaposhtatest.New(novaposhtatest.Options{})
	c := map[string]any{"url": serve(t, api), "api_key": novaposhtatest.DefaultKey, "cache_dir": t.TempDir()}
	for _, f := range []faults.Faults{{}, {Down: faults.DownDrop}} {
		api.SetFaults(f)
		client := sdktest.Process(t)
		s, err := client.Describe(t.Context(), nil)
		if err != nil || s.Name != "novaposhta" || len(s.Lookups) != 2 {
			t.Fatalf("describe: %+v %v", s, err)
		}
		if s.Lookups[0].CacheFor != 30*24*time.Hour || s.Lookups[1].CacheFor != 24*time.Hour {
			t.Errorf("kept for %s and %s", s.Lookups[0].CacheFor, s.Lookups[1].CacheFor)
		}
		if ds, err := client.Configure(t.Context(), "np", toJSON(t, c)); err != nil || len(ds) > 0 {
			t.Fatalf("configure: %v %v", ds, err)
		}
		got := map[uint32]string{}
		ask := func(lookup string, questions ...map[string]any) {
			t.Helper()
			batch := make([]wire.Question, len(questions))
			for i, q := range questions {
				batch[i] = wire.Question{Index: uint32(i), Args: toJSON(t, q)}
			}
			clear(got)
			err := client.Find(t.Context(), lookup, batch, func(a wire.Answer) {
				if got[a.Index] = string(a.Found); a.Failure != nil {
					got[a.Index] = a.Failure.Error()
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		ask(lookupCity, map[string]any{"name": "г. Киев"}, map[string]any{"name": "с. Іванівка (Одеська обл.)"}, map[string]any{"name": "Полтава"})
		if !strings.Contains(got[0], kyivCity) || !strings.HasPrefix(got[1], "AMBIGUOUS ambiguous: ") || !strings.Contains(got[2], `"area":"Полтавська"`) {
			t.Errorf("cities: %v", got)
		}
		ask(lookupBranch, map[string]any{"city": kyivCity, "text": "Отделение №13 (до 30 кг)"})
		if !strings.Contains(got[0], `"number":"13"`) {
			t.Errorf("branch: %v", got)
		}
		if err := client.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestSpec(t *testing.T) {
	if err := spec().Validate(); err != nil {
		t.Error(err)
	}
}
