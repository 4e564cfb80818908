// Package journal is the durable log of what was accepted, what became of it and
// what was given up. It runs a NATS JetStream server inside the process (no
// listener, an in-process connection, fsync on every write) over a data directory
// that it holds an operating system lock on.
//
// Three streams, each bounded in bytes and refusing rather than dropping when full:
//
//	EVENTS    events.<connection>.<partition>     one message an accepted event
//	OUTCOMES  outcomes.<source>.<sink>            one message an event and mapping
//	          duplicates.<source>                 one message a repeated event
//	DEAD      dead.<source>.<sink>                an event with the reason it was given up
//
// Requests that their connection's plugin could not decode when they came wait in a
// stream of their own, as they came:
//
//	REQUESTS  requests.<connection>               a request that waits
//	          refused.<connection>                one that was refused when it was decoded
//
// [Journal.Accept] answers after the event is on disk. A [Lane] reads the events
// of one source connection for one sink connection in sequence; [Lane.Commit]
// stores outcomes on disk and only then acknowledges. After a crash the lane
// starts again at its acknowledged floor and tells, for every event it hands out
// again, that it was possibly sent, and which mappings have their outcome already.
package journal
