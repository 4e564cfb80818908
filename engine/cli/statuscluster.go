package cli

import (
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/engine/admin"
	"github.com/crosswalk-etl/crosswalk/engine/words"
)

// aboutCluster is a cluster's engines, "" where there is none.
func aboutCluster(s *admin.Status) string {
	if len(s.Engines) == 0 {
		return ""
	}
	rows := []string{row("ENGINE", "PARTITIONS", "REFUSED BY")}
	for _, e := range s.Engines {
		name, refused := e.Name, []string{}
		if e.Self {
			name += " (this)"
		}
		for _, r := range e.Refused {
			refused = append(refused, fmt.Sprintf("%s since %s: %s", r.Connection, words.Clock(r.Since), words.Cut(r.Message, 60)))
		}
		rows = append(rows, row(name, e.Partitions, strings.Join(refused, "; ")))
	}
	return columns(rows)
}
