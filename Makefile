# One virtual environment, built from the hash-locked requirements; the project itself goes in as a wheel.
# A stamp in .venv is newer than all it was made from, so nothing is done twice.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Folders are listed too: their time changes when a file in them is removed.
SHIPPED := $(shell find pipeline configs models data ! -path '*/__pycache__*' ! -name '.*' 2>/dev/null) \
	pyproject.toml $(wildcard README.md LICENSE)
# Threads that wait for others should sleep: on few cores, spinning ones take the time of the working ones.
export OMP_WAIT_POLICY := PASSIVE
# Nothing but the environment's own packages; and these are compiled when first used, which halves the
# time to install them, so keeping what was compiled must not be switched off.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.PHONY: help run test deep spark lint types docs bench lock clean

help: ## Say what each target does
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14

run: $(VENV)/package.stamp ## A real retailer's log to a published at-risk list
	@$(BIN)/winback run --config configs/winback.toml --date 2017-12-31 --replace-list

# A worker for each core, with one numeric thread each; tests of one file stay together and share what they set up.
test: export OMP_NUM_THREADS := 1
test: $(VENV)/package.stamp $(VENV)/dev.stamp ## The tests, against the installed wheel
	@$(BIN)/pytest -q -m "not deep" -n auto --maxprocesses 4 --dist loadfile

deep: $(VENV)/package.stamp $(VENV)/dev.stamp ## The tests that take minutes
	@$(BIN)/pytest -q -m deep

# Spark is as large as all the rest together, so it lies apart and only these tests see it.
spark: export OMP_NUM_THREADS := 1
spark: $(VENV)/package.stamp $(VENV)/dev.stamp .spark/made.stamp ## The tests of features and scores on Spark; needs Java
	@PYTHONPATH=.spark $(BIN)/pytest -q tests/test_spark.py

lint: $(VENV)/dev.stamp ## Rules and formatting of the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp ## Types of the package
	@$(BIN)/mypy

docs: $(VENV)/package.stamp $(VENV)/dev.stamp ## The pages of docs/reference, from the code
	@$(BIN)/python docs/generate.py

# More: make bench ORDERS=10000000. The largest sizes and Spark have programs of their own, see benchmarks/README.md.
ORDERS := 1000000
bench: $(VENV)/package.stamp $(VENV)/dev.stamp ## The feature engine against SQL, pandas, polars and others
	@set -e; for name in features libraries other_tables; do echo "== $$name"; $(BIN)/python benchmarks/$$name.py $(ORDERS); done

# Releases of the last seven days are left out: a bad one is usually noticed and withdrawn within them.
LOCK := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --extra demo \
	--generate-hashes --no-build --no-header --no-emit-index-url --no-emit-find-links \
	--annotation-style line --exclude-newer "7 days"
lock: $(VENV)/dev.stamp ## Lock the newest allowed versions of all dependencies
	@$(LOCK) --upgrade --group dev -o requirements-dev.lock
	@$(LOCK) --upgrade --group build -c requirements-dev.lock -o requirements.lock
	@sed -n 's/^spark = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(BIN)/uv pip compile - --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --no-emit-find-links --upgrade -o requirements-spark.lock

clean: ## Remove what these targets built; runs and models stay
	@rm -rf $(VENV) .spark dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made.stamp:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "new $(VENV) with $$("$$python" --version)"; \
		"$$python" -m venv --clear $(VENV) && touch $@; exit; \
	done; echo "winback needs Python 3.11 or newer: none of python3, python3.14 to python3.11 is that." >&2; exit 1

$(VENV)/runtime.stamp: requirements.lock $(VENV)/made.stamp
	@echo "installing requirements.lock"
	@$(PIP) install --quiet --require-hashes --only-binary :all: --no-compile -r requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	@echo "installing requirements-dev.lock"
	@$(PIP) install --quiet --require-hashes --only-binary :all: --no-compile -r requirements-dev.lock
	@touch $@

.spark/made.stamp: requirements-spark.lock $(VENV)/dev.stamp
	@echo "installing requirements-spark.lock"
	@$(PIP) install --quiet --require-hashes --no-deps --upgrade --target .spark -r requirements-spark.lock
	@touch $@

$(VENV)/package.stamp: $(SHIPPED) $(VENV)/runtime.stamp
	@echo "installing the wheel of this tree"
	@rm -f dist/winback-*.whl
	@$(PIP) wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir dist .
	@$(PIP) install --quiet --no-index --no-deps --force-reinstall dist/winback-*.whl
	@touch $@
