# Targets a person or CI calls. Everything they make lies in bin/ and .cache/.
#
#   make demo    the whole story against the built-in lab
#   make test    vet and unit tests
#   make check   what CI runs (.ci/run)

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

CACHE := $(CURDIR)/.cache
BIN   := $(CURDIR)/bin/secretguard

# Pinned: a newer linter finds new things, and that is a change of its own.
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)
GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := $(CACHE)/bin/govulncheck-$(GOVULNCHECK_VERSION)

# How long each fuzz target runs.
FUZZTIME ?= 10s

# A container may give us no home, or one we may not write to. The go command
# then has nowhere to put its caches, so we lend it a folder of our own.
HOME_OK := $(shell test -n "$${HOME:-}" && test -d "$$HOME" && test -w "$$HOME" && echo yes)
ifneq ($(HOME_OK),yes)
export GOCACHE ?= $(CACHE)/go-build
export GOPATH ?= $(CACHE)/gopath
export GOFLAGS ?= -modcacherw
export GOTELEMETRY ?= off
endif
export GOLANGCI_LINT_CACHE ?= $(CACHE)/golangci-lint
export CGO_ENABLED ?= 0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: build test lint vuln race fuzz pairs soak bench bench-dir bench-history bench-staged compare detection-table clean-trees e2e screens demo check self-scan clean

build: ## the program, without cgo, into bin/
	go build -trimpath -ldflags '-X github.com/secretguard/secretguard/internal/cli.version=$(VERSION)' -o $(BIN) ./cmd/secretguard

test: ## vet and all unit tests
	go vet ./...
	go test -timeout 5m -parallel 4 ./...

lint: $(GOLANGCI) ## golangci-lint, pinned
	$(GOLANGCI) config verify
	$(GOLANGCI) run --allow-parallel-runners ./...

vuln: $(GOVULNCHECK) ## known holes in what we call, pinned; needs the network
	.ci/vuln $(GOVULNCHECK)

# Built from source: no download of a foreign binary, and the Go checksum database
# vouches for what is built. The linter takes some minutes, once.
$(GOLANGCI): TOOL := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
$(GOVULNCHECK): TOOL := golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
$(GOLANGCI) $(GOVULNCHECK):
	@mkdir -p $(CACHE)/bin
	GOBIN=$(CACHE)/bin/.install-$(@F) GOFLAGS=-modcacherw go install $(TOOL)
	@mv $(CACHE)/bin/.install-$(@F)/* $@ && rmdir $(CACHE)/bin/.install-$(@F)

race: ## all unit tests under the race detector (needs a C compiler)
	SECRETGUARD_MUTANTS=1 CGO_ENABLED=1 go test -race -timeout 20m ./...

fuzz: ## every fuzz target for $(FUZZTIME)
	.ci/fuzz $(FUZZTIME)

pairs: ## one rotation, killed at every boundary and again at every one after it
	SECRETGUARD_SOAK=1 go test -count=1 -timeout 30m -run '^TestKilledAtEveryPair$$' -v ./internal/rotate/executor | grep -v '^=== \|^    --- PASS'

SOAK ?= 10000
RACES ?= 1000
soak: ## rotations in which everything goes wrong: SOAK runs, RACES races, all states of the machine; secrets in outputs
	SECRETGUARD_SOAK=1 SECRETGUARD_MUTANTS=1 go test -count=1 -timeout 90m -run '^(TestExploreAll|TestExplorerFindsBrokenRules)$$' -v ./internal/rotate/machine
	SECRETGUARD_SOAK=1 go test -count=1 -timeout 30m -run '^TestNoSecretWhateverIsAsked$$' ./internal/cli
	SECRETGUARD_SOAK=$(SOAK) SECRETGUARD_RACES=$(RACES) SECRETGUARD_SEED=$(SEED) \
		go test -count=1 -timeout 120m -parallel 12 -run '^(TestSoak|TestOnlyNamedKeysAreTakenAway|TestRow25.*|TestKilledAtEveryPair)$$' -v ./internal/rotate/executor | grep -v '^=== \|^    --- PASS'

bench: ## every benchmark, with allocations
	go test -run '^$$' -bench . -benchmem ./...

bench-staged: ## a commit's hook, beside gitleaks, in a small and a large repository
	.ci/bench-staged

compare: ## our findings against gitleaks' over a history: make compare REPO=path
	@test -n "$(REPO)" || { echo 'which repository? make compare REPO=path' >&2; exit 2; }
	SECRETGUARD_COMPARE_REPO="$(abspath $(REPO))" go test -run '^TestRealRepository$$' -count=1 -timeout 2h -v ./internal/scan/difftest

detection-table: ## measure recall and false findings against gitleaks, into docs/detection.md
	go test -run '^TestDetectionTable' -count=1 -parallel 1 -timeout 10m ./internal/scan/difftest -update

clean-trees: ## what is reported in large source trees without secrets, into docs/detection.md
	SECRETGUARD_CLEAN_TREES=1 go test -run '^TestCleanTrees$$' -count=1 -timeout 30m ./internal/scan/difftest -update

bench-dir: ## files of a folder, beside gitleaks: make bench-dir DIR=path
	.ci/bench-dir "$(DIR)"

bench-history: ## a whole history, beside git and gitleaks: make bench-history REPO=path
	.ci/bench-history "$(REPO)"

e2e: build ## the built program against moto, in tmux, under kill -9
	e2e/prepare
	set -a; . $(CACHE)/e2e.env; set +a; \
	SECRETGUARD_E2E_BINARY=$(BIN) go test -tags e2e -count=1 -timeout 20m -v ./e2e/... && go test -count=1 -v -run GitLabSchema ./internal/report/export

screens: build ## take the screens of docs/responder.md anew (needs tmux)
	e2e/prepare
	set -a; . $(CACHE)/e2e.env; set +a; \
	SECRETGUARD_E2E_BINARY=$(BIN) SECRETGUARD_E2E_SCREENS=$(CURDIR)/docs/responder.md \
	go test -tags e2e -count=1 -timeout 10m -run 'FromListToSummary|LeaveAndResume' ./e2e

demo: ## leak to proof against the built-in lab; headless without a terminal
	go run ./cmd/secretguard demo

self-scan: build ## our own scanner over our own history, as a clone gets it
	@d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && git clone -q --no-local --single-branch . "$$d" && $(BIN) scan git "$$d"

check: ## what CI runs
	.ci/run

clean: ## what the targets above made
	rm -rf bin .cache
