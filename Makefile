# Everything a contributor or CI does, by name. Needs only make and a Python 3.9+;
# each target makes the environment it needs, in .venv and .venvs of this folder.

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=

ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.dev-setup
DEMO_STAMP := $(VENV)/.demo-setup

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml scripts/dev_setup.py
	$(PYTHON) scripts/dev_setup.py $(VENV)
	@touch $@ $(DEMO_STAMP)

.PHONY: dev-setup
dev-setup: $(STAMP) ## Make .venv with the library and all tools

# One process per core of a small machine; more gain little. `-n 0` in PYTEST_ARGS wins.
.PHONY: test
test: $(STAMP) ## Run the tests, live ones on the simulator (no server, no network)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" $(PYTEST_ARGS)

.PHONY: test-slow
test-slow: $(STAMP) ## Run the slowest tests, which `make test` leaves out
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow" $(PYTEST_ARGS)

.PHONY: test-cov
test-cov: $(STAMP) ## Run all tests and say which lines they miss
	$(BIN)/python -m pytest --cov=invokeai_py_client --cov-branch --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

.PHONY: server
server: $(STAMP) ## Install a real InvokeAI into the cache folder (7 GB, once)
	$(BIN)/python scripts/install_server.py

.PHONY: test-live
test-live: server ## Run the live tests on a real InvokeAI (installed when missing)
	$(BIN)/python -m pytest --live -m live $(PYTEST_ARGS)

OLD_VERSION ?= 6.8.1
# What every server has to be good for; the other live tests are about newer routes.
OLD_TESTS := $(addprefix tests/integration/,test_main_job.py test_old_server_live.py \
  test_promises_live.py test_checks_live.py programs/test_cli_live.py \
  api/test_nouns_live.py api/test_nouns_alone_live.py)

.PHONY: test-live-old
test-live-old: $(STAMP) ## Run the main live tests on an older InvokeAI (OLD_VERSION=6.8.1)
	$(BIN)/python scripts/install_server.py $(OLD_VERSION)
	$(BIN)/python -m pytest --live --server-version $(OLD_VERSION) -rs $(OLD_TESTS) $(PYTEST_ARGS)

.PHONY: test-all
test-all: $(STAMP) ## Run the unit tests on every Python found from 3.9 on (in CI: 3.9, 3.13)
	$(BIN)/python scripts/test_all.py $(PYTEST_ARGS)

.PHONY: test-lowest
test-lowest: $(STAMP) ## Test with the lowest version allowed of every dependency
	$(BIN)/python scripts/test_all.py --lowest $(PYTEST_ARGS)

.PHONY: quality
quality: $(STAMP) ## Check format, lint, types, generated files and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/test_all.py --types-on 3.9
	$(BIN)/python scripts/generate_async.py --check
	$(BIN)/python scripts/build_api_reference.py --check
	$(BIN)/python -m pytest -q tests/project/test_layers.py

.PHONY: format
format: $(STAMP) ## Format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: generate
generate: $(STAMP) ## Write the files that are made from others
	$(BIN)/python scripts/generate_async.py
	$(BIN)/python scripts/build_api_reference.py

.PHONY: openapi-drift
openapi-drift: $(STAMP) ## Say what SPEC=openapi.json of a newer server changes for us
	$(BIN)/python scripts/openapi_drift.py $(SPEC)

.PHONY: faults
faults: $(STAMP) ## Try faults by the thousand, and write what came of it to docs/faults.md
	$(BIN)/python -m pytest tests/faults --faults-table docs/faults.md --timeout 900 $(PYTEST_ARGS)

CHAOS ?= 500
CHAOS_ON ?= --simulator

.PHONY: chaos
chaos: $(STAMP) ## Try CHAOS=500 schedules of faults (CHAOS_ON=--live: a real server)
	$(BIN)/python -m pytest -q $(CHAOS_ON) --chaos $(CHAOS) tests/integration/test_chaos_live.py $(PYTEST_ARGS)

SWEEP_ITEMS ?= 10000

.PHONY: kills
kills: $(STAMP) ## Run a sweep of SWEEP_ITEMS=10000 whose client and server are killed
	SWEEP_ITEMS=$(SWEEP_ITEMS) $(BIN)/python -m pytest -m slow tests/sweep/running/test_sweep_kills.py $(PYTEST_ARGS)

MUTANTS ?= --count 20

.PHONY: mutants
mutants: $(STAMP) ## Change the pure rooms in small ways, and see whether tests notice
	$(BIN)/python scripts/mutants.py $(MUTANTS)

.PHONY: bench
bench: $(STAMP) ## Compare with what one would write by hand: starts, runs, big files
	$(BIN)/python benchmarks/bench_start.py
	$(BIN)/python benchmarks/bench_running.py
	$(BIN)/python benchmarks/bench_sweeps.py --items 1000
	$(BIN)/python benchmarks/bench_ledger.py
	$(BIN)/python benchmarks/bench_compile.py --sizes 500 1000 2000
	$(BIN)/python benchmarks/submit_path.py

.PHONY: docs
docs: ## Build the site into site/, strictly (needs Python 3.11 or newer)
	$(PYTHON) scripts/dev_setup.py .venvs/docs docs
	$(subst $(VENV),.venvs/docs,$(BIN))/zensical build --clean --strict

# Only what the demo needs; the tools would take longer than the demo.
$(DEMO_STAMP): pyproject.toml scripts/dev_setup.py
	$(PYTHON) scripts/dev_setup.py $(VENV) cli images simulator
	@touch $@

.PHONY: demo
demo: $(DEMO_STAMP) ## Run a workflow on a simulated server and save its images
	$(BIN)/python examples/demo.py

.PHONY: demo-live
demo-live: server ## Run the same workflow on a real server (installed when missing)
	$(BIN)/python examples/demo.py --live

.PHONY: clean
clean: ## Remove what the other targets made in this folder
	rm -rf .venv .venvs .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf build dist site htmlcov .coverage demo-output
	find src tests examples scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
