# Aiguillage. `make` lists what there is; every target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help demo demo-support up down test check authz bench bench-push eval-support fuzz upgrade-test docs contracts lock clean

PY := .venv/bin/python
READY := .venv/ready
IS_RECENT := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON := $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c '$(IS_RECENT)' 2>/dev/null && echo $$python && break; done)
PIP_TOOLS := 7.6.2
COMPILE := CUSTOM_COMPILE_COMMAND='make lock' .run/lock/bin/pip-compile -q --allow-unsafe \
	--generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --no-emit-options

# What `make check` runs, and what `make test` runs unless told which: TESTS="tests/integration".
# The first in one process: thousands of short tests, which cost workers more than they last.
CHECKED := tests/unit tests/contracts tests/architecture
TESTS ?= tests

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'
	@echo 'BACKEND=embedded|native|docker forces where broker and store come from; BASE_PORT=N fixes the ports of `up`.'
	@echo '`up` keeps data and logs in .run/<backend>, or in RUN_DIR=folder; FRESH=1 forgets the data first.'

demo: $(READY) ## carry dossiers through every circuit, let 42 days pass, print every hop, end by itself
	@BACKEND=$${BACKEND:-embedded} exec $(PY) -m deploy.local.demo

demo-support: $(READY) ## tickets, virtual agent and chat of support, on a Tuesday, 14 July and a Sunday
	@BACKEND=$${BACKEND:-embedded} exec $(PY) -m deploy.local.demo_support

up: $(READY) ## keep the platform running and print its origin; on native, data stay between runs
	@BACKEND=$${BACKEND:-embedded} exec $(PY) -m deploy.local up

down: $(READY) ## stop what `up` left running
	@exec $(PY) -m deploy.local down

test: $(READY) ## the whole suite or TESTS=, on a real Kafka where Java 17 and Maven are
	@$(PY) -m deploy.local which-backend
	@$(PY) -m pytest -q -n auto $(TESTS)

check: $(READY) ## format, lint, types, dependency rules, fast tests
	@.venv/bin/ruff format --check -q .
	@.venv/bin/ruff check -q .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest -q $(CHECKED)

authz: $(READY) ## call every endpoint as every kind of caller, and name each surprise
	@$(PY) -m tests.authz

bench: $(READY) ## pieces per second and CPU, beside a hand-written loop: ROUNDS= DOSSIERS=
	@$(PY) -m tests.bench

bench-push: $(READY) ## from a status committed to its webhook received, beside sick subscribers: ROUNDS= SECONDS=
	@$(PY) -m tests.bench.bench_push

eval-support: $(READY) ## what the desk's model and the virtual agent get right
	@OMP_NUM_THREADS=1 $(PY) -m tests.eval

fuzz: $(READY) ## mutated files, generated requests, malformed records: SEED= INPUTS=
	@SEED=$${SEED:-1} INPUTS=$${INPUTS:-10000} $(PY) -m tests.fuzz

upgrade-test: $(READY) ## two versions under traffic: side by side, the next, back, and with its level written
	@$(PY) -m pytest -q tests/upgrade

docs: $(READY) ## write again the pages that are generated
	@$(PY) -m docs.generators

contracts: $(READY) ## release the contracts as they are, or name what they would break
	@$(PY) -m tests.contracts

lock: ## resolve the dependencies again, and pin them by hash
	@$(PYTHON) -m venv .run/lock && .run/lock/bin/pip install -q pip-tools==$(PIP_TOOLS)
	@$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	@$(COMPILE) -c requirements.lock --output-file requirements-runtime.lock pyproject.toml

clean: ## remove what was built, fetched or left by a run, data of `up` included
	@rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock
	@test -n '$(PYTHON)' || { echo 'error: Python 3.11 or newer is needed, and no python3 here is'; exit 1; }
	@$(PYTHON) -m venv --clear .venv >/dev/null 2>&1 || { \
		echo 'error: $(PYTHON) cannot make a virtual environment (Debian: apt-get install python3-venv)'; exit 1; }
	@echo 'installing the dependencies into .venv (once, about a minute)'
	@.venv/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock || { \
		echo 'error: pip could not install the dependencies: its reason is above'; exit 1; }
	@touch $@
