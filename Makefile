# PlugPack: one command each. `make help` lists them.

# One set of build flags for run, test and check, so that nothing is built twice.
GO      ?= go
MODULES := cmd/plugpack libs migrations services/catalog services/gateway services/indexer services/scraper
SHARED  ?= ../shared
# CI runs with the race detector, which needs a C compiler.
RACE    ?= $(if $(CI),-race,)

.DEFAULT_GOAL := help
.PHONY: help run dev build test race check lint fmt scrape corpus bench-scan conformance e2e db-seed db-migrate db-migration docker-up env schema golden tidy

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## start everything on http://127.0.0.1:8000 (PORT moves it), set-up included
	@exec bin/plugpack up

dev: build ## the same with every log line
	@LOG_LEVEL=debug exec bin/plugpack up

build:
	@./setup.sh run
	@[ -x bin/plugpack ] || echo "make: building, the first time takes a few minutes"
	@$(GO) build -o bin/plugpack ./cmd/plugpack

test: ## run every test, on servers of its own
	@RACE="$(RACE)" ./setup.sh test
	$(GO) test $(RACE) -timeout 20m work

race: ## run every test with the race detector
	@$(MAKE) test RACE=-race

check: lint ## what CI asks besides the tests: format, vet, staticcheck, import arrows, each module by itself
	@# The test asks the go command, which Go's test cache does not see.
	$(GO) test -count=1 ./libs/testkit/arrows
	@for m in $(MODULES); do \
		(cd $$m && GOWORK=off $(GO) build ./... && GOWORK=off $(GO) mod tidy -diff) || { echo "check: module $$m does not stand by itself"; exit 1; }; \
	done
	@[ -n "$$TEST_MEILISEARCH_URL" ] || echo "check: TEST_MEILISEARCH_URL is not set, so the search tests run on a stand-in and not on a real Meilisearch"

lint: ## gofmt, go vet, staticcheck
	@./setup.sh build
	@out=$$(gofmt -l $(MODULES)); [ -z "$$out" ] || { echo "gofmt these:"; echo "$$out"; exit 1; }
	$(GO) vet work
	$(GO) tool staticcheck work

fmt: ## format the code
	gofmt -w $(MODULES)

scrape: ## scan marketplaces now: make scrape SOURCES="owner/repo …"
	@[ -n "$(SOURCES)" ] || { echo 'make scrape: say which, as in make scrape SOURCES="anthropics/claude-code"'; exit 1; }
	@$(MAKE) --no-print-directory build
	@bin/plugpack scan $(SOURCES)

corpus: ## scan 35 real repositories (in SHARED), unchanged and changed, count what it costs, kill -9 one run
	@[ -f $(SHARED)/corpus/repos.txt ] || { echo "make corpus: $(SHARED)/corpus is not here, so there is nothing to scan; set SHARED to where it is"; exit 1; }
	@$(MAKE) --no-print-directory build
	@$(GO) run ./cmd/plugpack/corpus -plugpack bin/plugpack -shared $(SHARED)

bench-scan: ## fetch and read the 35 repositories (in SHARED) once: how long, and how much of it waiting
	@[ -f $(SHARED)/corpus/repos.txt ] || { echo "make bench-scan: $(SHARED)/corpus is not here, so there is nothing to scan; set SHARED to where it is"; exit 1; }
	@$(GO) run ./cmd/plugpack/corpus -bench-scan -shared $(SHARED)
.PHONY: chaos
chaos: ## kill every part at random moments under 200 changes a second and 8 readers; CHAOS=3m is how long
	@./setup.sh test
	CHAOS=$(or $(CHAOS),3m) $(GO) test ./cmd/plugpack -run 'TestChaos$$' -count=1 -v -timeout 15m | grep -v 'postgres says'

.PHONY: bench-rebuild
bench-rebuild: ## rebuild the search index of N plugins under 50 searches a second, with its indexer killed too, and fill an emptied cache
	@./setup.sh test
	REBUILD=$(or $(N),100000) $(GO) test ./cmd/plugpack -run 'TestRebuildUnderSearches$$' -count=1 -v -timeout 60m | grep -v 'postgres says'

conformance: ## hold our verdicts to the real client's (in SHARED); CLIENT=program compares live too
	@[ -f $(SHARED)/reference/validate-cases.jsonl ] || { echo "make conformance: $(SHARED)/reference is not here, so there is nothing to compare with; set SHARED to where it is"; exit 1; }
	@$(GO) run ./libs/claudecode/conformance -cases $(SHARED)/reference/validate-cases.jsonl -tokens $(SHARED)/reference/token-cases.jsonl \
		$(if $(CLIENT),-client $(CLIENT) -corpus $(SHARED)/corpus/repos)

e2e: ## let the real client install packs from a running catalog: make e2e CLIENT=program
	@[ -n "$(CLIENT)" ] || { echo 'make e2e: say where the client is, as in make e2e CLIENT=node_modules/@anthropic-ai/claude-code-linux-x64/claude'; exit 1; }
	@./setup.sh test
	CLIENT=$(abspath $(CLIENT)) $(GO) test -tags e2e ./services/catalog -run TestRealClient -count=1 -v

bench-catalog: ## what the catalog answers how fast, beside the bare statements, at N plugins; and its intake
	@./setup.sh test
	$(GO) test ./services/catalog -run x -bench 'Catalog|Intake' -benchtime $(or $(BENCHTIME),1s) -timeout 60m -args -plugins $(or $(N),100000)

db-seed: build ## fill the catalog from the built-in sample marketplace
	@bin/plugpack scan ./cmd/plugpack/sample

db-migrate: ## bring the database at DATABASE_URL to the newest schema
	@[ -n "$$DATABASE_URL" ] || { echo "make db-migrate: set DATABASE_URL; make run migrates its own database by itself"; exit 1; }
	@$(GO) run ./services/catalog/cmd/catalog migrate

db-migration: ## begin a migration: make db-migration NAME=packs
	@[ -n "$(NAME)" ] || { echo "make db-migration: say its name, as in make db-migration NAME=packs"; exit 1; }
	@n=$$(printf '%05d' $$(($$(ls migrations/[0-9]*.sql | wc -l) + 1))); f=migrations/$${n}_$(NAME).sql; \
		printf -- '-- +goose Up\n\n' > $$f; echo "$$f; after writing it: make schema"

docker-up: ## start the local stack of docker-compose.yml
	docker compose up --build --wait

env: ## write .env.example from the config structs
	@$(GO) run ./cmd/plugpack env > .env.example

schema: ## write migrations/schema.sql from the migrations
	@./setup.sh test
	$(GO) test ./migrations -run TestSchemaDump -count=1 -args -update

golden: ## rewrite the golden files of the contracts; a difference in review is a change of contract
	@./setup.sh test
	$(GO) test ./libs/events ./libs/api ./libs/searchdoc -count=1 -args -update

tidy: ## tidy every module
	@for m in $(MODULES) tools; do (cd $$m && $(GO) mod tidy) || exit 1; done
