# One command for each thing that people and CI do. `make help` lists them.
#
# PYTHON=/path/to/python3.12   interpreter for the virtual environments (3.10 to 3.13; default: python3)
# PORT=8081  DEMO_HOME=/folder  DEMO_DAGS=/folder   where the demo listens, what it keeps, and whose DAGs it shows

VENV := .venv
LOWEST := .venv-lowest
PYTEST := $(VENV)/bin/python -m pytest
LOWEST_PYTEST := $(LOWEST)/bin/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo demo-check test test-lowest check unit db e2e bench docs pictures venv venv-lowest system constraints clean

help:  ## list the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: venv  ## run Airflow with Airflow Release at http://127.0.0.1:8080 until Ctrl-C
	@PORT="$(PORT)" DEMO_HOME="$(DEMO_HOME)" DEMO_DAGS="$(DEMO_DAGS)" exec $(VENV)/bin/python -m demo

demo-check: venv system  ## do the main job in a demo of its own, over HTTP and in a browser
	@$(VENV)/bin/python -m demo.check

test: venv venv-lowest system  ## everything that CI runs: checks and all tests, on Airflow 3.3 and 3.2
	@scripts/test

test-lowest: venv-lowest system  ## unit and database tests on the lowest supported Airflow
	@$(LOWEST_PYTEST) -n 2 --dist loadgroup tests/unit tests/db

check: venv  ## format, lint, types, import contract, house rules, unit tests, docs
	@VENV=$(VENV) scripts/check

unit: venv  ## tests that need no database
	@$(PYTEST) tests/unit

db: venv system  ## tests on Airflow's metadata database: SQLite and PostgreSQL
	@$(PYTEST) -n 2 --dist loadgroup tests/db tests/contract

e2e: venv system  ## tests that drive a whole Airflow and a browser
	@$(PYTEST) tests/e2e

docs: venv  ## renew what the documentation takes from the code
	@$(VENV)/bin/python -m scripts.generate_docs

pictures: venv system  ## take the pictures of the documentation anew
	@$(VENV)/bin/python -m scripts.screenshots

bench: venv system  ## measure what must stay fast
	@$(VENV)/bin/python -m benchmarks

venv:
	@PYTHON="$(PYTHON)" scripts/setup-venv $(VENV) constraints.txt

venv-lowest:
	@PYTHON="$(PYTHON)" scripts/setup-venv $(LOWEST) constraints-3.2.txt

system:
	@scripts/setup-system

constraints: venv  ## renew the pinned versions
	@scripts/compile-constraints

clean:  ## remove what these commands made
	@rm -rf $(VENV) $(LOWEST) .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist
