# Everything a developer or a CI machine types. `make` alone lists the verbs.
#
#   PYTHON=python3.12   another interpreter (3.11 to 3.13)
#   PIP_ARGS="…"        passed to pip: a proxy, or the index that has a torch without 3 GB of CUDA for this machine
#   ARGS="…"            passed to the demo or to pytest

PYTHON ?= python3
PIP_ARGS ?=
ARGS ?=
BIN := .venv/bin
STAMP := .venv/.installed
# One thread per test process: two processes with two threads each on two cores are ten times slower than this.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadgroup

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install demo test test-all browser screenshots check words fix

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## put all that is needed into .venv
	@:

demo: $(STAMP) ## start a local Discord, the bot and its workers, and draw a first picture
	@$(BIN)/python -m sandbox $(ARGS)

test: check ## check, then the fast tests
	@$(PYTEST) -m "not slow and not gpu and not browser" $(ARGS)

test-all: check ## check, then every test that needs no GPU
	@$(PYTEST) -m "not gpu and not browser" $(ARGS)

browser: $(STAMP) ## test the sandbox page in a real Chromium
	@$(PYTEST) -n 0 -m browser tests/sandbox/page $(ARGS)

screenshots: $(STAMP) ## take the pictures of the sandbox page in the documents anew
	@OMP_NUM_THREADS=1 $(BIN)/python docs/screenshots.py

check: $(STAMP) ## lint, format, import rules, types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Some files are not formatted; run make fix." >&2; exit 1; }
	@$(BIN)/lint-imports --no-logo > .venv/imports.log 2>&1 || { cat .venv/imports.log >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary

words: $(STAMP) ## write the catalogue of what members read, and compile its translations
	@$(BIN)/python docs/words.py

fix: $(STAMP) ## let the linter repair and format what it can
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || { echo "This needs Python 3.11, 3.12 or 3.13; install one and name it, as in make PYTHON=python3.12." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { echo "The venv module is missing; on Debian and Ubuntu run: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -c constraints.txt -e '.[test]'
	@touch $@
