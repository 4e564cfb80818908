// Package pluginhost finds plugins, starts one supervised process of them for
// each connection, and talks to it.
//
// A plugin is an executable in the plugins directory; its name is its file's.
// Describe starts one for a moment and gives its spec. Open starts the process of
// a connection, hands it the configuration and keeps it running: a process that
// crashes, hangs or is killed is ended together with its process group and
// started again, with backoff. Work that was in flight is then reported as
// possibly done (class UNKNOWN), except for decoding, which is pure and is done
// again.
//
// Processes end with the engine, also when it is killed: standard input is a
// pipe that the engine holds open, and on Linux the kernel kills them as well.
// They get an environment of their own, talk over a UNIX socket in a private
// directory with mutual TLS, and what they print becomes lines of the engine's
// log, in which a connection's secrets are blotted out.
package pluginhost
