# Needs Python 3.11+, git and make. Everything is installed below this folder: .uv/ (where uv is missing) and .venv/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that answers and is new enough; `make demo PYTHON=/path/to/python` overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
TORCH ?= auto# auto: CPU unless an NVIDIA GPU is seen; cpu; cuda
PYTEST_ARGS ?=
BIN := .venv/bin
SOURCES := pyproject.toml requirements.lock scripts/setup.py
# A process a core, of one thread each; a file's tests stay together, so that its fixtures are made once.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --cov --cov-report=
FLOOR := $(BIN)/python -m scripts.floor 90

.PHONY: help setup demo test test-all check lint types floors gates bench docs lock clean python

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Install one (https://www.python.org/downloads/)," \
		"or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 2; }

.venv/.base: $(SOURCES) | python
	@$(PYTHON) scripts/setup.py base --torch $(TORCH)
	@touch $@

.venv/.dev: $(SOURCES) | python
	@$(PYTHON) scripts/setup.py dev --torch $(TORCH)
	@touch .venv/.base $@

.venv/.docs: .venv/.dev
	@$(PYTHON) scripts/setup.py docs --torch $(TORCH)
	@touch .venv/.base .venv/.dev $@

setup: .venv/.dev ## install everything that the other targets need

demo: .venv/.base ## forge a small language model from the quick-start recipe
	@$(BIN)/bloomery forge run forge/quickstart

test: .venv/.dev ## run the fast tests with coverage
	@$(PYTEST) -m "not slow" $(PYTEST_ARGS)
	@$(FLOOR)

test-all: .venv/.dev ## run all tests, the slow ones too
	@$(PYTEST) $(PYTEST_ARGS)
	@$(FLOOR)

check: lint types floors gates ## lint, format, types, floors of the house, small gates

lint: .venv/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.dev
	@$(BIN)/mypy

floors: .venv/.dev
	@$(BIN)/lint-imports

gates: .venv/.dev
	@$(BIN)/python -m scripts.gates

bench: .venv/.dev ## measure against peers and the stored baseline (BENCH_ARGS="--only recall --table")
	@$(PYTHON) scripts/setup.py peers --torch $(TORCH)
	@$(BIN)/python -m benchmarks.harness --compare $(BENCH_ARGS)

docs: .venv/.docs ## build the documentation into site/
	@$(BIN)/zensical build --clean --strict

lock: | python ## resolve requirements.lock again (LOCK_ARGS=--upgrade for newer versions)
	@$(PYTHON) scripts/lock.py "$$($(PYTHON) scripts/setup.py uv)" $(LOCK_ARGS)

clean: ## remove what was built or installed; workspaces (.bloomery/) stay
	rm -rf .venv .uv site dist build .benchmarks .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f .coverage .coverage.*
