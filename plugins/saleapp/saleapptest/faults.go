package saleapptest

import "github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"

// What goes wrong on purpose, and what became of requests; package faults tells.
type (
	// Faults are what goes wrong on purpose, for the API alone.
	Faults = faults.Faults
	// Rate is a chance from 0 to 1.
	Rate = faults.Rate
	// Limit is a number of requests a second.
	Limit = faults.Limit
	// Down is whether and how everything is turned away.
	Down = faults.Down
	// Counts is what has happened to the API's requests.
	Counts = faults.Counts
)

// The ways of being down.
const (
	DownNot         = faults.DownNot
	DownUnavailable = faults.DownUnavailable
	DownDrop        = faults.DownDrop
)
