# make demo   the whole thing working, with pictures, on this machine
# make test   everything the tests need, and the tests
PYTHON ?= python3
VENV ?= .venv
# Test files side by side, each whole on one core: databases, bots and browsers wait a lot.
PYTEST_ARGS ?= -n auto --maxprocesses 4 --dist loadfile

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INPUTS := pyproject.toml constraints.txt

.PHONY: demo test lint bench clean install install-dev

demo: $(VENV)/.base
	$(BIN)/solemate demo $(DEMO_ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks.run $(BENCH_ARGS)

install: $(VENV)/.base

install-dev: $(VENV)/.dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python $(INPUTS)
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(BIN)/python $(INPUTS)
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.base

clean:
	-test ! -x $(BIN)/solemate || $(BIN)/solemate db stop
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist out *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
