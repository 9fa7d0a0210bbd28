# The only entry. Every target sets up what it needs in .venv and is quick when nothing changed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= out
WORKERS ?= -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup run dashboard replay test test-all check bench sim mutants clean

help: ## list the targets
	@grep -hE '^[a-zA-Z%_-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo
	@echo "make run ARGS='--port 4001 --no-traders'   options of seawall up"
	@echo "make replay DATA=folder EVENT=2025-10-10   replays real candles; more: make replay ARGS='--accounts 20000'"

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Seawall needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 2; }
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## make .venv with the pinned dependencies

run: $(READY) ## a venue on http://127.0.0.1:3001, until Ctrl-C; its journal and history are kept in venue-data
	$(BIN)/seawall up $(ARGS)

dashboard: ## build the pages of the venue from dashboard/ (needs node 20); the result is committed
	cd dashboard && npm ci && npm run build

replay: $(READY) ## replay a crash; leaves $(OUT)/report.html and $(OUT)/replay.json
	$(BIN)/seawall replay --out $(OUT) $(if $(DATA),--data "$(DATA)") $(if $(EVENT),--event "$(EVENT)") $(ARGS)

test: $(READY) ## the tests, under ten minutes
	$(BIN)/python -m pytest $(WORKERS)

test-all: test ## every test: after `test` the slow suites, then those of the engine uncompiled, where some can only run
	$(BIN)/python -m pytest $(WORKERS) -m slow
	SEAWALL_INTERPRET=1 $(BIN)/python -m pytest $(WORKERS) tests/unit tests/property tests/incidents

check: $(READY) ## lint, types, import contracts
	$(BIN)/ruff check src tests bench examples
	$(BIN)/ruff format --check src tests bench examples
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## measure every claim as a ratio; bench/results/NAME.json
	$(BIN)/python bench/run.py

bench-%: $(READY) ## measure one: remargin lp sweep triggers engine book durable history ws dashboard replay start compile driftpy nautilus
	$(BIN)/python bench/run.py $*

sim: $(READY) ## try to break the engine, from a fresh seed; more: make sim ARGS='--seed 7 --commands 100000000'
	$(BIN)/seawall sim $(if $(ARGS),$(ARGS),--commands 5000000)

mutants: $(READY) ## sabotage the core and the engine, one rule at a time: every time a test must die; make mutants ARGS=--json
	@$(BIN)/python tests/mutants.py $(ARGS)

clean: ## remove what the targets made
	rm -rf $(VENV) $(OUT) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
