# Each target calls the command of the same name; the first one that runs sets up
# the virtual environment. Pass arguments in ARGS: make rollback ARGS="--steps 2".

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DRYSTONE := $(BIN)/drystone

# The first interpreter on the PATH that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Drystone needs Python 3.11 or newer on the PATH, or: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

.PHONY: help setup demo migrate rollback status new verify drift trace plans lint statistics review generate seed relay worker queues doctor serve backup restore docker-up docker-down docker-test test test-browser test-faults soak check pyright format lock bench up down psql

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create the virtual environment from the lock file

demo: $(READY) ## Start the server, migrate, seed, and show real answers
	@$(DRYSTONE) demo $(ARGS)

migrate: $(READY) ## Apply the migrations that are pending
	@$(DRYSTONE) migrate $(ARGS)

rollback: $(READY) ## Roll the last migration back; ARGS="--steps 2" for more
	@$(DRYSTONE) rollback $(ARGS)

status: $(READY) ## Show what is applied, pending, edited or missing
	@$(DRYSTONE) status $(ARGS)

new: $(READY) ## Create a migration: ARGS="events add-venue"
	@$(DRYSTONE) new $(ARGS)

verify: $(READY) ## Prove that every migration's rollback restores everything
	@$(DRYSTONE) verify $(ARGS)

drift: $(READY) ## Compare the database with what its migrations make
	@$(DRYSTONE) drift $(ARGS)

lint: $(READY) ## Find hazards in migrations and queries; ARGS="--since main"
	@$(DRYSTONE) lint $(ARGS)

statistics: $(READY) ## Write how big the tables are: ARGS="--out sizes.json"
	@$(DRYSTONE) statistics $(ARGS)

trace: $(READY) ## Show the locks, rewrites and scans of each migration
	@$(DRYSTONE) trace $(ARGS)

plans: $(READY) ## Explain every query on representative data
	@$(DRYSTONE) plans $(ARGS)

review: $(READY) ## Write the report of a release; ARGS="--since main"
	@$(DRYSTONE) review $(ARGS)

generate: $(READY) ## Write the typed functions of the named queries
	@$(DRYSTONE) generate $(ARGS)

seed: $(READY) ## Load the development seed
	@$(DRYSTONE) seed $(ARGS)

relay: $(READY) ## Send the outbox's jobs to Redis, until interrupted
	@$(DRYSTONE) relay $(ARGS)

worker: $(READY) ## Do jobs: ARGS="app.jobs:registry"
	@$(DRYSTONE) worker $(ARGS)

queues: $(READY) ## Show the queues and their health
	@$(DRYSTONE) queues $(ARGS)

doctor: $(READY) ## Say what is wrong with this set-up, and what to do
	@$(DRYSTONE) doctor $(ARGS)

serve: $(READY) ## Answer probes and Prometheus, until interrupted
	@$(DRYSTONE) serve $(ARGS)

backup: $(READY) ## Back the database up; ARGS="list", "prune", "verify PATH"
	@$(DRYSTONE) backup $(ARGS)

restore: $(READY) ## Restore a backup: ARGS="PATH --into URL --verify"
	@$(DRYSTONE) restore $(ARGS)

docker-up: ## Build and start the containers of docker/
	@cd docker && ./make-secrets.sh && docker compose up --detach --build

docker-down: ## Stop the containers; their data stays
	@cd docker && docker compose down

docker-test: $(READY) ## Prove the containers for real; needs docker
	@$(BIN)/python -m pytest tests/docker -m "long or not long" -rP --show-capture=stdout $(ARGS)

up: $(READY) ## Start the embedded server
	@$(DRYSTONE) db start

down: $(READY) ## Stop the embedded server
	@$(DRYSTONE) db stop

psql: $(READY) ## Open psql on the database
	@$(DRYSTONE) db psql $(ARGS)

test: $(READY) ## Run the tests, in parallel
	@$(BIN)/python -m pytest --numprocesses auto $(ARGS)

test-browser: $(READY) ## Read the report in a browser; needs chromium
	@$(BIN)/python -m pytest tests/browser $(ARGS)

test-faults: $(READY) ## Kill things at random, for minutes
	@$(BIN)/python -m pytest tests -m long -rP --show-capture=stdout $(ARGS)

soak: $(READY) ## Let faults come for half an hour: ARGS="--minutes 3 --every 10"
	@$(BIN)/python -m tests.faults.soak $(ARGS)

check: $(READY) ## Check style, types, SQL, and that what is generated is fresh
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(DRYSTONE) lint
	@$(DRYSTONE) generate --check
	@$(BIN)/mypy
	@$(BIN)/mypy tests

pyright: $(READY) ## Check the generated code's types with pyright too
	@$(PYTHON) -m venv --clear $(VENV)-pyright
	@$(VENV)-pyright/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-pyright.lock
	@$(VENV)-pyright/bin/basedpyright --pythonpath $(BIN)/python --project tests/typing

bench: $(READY) ## Measure the ratios that the documents state
	@$(BIN)/python -m benchmarks $(ARGS)

format: $(READY) ## Format the Python code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: ## Renew requirements.lock (needs uv)
	uv pip compile pyproject.toml --all-extras --group dev --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade --quiet \
		--output-file requirements.lock
	uv pip compile --group pyright --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade --quiet \
		--output-file requirements-pyright.lock
	uv pip compile pyproject.toml --extra redis --extra serve --extra opentelemetry --extra aws --extra encryption \
		--universal --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet \
		--output-file docker/requirements.lock
	printf 'hatchling>=1.27\n' | uv pip compile - --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --upgrade --quiet \
		--output-file docker/build.lock
