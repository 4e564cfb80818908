package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats-server/v2/server"
)

// runNode runs a NATS server with a configuration file, as `nats-server -c FILE`
// does, until ctx ends.
func runNode(ctx context.Context, file string) error {
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	o.NoSigs = true
	s, err := server.NewServer(o)
	if err != nil {
		return fmt.Errorf("make the NATS server: %w", err)
	}
	s.ConfigureLogger()
	go s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return errors.New("the NATS server does not start: see its log")
	}
	fmt.Fprintf(os.Stdout, "listens at %s\n", s.ClientURL())
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// nodeConfig is the configuration of one of the cluster's servers. With sync: always
// an answer means that a majority of servers has the message on disk, and not only
// in memory.
const nodeConfig = `server_name: %[1]s
listen: "127.0.0.1:%[2]d"
http: "127.0.0.1:%[3]d"
max_payload: 9MB
jetstream {
  store_dir: %[4]q
  max_file_store: 8GB
  sync: always
}
cluster {
  name: crosswalk
  listen: "127.0.0.1:%[5]d"
  routes: [%[6]s]
}
authorization {
  user: crosswalk
  password: $NATS_PASSWORD
}
`
