# Every target makes its own .venv; nothing outside the checkout is touched but package caches.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Containers keep Python from keeping what it compiled: every process of the tests would compile the code once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-newest lint generate bench chaos screenshots lock clean

setup: $(STAMP)

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Earmark needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "installing into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "no uv here: plain pip does it, slower"
	@if [ -x $(BIN)/uv ]; then \
	  $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock && \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable . ; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . ; \
	fi
	@touch $(STAMP)

demo: setup
	@$(BIN)/earmark demo

# One command: format, lint, import contracts, types, tests. In the order of tests/conftest.py: what takes longest begins early.
test: lint
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m tests.builders.kafka_classes
	@$(BIN)/pytest --numprocesses=5 --dist=loadfile --no-loadscope-reorder

# Unit and property tests on the newest Python that this machine has beside the one of .venv.
test-newest: setup
	@newest=$$(.ci/newest-python); [ -n "$$newest" ] || { echo "no newer Python here"; exit 0; }; \
	  echo "$$("$$newest" --version):"; \
	  $(BIN)/uv venv --quiet --clear --python "$$newest" .venv-newest && \
	  $(BIN)/uv pip install --quiet --python .venv-newest/bin/python --require-hashes -r requirements-dev.lock && \
	  $(BIN)/uv pip install --quiet --python .venv-newest/bin/python --no-deps --editable . && \
	  .venv-newest/bin/pytest --numprocesses=3 --dist=loadfile tests/unit tests/properties

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

# What is derived from the code and kept beside it; a command that would break what is out in the world says so instead.
generate: setup
	@$(BIN)/python -m tests.contract.kept
	@$(BIN)/python -m tests.recordings.events
	@$(BIN)/python -m tests.recordings.answer_schema
	@$(BIN)/python -m tests.recordings.printed_schemas
	@$(BIN)/python -m tests.docs.env_example
	@$(BIN)/python -m tests.docs.readme

bench: setup
	@$(BIN)/python -m tests.benchmarks

# Minutes of violence against everything; a short run of each is among the tests.
chaos: setup
	@$(BIN)/python -m tests.chaos.whole
	@$(BIN)/python -m tests.chaos.cap
	@$(BIN)/python -m tests.chaos.mutants
	@$(BIN)/python -m tests.chaos.outage
	@$(BIN)/python -m tests.chaos.cluster
	@$(BIN)/python -m tests.chaos.readers

# The pictures on the README, of what `make demo` leaves.
screenshots: setup
	@[ -e .earmark/demo/earmark.duckdb ] || $(BIN)/earmark demo
	@$(BIN)/python -m tests.docs.screenshots

lock: setup
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --group dev pyproject.toml -o requirements-dev.lock

clean:
	@rm -rf $(VENV) .venv-newest .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
