// Command crosswalk runs, checks and tries mappings; see engine/cli.
package main

import (
	"os"

	"github.com/crosswalk-etl/crosswalk/engine/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(cli.Main(version, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
