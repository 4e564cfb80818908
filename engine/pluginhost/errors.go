package pluginhost

import (
	"errors"
	"fmt"
	"strings"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// ErrClosed is given by calls to a host or a connection that was closed.
var ErrClosed = errors.New("closed")

// NotFoundError says that no plugin of a name is in the plugins directory.
type NotFoundError struct {
	// Plugin is the name that was asked for.
	Plugin string
	// Dir is the plugins directory.
	Dir string
	// Known are the plugins that are there.
	Known []string
}

// Error says what was looked for, where, and what is there.
func (e *NotFoundError) Error() string {
	known := "there is no plugin in it"
	switch len(e.Known) {
	case 0:
	case 1:
		known = "there is " + e.Known[0]
	default:
		known = "there are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("plugin %s: no executable of this name in %s; %s", e.Plugin, e.Dir, known)
}

// LaunchError says that a plugin's process could not be started or did not get
// as far as taking work.
type LaunchError struct {
	// Plugin is the plugin's name.
	Plugin string
	// Err is what went wrong; a *VersionError where engine and plugin speak
	// different versions of the protocol.
	Err error
	// Stderr is the end of what the process wrote to standard error, at most 2 KiB.
	Stderr string
}

// Error says what went wrong and what the plugin said last.
func (e *LaunchError) Error() string {
	msg := fmt.Sprintf("launch plugin %s: %v", e.Plugin, e.Err)
	if e.Stderr != "" {
		msg += "; it said: " + e.Stderr
	}
	return msg
}

// Unwrap gives what went wrong.
func (e *LaunchError) Unwrap() error { return e.Err }

// VersionError says that a plugin speaks another version of the protocol than
// this engine.
type VersionError struct {
	// Plugin and Engine are the versions that each speaks.
	Plugin, Engine int
}

// Error says what to do.
func (e *VersionError) Error() string {
	if e.Plugin > e.Engine {
		return fmt.Sprintf("it speaks version %d of the plugin protocol and this engine version %d: install a newer engine, or an older release of the plugin", e.Plugin, e.Engine)
	}
	return fmt.Sprintf("it speaks version %d of the plugin protocol and this engine version %d: install a newer release of the plugin, or build it again with this engine's plugins/sdk", e.Plugin, e.Engine)
}

// ConfigError says that a plugin refuses a connection's configuration.
type ConfigError struct {
	// Connection is the connection's name; "" where only a spec was asked for.
	Connection string
	// Plugin is the plugin's name.
	Plugin string
	// Diagnostics are what is wrong, without secrets; at least one is an error.
	Diagnostics []wire.Diagnostic
}

// Error gives every error's path and message.
func (e *ConfigError) Error() string {
	var parts []string
	for _, d := range e.Diagnostics {
		if !d.Warning {
			parts = append(parts, strings.TrimPrefix(d.Path+": "+d.Message, ": "))
		}
	}
	what := "plugin " + e.Plugin
	if e.Connection != "" {
		what = "connection " + e.Connection + ": " + what
	}
	return what + " refuses the configuration: " + strings.Join(parts, "; ")
}

// CrashError says that a plugin's process ended each time it was given one and
// the same request to decode, the last times alone.
type CrashError struct {
	// Connection and Plugin are the names of both.
	Connection, Plugin string
	// Times is how often.
	Times int
}

// Error says what happened.
func (e *CrashError) Error() string {
	return fmt.Sprintf("connection %s: the process of plugin %s ended %d times while it decoded this request", e.Connection, e.Plugin, e.Times)
}
