// Package journal is the durable log of what was accepted, what became of it and
// what was given up. By default it runs a NATS JetStream server inside the process (no
// listener, an in-process connection, fsync on every write) over a data directory
// that it holds an operating system lock on; with [Options.Cluster] it uses an
// existing cluster, which several engines may share.
//
// What is kept lies in streams, each bounded in bytes. All but MARKS and MAPPINGS
// refuse rather than drop when they are full:
//
//	EVENTS    events.<connection>.<partition>     one message an accepted event
//	OUTCOMES  outcomes.<source>.<sink>            one message an event and mapping
//	          duplicates.<source>                 one message a repeated event
//	          fences.<source>.<sink>.<partition>  who reads a partition, on a cluster
//	DEAD      dead.<source>.<sink>                an event with the reason it was given up
//	ACTS      acts.<source>                       what people did with events, letters and mappings
//	REQUESTS  requests.<connection>               a request as it came, which its plugin could not decode yet
//	          refused.<connection>                one that was refused when it was decoded
//	LIVES     lives.<source>.<sink>.<mapping>     from where on a mapping counts, and where it stands
//	MAPPINGS  mappings.<digest>                   a mapping's text
//	STOPS     stops.<connection>                  whether a person has stopped what goes to it
//	MARKS     marks.<source>.<sink>               what may have been sent that must not be repeated
//
// The engines of a cluster agree on who reads what in the key-value bucket CROSSWALK.
//
// [Journal.Accept] answers after the event is on disk. A [Lane] reads the events
// of one source connection for one sink connection in sequence; [Lane.Commit]
// stores outcomes on disk and only then acknowledges. After a crash the lane
// starts again at its acknowledged floor and tells, for every event it hands out
// again, that it was possibly sent, and which mappings have their outcome already.
package journal
