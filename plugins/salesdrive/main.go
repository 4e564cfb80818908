// The salesdrive connector takes the webhooks of SalesDrive accounts.
package main

import "github.com/crosswalk-etl/crosswalk/plugins/sdk"

func main() { sdk.Serve(spec()) }
