package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/crosswalk-etl/crosswalk/plugins/novaposhta/novaposhtatest"
	"github.com/crosswalk-etl/crosswalk/plugins/saleapp/saleapptest"
	"github.com/crosswalk-etl/crosswalk/plugins/sdk/sdktest/faults"
)

// errHelp says that help was asked for and printed.
var errHelp = errors.New("help was printed")

// options is what the flags say.
type options struct {
	listen     string
	saleapp    saleapptest.Options
	novaposhta novaposhtatest.Options
}

// parse reads the flags. Its errors name the flag.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var catalog string
	fs := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned and printed once
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8090", "listen on `ADDR`; port 0 takes a free one")
	fs.StringVar(&o.saleapp.Key, "key", saleapptest.DefaultKey, "SaleApp: the organization's `KEY`")
	fs.StringVar(&o.saleapp.CounterpartyKey, "counterparty-key", saleapptest.DefaultCounterpartyKey, "SaleApp: a counterparty's `KEY`")
	bound := &o.saleapp.Counterparty
	fs.StringVar(&bound.ClientID, "counterparty-client", saleapptest.DefaultCounterpartyClient, "SaleApp: `client_id` of the counterparty's key")
	fs.StringVar(&bound.CurencyID, "counterparty-curency", saleapptest.DefaultCounterpartyCurency, "SaleApp: `curency_id` of the counterparty's key")
	fs.StringVar(&bound.WarehouseID, "counterparty-warehouse", saleapptest.DefaultCounterpartyWarehouse, "SaleApp: `warehouse_id` of the counterparty's key")
	fs.StringVar(&catalog, "catalog", "", "SaleApp: JSON `FILE` of the products that it knows; without one, any id or sku")
	fs.StringVar(&o.novaposhta.Key, "novaposhta-key", novaposhtatest.DefaultKey, "Nova Poshta: the API `KEY`")
	var f faults.Faults // of every vendor
	fs.DurationVar(&f.Latency, "latency", 0, "wait `D` (200ms, 2s) before each request's work")
	fs.TextVar(&f.Fail, "fail", f.Fail, "answer 500 at this `RATE` (5% or 0.05) before doing anything")
	fs.TextVar(&f.Lose, "lose", f.Lose, "do the work, then close the connection without an answer, at this `RATE`")
	fs.TextVar(&f.Limit, "limit", f.Limit, "answer 429 beyond `N/s` requests (20/s); 0 is no limit")
	fs.Var(downFlag{&f.Down}, "down", "answer 503 to everything; --down=drop closes every connection instead")
	fs.Uint64Var(&o.saleapp.Seed, "seed", 1, "`NUMBER` that repeats the chances of --fail and --lose")

	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(stderr)
		fs.Usage()
		return o, errHelp
	}
	if err != nil {
		return o, fmt.Errorf("%w; see sandbox --help", err)
	}
	switch {
	case fs.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: there are only flags, see sandbox --help", fs.Arg(0))
	case o.saleapp.Key == "" || o.saleapp.CounterpartyKey == "":
		return o, errors.New("--key and --counterparty-key must not be empty")
	case o.saleapp.Key == o.saleapp.CounterpartyKey:
		return o, errors.New("--key and --counterparty-key must differ")
	case o.novaposhta.Key == "":
		return o, errors.New("--novaposhta-key must not be empty")
	case bound.ClientID == "" || bound.CurencyID == "" || bound.WarehouseID == "":
		return o, errors.New("--counterparty-client, --counterparty-curency and --counterparty-warehouse must not be empty")
	case f.Latency < 0:
		return o, fmt.Errorf("--latency %s is negative", f.Latency)
	}
	o.saleapp.Faults, o.novaposhta.Faults, o.novaposhta.Seed = f, f, o.saleapp.Seed
	if catalog != "" {
		if o.saleapp.Catalog, err = saleapptest.LoadCatalog(catalog); err != nil {
			return o, fmt.Errorf("--catalog: %w", err)
		}
	}
	return o, nil
}

// downFlag is --down, --down=false and --down=drop.
type downFlag struct{ to *faults.Down }

func (d downFlag) IsBoolFlag() bool { return true }

func (d downFlag) String() string {
	if d.to == nil {
		return "false"
	}
	text, err := d.to.MarshalText()
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d downFlag) Set(s string) error { return d.to.UnmarshalText([]byte(strings.TrimSpace(s))) }

// mount puts each vendor's fake under its own name. /_faults is for all of them. slow
// tells whether requests wait now, as --latency and /_faults have it.
func mount(o options) (h http.Handler, slow func() bool) {
	mux := http.NewServeMux()
	saleapp, novaposhta := saleapptest.New(o.saleapp), novaposhtatest.New(o.novaposhta)
	mux.Handle("/saleapp/", saleapp)
	mux.Handle("/novaposhta/", novaposhta)
	mux.Handle("/_faults", faults.Control(saleapp.Injector(), novaposhta.Injector()))
	h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == saleapptest.APIPath+"/Orders" { // most requests are for it
			saleapp.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	return h, func() bool { return saleapp.Faults().Latency > 0 || novaposhta.Injector().Faults().Latency > 0 }
}
