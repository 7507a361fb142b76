# Everything runs inside .venv, which is made and kept current by itself.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test check bench eval load screenshots image lock environment browser mariadb warehouses cube

VENV ?= .venv
BIN := $(VENV)/bin
# The first of these that is new enough; set PYTHON to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3,11) <= sys.version_info[:2] <= (3,13))' && echo $$p && break; done)
PIP_FLAGS := --disable-pip-version-check --no-input

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: environment ## Start everything on this machine and print the address
	@exec $(BIN)/python -m aiser_app up

test: environment warehouses browser mariadb cube ## Run all tests and print the coverage table
	@rm -f .coverage .coverage.* coverage.json
	@status=0; $(BIN)/coverage run -m pytest $(TESTS) || status=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage json --quiet -o coverage.json && \
	$(BIN)/python -m tests.coverage_floors coverage.json || status=1; exit $$status

check: environment ## Format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy aiser_app benchmarks
	@$(BIN)/lint-imports

bench: environment ## Measure how long things take and print the table
	@exec $(BIN)/python -m benchmarks

eval: environment ## Ask the evaluation questions and print how many answers are right
	@exec $(BIN)/python -m tests.evals

load: environment ## Many people at once, on an Aiser started for it
	@exec $(BIN)/python -m benchmarks.load

screenshots: environment browser ## Renew the screenshots in docs
	@exec $(BIN)/python -m tests.e2e.screenshots

image: ## Build the container image with docker, podman or buildah
	@exec deploy/build-image

lock: environment ## Renew requirements.txt from requirements.in
	@$(BIN)/python -m pip install $(PIP_FLAGS) --quiet uv
	@set -e -o pipefail; $(BIN)/uv pip compile requirements.in --quiet --universal --python-version 3.11 \
		--no-annotate --no-header -c requirements.txt | \
	sed -E -e '/^(colorama|httpx2-jsfetch)==/d' -e '/python_full_version/!s/ ; .*//' > requirements.new
	@{ grep '^#' requirements.txt; cat requirements.new; } > requirements.next
	@mv requirements.next requirements.txt; rm requirements.new
	@set -e -o pipefail; $(BIN)/uv pip compile requirements-warehouses.in --quiet --universal --python-version 3.11 \
		--no-annotate --no-header -c requirements.txt | \
	sed -E -e '/^(colorama|httpx2-jsfetch)==/d' -e '/python_full_version/!s/ ; .*//' | \
	grep -vxFf requirements.txt > requirements.new
	@{ grep '^#' requirements-warehouses.txt; cat requirements.new; } > requirements.next
	@mv requirements.next requirements-warehouses.txt; rm requirements.new

environment:
	@set -e -o pipefail; if ! cmp -s requirements.txt $(VENV)/installed-requirements.txt; then \
	  if [ -z "$(PYTHON)" ]; then \
	    echo "Aiser needs Python 3.11, 3.12 or 3.13. Install one, or run: make PYTHON=/path/to/python" >&2; exit 1; fi; \
	  if [ ! -x $(BIN)/python ]; then echo "Making the environment in $(VENV) with $$($(PYTHON) --version) …"; \
	    $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	      echo "Could not make it. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; fi; \
	  count=$$(grep -c == requirements.txt); \
	  echo "Installing $$count packages (one to three minutes at the first time) …"; \
	  $(BIN)/python -m pip install $(PIP_FLAGS) --progress-bar off -r requirements.txt 2>$(VENV)/install.log | \
	    awk -v count=$$count '/^(Collecting|Requirement already satisfied)/ \
	      { if (++n % 25 == 0 && n < count) { print "  " n " of " count " packages"; fflush() } } \
	      /^Installing collected/ { print "  unpacking"; fflush() }' \
	    || { grep -v '^WARNING' $(VENV)/install.log | tail -20 >&2; exit 1; }; \
	  cp requirements.txt $(VENV)/installed-requirements.txt; \
	  echo "Packages are installed."; \
	fi

browser: environment
	@$(BIN)/python -m tests.fixtures.browser

mariadb: environment
	@$(BIN)/python -m tests.fixtures.mariadb

cube: environment
	@$(BIN)/python -m tests.fixtures.cube

warehouses: environment
	@cmp -s requirements-warehouses.txt $(VENV)/installed-warehouses.txt || { \
	  echo "Installing the drivers of warehouses for the tests …"; \
	  $(BIN)/python -m pip install $(PIP_FLAGS) --quiet -r requirements-warehouses.txt && \
	  cp requirements-warehouses.txt $(VENV)/installed-warehouses.txt; }
