// Package e2e holds tests with real processes: the engine, its plugins and the
// sandbox of SaleApp and Nova Poshta, killed with -9 at the worst moments. It has no
// code of its own.
package e2e
