// The horoshop connector takes the webhooks of Horoshop shops.
package main

import "github.com/crosswalk-etl/crosswalk/plugins/sdk"

func main() { sdk.Serve(spec()) }
