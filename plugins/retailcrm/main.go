// The retailcrm connector takes the requests that triggers of RetailCRM send.
package main

import "github.com/crosswalk-etl/crosswalk/plugins/sdk"

func main() { sdk.Serve(spec()) }
