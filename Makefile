# One word each, for people and for CI alike. Each sets up what it needs in .venv, and only when
# pyproject.toml or constraints.txt have changed.

SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUITABLE)' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PINNED := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test cluster lint docs bench bench-full run-benchmarks browser clean fuzz lock licences sbom audit install-hashed test-min test-latest

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 16

demo: $(VENV)/.installed ## run the demonstration study: topics, themes, scores, report
	$(BIN)/themeloom run experiments/dearmhp.toml

# Three files at a time, as many tests wait for servers and browsers; each in one thread: more threads hinder
# each other on arrays as small as those of tests. Compiled Python is kept: the processes that tests start are many.
test: $(VENV)/.installed-test browser ## run all tests
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

cluster: $(VENV)/.installed-test $(VENV)/.installed-ray ## run the tests on a Ray cluster of two nodes, one of which is killed
	OMP_NUM_THREADS=1 $(BIN)/pytest -m cluster

lint: $(VENV)/.installed-lint ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-docs ## build the manual into site/
	$(BIN)/python docs/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "site/index.html"

# Figures say little beside other work: runners come one after the other.
bench: QUICK := --quick
bench: $(VENV)/.installed-test browser run-benchmarks ## ask each benchmark less; results go to build/bench/
bench-full: $(VENV)/.installed-test $(VENV)/.installed-ray browser run-benchmarks ## run every benchmark whole, which takes a day; results go to benchmarks/results/

run-benchmarks:
	@for runner in benchmarks/[!_]*.py; do echo "$$runner"; $(BIN)/python "$$runner" $(QUICK) || exit; done

fuzz: $(VENV)/.installed-test $(VENV)/.installed-fuzz ## spoil 200,000 files and see that every reader stands it (some 20 minutes)
	PYTHONPATH=src $(BIN)/python benchmarks/fuzzing.py

licences: $(VENV)/.installed-test $(VENV)/.installed-ray $(VENV)/.installed-lint $(VENV)/.installed-docs ## list the licence of all that is needed; fail where one is not permissive
	$(BIN)/python docs/licences.py

sbom: $(VENV)/.installed-supply ## write the bill of materials of .venv (CycloneDX 1.6) to build/sbom.json
	@mkdir -p build
	$(BIN)/cyclonedx-py environment --sv 1.6 --output-reproducible --validate -o build/sbom.json $(VENV)

audit: $(VENV)/.installed-supply ## look up known vulnerabilities of every pinned version; needs the network
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements-hashed.txt

COMPILE = $(BIN)/uv pip compile -q --universal --no-annotate --no-header --python-version 3.11.5 --upgrade pyproject.toml

lock: $(VENV)/.installed-supply ## write requirements-hashed.txt and constraints-min.txt anew from the index; needs the network
	@{ sed '/^#/!d' requirements-hashed.txt; $(COMPILE) -c constraints.txt --generate-hashes \
		--extra test --extra lint --extra docs --extra spark --extra ray; } > requirements-hashed.new
	@mv requirements-hashed.new requirements-hashed.txt
	@{ sed '/^#/!d' constraints-min.txt; $(COMPILE) --resolution lowest-direct --extra test; } > constraints-min.new
	@mv constraints-min.new constraints-min.txt

install-hashed: ## install into .venv-hashed, each file checked against its published SHA-256
	$(PYTHON) -m venv .venv-hashed
	.venv-hashed/bin/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements-hashed.txt
	.venv-hashed/bin/pip install -qq --disable-pip-version-check --no-deps .

# Old versions warn of what newer Pythons and each other will drop; MLflow's own behaviour differs by version.
FAST := tests/corpus tests/themes tests/discovery/test_embed.py tests/discovery/test_backend.py tests/discovery/test_adapt.py \
	tests/discovery/test_cluster.py tests/test_config.py tests/system/test_cache.py tests/test_public_api.py \
	tests/history/test_store.py tests/labelling/test_label_store.py tests/labelling/test_exports_and_imports.py \
	tests/test_cli.py tests/fuzz

test-min: ## run the fast tests with the lowest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-min
	.venv-min/bin/pip install -qq --disable-pip-version-check -c constraints-min.txt -e '.[test]'
	OMP_NUM_THREADS=1 .venv-min/bin/pytest -q -W default -m "not slow" $(FAST)

test-latest: ## run the fast tests with the newest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-latest
	.venv-latest/bin/pip install -qq --disable-pip-version-check --upgrade --upgrade-strategy eager -e '.[test]'
	OMP_NUM_THREADS=1 .venv-latest/bin/pytest -q -W default -m "not slow" $(FAST)

clean: ## remove what was built; runs, caches, keys and .venv stay
	rm -rf build dist site .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find docs src tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Themeloom needs Python 3.11, 3.12 or 3.13: install one, or name it by make PYTHON=…" >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

INSTALL = $(BIN)/pip install -qq --disable-pip-version-check -c constraints.txt

$(VENV)/.installed: $(PINNED) | $(BIN)/python
	@echo "Installing into $(VENV); the first time takes some minutes"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-%: $(PINNED) | $(BIN)/python
	@echo "Installing into $(VENV), with what '$*' needs; the first time takes some minutes"
	@$(INSTALL) -e '.[$*]'
	@touch $@ $(VENV)/.installed

# Tests open the report in a real browser. Where none can be had they are skipped, but fail where CI is set.
browser:
	@for name in chromium chromium-browser google-chrome; do \
		command -v $$name >/dev/null && exit 0; \
	done; \
	if ! command -v apt-get >/dev/null; then can=no; \
	elif [ "$$(id -u)" = 0 ]; then can=yes; root=; \
	elif sudo -n true 2>/dev/null; then can=yes; root="sudo -n"; \
	else can=no; fi; \
	if [ $$can = yes ]; then \
		echo "Installing Chromium"; \
		$$root apt-get update -qq && \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null \
		&& exit 0; \
	fi; \
	echo "There is no Chromium, and it cannot be installed from here; install the package 'chromium'." >&2
