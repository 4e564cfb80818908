# Crosswalk: everything is run from here. `make help` lists the targets.

GO       ?= go
BIN      := $(CURDIR)/bin
TOOLS    := $(BIN)/tools
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
PLUGINS  := horoshop novaposhta retailcrm saleapp salesdrive
FUZZTIME ?= 20s

# Pinned tools. They are installed into bin/tools, by the Go module proxy and npm.
BUF           := $(TOOLS)/buf-v1.75.0
GOLANGCI_LINT := $(TOOLS)/golangci-lint-v2.15.0
GOVULNCHECK   := $(TOOLS)/govulncheck-v1.8.0
YAML_LS       := $(TOOLS)/yaml-language-server-v1.25.0

.DEFAULT_GOAL := help
.PHONY: help build test race editor lint vuln fmt generate verify demo bench bench-e2e chaos cluster fuzz clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/crosswalk, bin/plugins/* and bin/sandbox
	@mkdir -p $(BIN)/plugins
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/crosswalk ./engine/cmd/crosswalk
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/plugins/ $(PLUGINS:%=./plugins/%)
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/sandbox ./examples/sandbox

# Some tests build and run the programs, which the cache of test results does not know of.
test: ## run all tests
	$(GO) test -count=1 -timeout 25m ./...

race: ## run all tests under the race detector (needs a C compiler)
	$(GO) test -race ./...

editor: $(YAML_LS) ## ask a YAML language server what an editor shows (needs node and npm)
	YAML_LANGUAGE_SERVER=$(YAML_LS)/node_modules/yaml-language-server/bin/yaml-language-server \
	  $(GO) test -count=1 -run '^TestEditor' ./engine/cli

bench: ## measure mapping, the plugin hop, accepting and the whole way
	@mkdir -p $(BIN)
	$(call benchmark,mapping: the shipped mappings in ns and allocations and times a validating scan of the same bytes,./engine/mapping -bench '^BenchmarkMap$$' -benchmem)
	$(call benchmark,mapping: cost against the size of the document; ns/KB stays the same,./engine/mapping -bench '^BenchmarkSize$$' -benchtime 0.3s)
	$(call benchmark,mapping: cost against the number of rules; ns/rule stays the same,./engine/mapping -bench '^BenchmarkRules$$' -benchtime 0.3s)
	$(call benchmark,plugin hop: a record's share of a call to a plugin process at batches of 1 and 16 and 256,./engine/pluginhost -bench '^BenchmarkHop$$')
	$(call benchmark,journal: events accepted with fsync one after another and 64 at once,./engine/journal -bench '^BenchmarkAccept$$')
	$(call benchmark,whole processes: webhooks accepted a second and orders delivered end to end a second,./engine/e2e -bench . -benchtime 5000x)

# benchmark prints a title and the figures of a run, or all that a failed run said.
benchmark = @echo "== $(1)"; $(GO) test -run '^$$' $(2) > $(BIN)/bench.txt 2>&1 || { cat $(BIN)/bench.txt; exit 1; }; grep '^Benchmark' $(BIN)/bench.txt

bench-e2e: build ## measure the whole at fixed rates, and with a backlog (BENCH="--backlog 1000000")
	@$(GO) build -o $(BIN)/load ./engine/e2e/load
	@$(BIN)/load --bin $(BIN) --mappings $(CURDIR)/mappings $(BENCH)

SEED   ?= 1
ORDERS ?= 5000
RATE   ?= 100
chaos: ## kill and fail under load, and verify the promises: SEED=1 ORDERS=5000 RATE=100 (webhooks a second)
	CROSSWALK_CHAOS_SEED=$(SEED) CROSSWALK_CHAOS_ORDERS=$(ORDERS) CROSSWALK_CHAOS_RATE=$(RATE) \
	  $(GO) test -count=1 -timeout 120m -v -run '^TestChaos$$' ./engine/e2e

cluster: ## kill an engine and a NATS server of three under load, 1,200 webhooks
	CLUSTER_ORDERS=300 $(GO) test -count=1 -timeout 20m -v -run '^TestCluster$$' ./engine/e2e

fuzz: ## fuzz every target for FUZZTIME
	@set -e; for f in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
	  for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
	    echo "== $$(dirname $$f) $$t"; $(GO) test ./$$(dirname $$f) -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x; \
	  done; done

demo: build ## run orders of three systems into a sandbox of SaleApp
	@$(GO) run ./examples/demo --bin $(BIN)

generate: $(BUF) ## generate Go from proto
	cd proto && $(BUF) generate

fmt: $(GOLANGCI_LINT) ## format everything
	$(GOLANGCI_LINT) fmt ./...
	cd proto && $(BUF) format -w

lint: $(BUF) $(GOLANGCI_LINT) ## lint Go and proto
	$(GOLANGCI_LINT) run ./...
	cd proto && $(BUF) lint

# Where Go's vulnerabilities are listed; a question about one module needs nothing but that.
VULN_DB ?= https://vuln.go.dev

vuln: $(GOVULNCHECK) ## look for known vulnerabilities, where their database can be reached
	@if $(GOVULNCHECK) -db $(VULN_DB) -mode query -json golang.org/x/text@v0.3.0 >/dev/null 2>&1; then \
	  $(GOVULNCHECK) -db $(VULN_DB) ./...; \
	else echo "vuln: skipped, for the database $(VULN_DB) cannot be reached from here"; fi

verify: generate $(GOLANGCI_LINT) ## generate, tidy, format, lint; then nothing may differ
	$(GO) mod tidy
	$(MAKE) fmt lint
	@if [ -n "$$(git status --porcelain)" ]; then \
	  echo "make verify changed or found uncommitted files; commit what it made:"; git status --short; git --no-pager diff | head -100; exit 1; fi
	@echo "verify: nothing differs"

clean: ## remove what was built
	rm -rf $(BIN)

$(BUF):
	GOBIN=$(TOOLS) $(GO) install github.com/bufbuild/buf/cmd/buf@v1.75.0
	@mv $(TOOLS)/buf $@

$(GOLANGCI_LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv $(TOOLS)/golangci-lint $@

$(GOVULNCHECK):
	GOBIN=$(TOOLS) $(GO) install golang.org/x/vuln/cmd/govulncheck@v1.8.0
	@mv $(TOOLS)/govulncheck $@

$(YAML_LS): engine/cli/testdata/editor/package-lock.json
	@rm -rf $@ $@.new && mkdir -p $@.new && cp $(dir $<)package.json $< $@.new
	cd $@.new && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=5
	@mv $@.new $@ && touch $@
