# Every target sets up what it needs in .venv; run again, nothing is done twice.
PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all lint bench mutants notebooks clean

demo: .venv/.installed-demo
	$(BIN)/mediate demo

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Two more libraries that patch, for comparison; nothing else needs them.
bench: .venv/.installed-dev
	$(PIP_INSTALL) --editable ".[bench]"
	TQDM_DISABLE=1 $(BIN)/python -m tests.bench

# Seeds known bugs into a copy of the source; the tests must notice every one.
mutants: .venv/.installed-dev
	$(BIN)/python -m tests.mutants

# The .py files are the source; this writes the .ipynb beside each, with its outputs.
notebooks: .venv/.installed-dev
	cd notebooks && ../$(BIN)/jupytext --to ipynb --execute *.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mediate needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv

# torch is pinned for development only: an open range fetches gigabytes of CUDA on Linux.
.venv/.installed-demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "setting up .venv (about 2 GB, a few minutes the first time)"
	@test -e .venv/.installed-dev || $(PIP_INSTALL) --editable ".[gguf]"
	@touch $@

.venv/.installed-dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "setting up .venv for development (about 2 GB, a few minutes the first time)"
	@$(PIP_INSTALL) --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
