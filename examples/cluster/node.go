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
