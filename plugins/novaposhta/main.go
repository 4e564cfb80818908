// Command novaposhta is the connector for Nova Poshta's directories: the lookups
// city and branch, which turn what a shop writes ("с. Іванівка (Одеська обл.)",
// "Отделение №13 (до 30 кг)") into the refs that other systems want.
//
// The API is one address that takes POSTs of {apiKey, modelName, calledMethod,
// methodProperties} and answers {success, data, errors, warnings, info}
// (https://developers.novaposhta.ua).
package main

import "github.com/crosswalk-etl/crosswalk/plugins/sdk"

func main() { sdk.Serve(spec()) }
