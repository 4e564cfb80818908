// Package novaposhtatest is a fake of Nova Poshta's directories, for tests and for
// trying things out: an http.Handler with some two hundred settlements and four
// hundred branches in the vendor's raw shapes.
//
//	api := novaposhtatest.New(novaposhtatest.Options{})
//	srv := httptest.NewServer(api)
//	defer srv.Close()
//	url := srv.URL + novaposhtatest.APIPath // what a connection calls its url
//
// # What it answers
//
// POSTs of {apiKey, modelName, calledMethod, methodProperties}, for the models
// Address and AddressGeneral: searchSettlements, getSettlements, getWarehouses,
// getWarehouseTypes; and Common: getCargoTypes. A refusal is HTTP 200 with
// "success": false, errors and errorCodes. As at the vendor's, names are in
// PascalCase, most scalars are strings ("1" for true), info is an array where there
// is nothing to say and an object with totalCount else, and a page has 500 branches
// or 150 settlements at most.
//
// The search finds every settlement a word of whose name, Ukrainian or Russian,
// begins with what is sought, those with most branches first: "Київ" finds the
// capital, villages of that name, and Київець. It answers in Ukrainian.
//
// Real are the names of settlements, areas and districts (those before 2020, which
// the vendor goes by), and the refs of Kyiv, Dnipro, Odesa, some towns near them,
// and the capital's branch 25. All other refs are made of the names, and branches
// with their streets are invented; the same in every process.
//
// The vendor's documents leave the following open, and these are the answers of
// this package, each on the side that finds more mistakes:
//
//   - A wrong key is refused by every method (code 20000200068, "API auth fail"), an
//     empty one too (20000200069), though the vendor answers directories without one.
//   - An apostrophe is ' alone, and Latin letters find nothing in the search;
//     getSettlements finds by Description, DescriptionRu and DescriptionTranslit.
//   - WarehouseId is the number, of branches and lockers alike.
//   - Poltava's branch 4 and a locker have one number, and Sumy's branch 3 and a
//     pick-up point, so that a number alone may be ambiguous.
//
// # Looking inside
//
// Beside the API, and untouched by faults:
//
//	GET /novaposhta/_counts  requests, and what faults did to them
//	GET /novaposhta/_faults  the faults; POST changes those that it names
package novaposhtatest
