package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of a process's times in /proc: 1/100 s on Linux (USER_HZ).
const tick = 10 * time.Millisecond

// used is what a process has cost so far.
type used struct {
	processor time.Duration
	// memory is what is resident, in bytes, own that without pages of files (the
	// program's own, above all), and peak the most that was ever resident.
	memory, own, peak int64
}

// usage reads what a process has cost (proc_pid_stat(5), proc_pid_status(5)).
func usage(pid int) (used, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return used{}, fmt.Errorf("processor time and memory are read from Linux's /proc: %w", err)
	}
	// The second field, the name, is in parentheses and may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return used{}, fmt.Errorf("/proc/%d/stat has too few fields", pid)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return used{}, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return used{}, err
	}
	u := used{processor: time.Duration(user+system) * tick}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return used{}, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		to := map[string]*int64{"VmRSS": &u.memory, "RssAnon": &u.own, "VmHWM": &u.peak}[name]
		if to == nil {
			continue
		}
		kb, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
		if err != nil {
			return used{}, err
		}
		*to = kb << 10
	}
	return u, nil
}
