# Every task of the repository. `make` alone lists them.
SHELL := /bin/bash
BIN := .venv/bin
GENERATED := proto/gen/python
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup lock generate check-generated format lint types unit test demo images up bench clean web web-build web-check web-screens

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

setup: ## Make .venv and install what the lock file pins
	@scripts/setup.sh

lock: ## Resolve the dependencies anew and write requirements.lock
	@scripts/lock.sh

generate: setup ## Generate Python from the protos (offline)
	@rm -rf $(GENERATED)/towpath && buf generate --output .

check-generated: setup ## Fail when the committed generated code differs from the protos
	@scripts/check-generated.sh

format: setup ## Format Python and protos
	@ruff check --fix-only --quiet . && ruff format --quiet . && buf format --write proto

lint: setup check-generated ## Check style, layers, protos and generated code
	ruff check .
	ruff format --check --quiet .
	lint-imports
	buf lint
	buf format --diff --exit-code proto >/dev/null
	scripts/check-breaking.sh

types: setup ## Check types (pyright, strict)
	pyright

unit: setup ## Run the tests that need no long-running stack
	pytest tests/contract tests/sdk -q

test: ## Check everything: lint, types, and all tests against real servers
	@scripts/test.sh

demo: setup ## Move a million rows from PostgreSQL to S3 on this machine, and compare; DOCKER=1 with connectors in containers
	@$(if $(DOCKER),scripts/system-packages.sh &&) $(BIN)/python -m towpath_local.demo $(if $(DOCKER),--docker connectors) $(DEMO_ARGS)

web-build: setup ## Build the web client that `towpath up` serves (npm); nothing happens when nothing changed
	@scripts/web.sh build

web-check: setup ## Check the web client: types, lint, format, unit tests
	@scripts/web.sh check

web-screens: web-build ## Take the pictures in docs/screens anew
	@mkdir -p docs/screens && TOWPATH_SCREENS=$(CURDIR)/docs/screens pytest -q tests/web/test_reach.py

web: setup ## Develop the web client with hot reload, in front of a running `make up`
	@scripts/web.sh dev

images: setup ## Build the images of all connectors, on a base image that is made of this machine's Python
	@$(BIN)/python -m towpath_local.images connectors

up: setup ## Run Towpath on this machine until Ctrl-C, with the web client where npm can build it
	@scripts/web.sh build-if-able
	@$(BIN)/towpath up

bench: setup ## Measure starts, rows, broker and a large sync (minutes); BENCH_ARGS="broker --rounds 5" measures one of them
	@$(BIN)/python -m bench $(or $(BENCH_ARGS),all)

clean: ## Remove what the tasks made, the virtual environment included
	rm -rf .venv .venv.lock .web.lock clients/web/node_modules clients/web/src/gen runtime/local/src/towpath_local/_web .cache build .pytest_cache .ruff_cache .import_linter_cache
