// Command saleapp is the connector for SaleApp: a sink that creates, updates and
// deletes orders, and a lookup that finds them.
//
// The API is described by the vendor's document "Замовлення" (Orders): one
// address, POST in multipart/form-data, the verb in the form field method_type,
// a key of an organization or of one of its counterparties in the query.
package main

import "github.com/crosswalk-etl/crosswalk/plugins/sdk"

func main() { sdk.Serve(spec()) }
