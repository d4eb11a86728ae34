# Every target sets up what it needs in .venv; run again, nothing is done twice.
PYTHON ?= python3
BIN := .venv/bin
# Twice quiet: an old pip warns of every place where it does not find a package. Errors are told.
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all lint bench bench-gpu faults findings mutants architectures notebooks studies docs docs-links lock newest newest-torch lowest dist clean

demo: .venv/.installed-demo
	$(BIN)/mediate demo

# A file's tests stay with one worker, so that the models and runs that they share are made once.
test: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: .venv/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Two more libraries that patch, for comparison; nothing else needs them. Writes docs/speed.md; wants an idle machine.
bench: .venv/.installed-dev
	$(PIP_INSTALL) --editable ".[bench]"
	TQDM_DISABLE=1 $(BIN)/python -m tools.bench $(BENCH) --write

# Where a GPU is at hand: its share of its own rate, in three precisions, against the processor. Needs 64 GB of memory.
bench-gpu: .venv/.installed-dev
	TQDM_DISABLE=1 $(BIN)/python -m tools.bench gpu --write

# Processes killed at random, full disks, many writers: twenty minutes and more. Writes its table in docs/trust.md.
faults: .venv/.installed-dev
	$(BIN)/python -m tools.faults $(FAULTS) --write

# From models that come with the package or that it fetches; what runs/findings has already is read back.
findings: .venv/.installed-dev
	TQDM_DISABLE=1 $(BIN)/python -m tools.findings $(FINDINGS)

# Seeds known bugs into a copy of the source; the tests must notice every one.
mutants: .venv/.installed-dev
	$(BIN)/python -m tools.mutants

# Tiny random models of every class that is bridged, against plain transformers; writes docs/architectures.md.
architectures: .venv/.installed-dev
	$(BIN)/python -m tools.architectures

# The .py files are the source; this writes the .ipynb beside each, with its outputs.
notebooks: .venv/.installed-dev
	cd notebooks && ../$(BIN)/jupytext --to ipynb --execute $(if $(NOTEBOOKS),$(addsuffix .py,$(NOTEBOOKS)),*.py)

# Longer than a notebook, with claims and verdicts; writes the reports in docs/studies.
studies: .venv/.installed-dev
	$(BIN)/python -m tools.studies $(STUDIES)

# The site, into build/docs/html; warnings, such as a link that leads nowhere, are errors.
docs: .venv/.installed-dev
	$(BIN)/python -m sphinx -b html -W --keep-going -q docs build/docs/html
	@echo "docs: build/docs/html/index.html"

# Links to other sites, over the network; of no release and no test.
docs-links: .venv/.installed-dev
	$(BIN)/python -m sphinx -b linkcheck -q docs build/docs/links

check-python = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mediate needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }

# Renews constraints.txt and requirements-hashed.txt and prints what moved; TORCH=2.14.1 moves torch, which else stays.
lock: .venv/.installed-dev
	$(BIN)/python -m tools.lock $(if $(TORCH),--torch $(TORCH))

# Each makes an environment of its own, runs the main things in it, and says in its last line what broke. `newest` looks
# past the ends of all ranges, at a torch without CUDA; `newest-torch` at the newest torch too, some gigabytes on Linux.
newest newest-torch lowest:
	@$(check-python)
	@$(PYTHON) -m tools.fresh $@ $(if $(TORCH),--torch $(TORCH))

# Wheel and sdist, checked; the wheel runs its demo in an environment that has nothing else.
dist: .venv/.installed-dev
	$(BIN)/python -m tools.dist

$(BIN)/python:
	@$(check-python)
	$(PYTHON) -m venv .venv

# constraints.txt pins torch too: an open range fetches gigabytes of CUDA on Linux.
.venv/.installed-demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "setting up .venv (about 2 GB, a few minutes the first time)"
	@test -e .venv/.installed-dev || $(PIP_INSTALL) --editable ".[gguf]"
	@touch $@

.venv/.installed-dev: $(BIN)/python pyproject.toml constraints.txt
	@echo "setting up .venv for development (about 2 GB, a few minutes the first time)"
	@$(PIP_INSTALL) --editable ".[dev]"
	@touch $@

clean:
	rm -rf .venv .venv-newest .venv-newest-torch .venv-lowest build dist .mypy_cache .pytest_cache .ruff_cache
