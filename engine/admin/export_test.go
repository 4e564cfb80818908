package admin

import (
	"maps"
	"slices"
)

// Paths are the paths that are answered.
func Paths() []string { return slices.Sorted(maps.Keys((&api{}).routes())) }
