# One command for each thing that people and CI do. `make help` lists them.
#
# PYTHON=/path/to/python3.12   interpreter for the virtual environments (3.10 to 3.13; default: python3)
# ROWS=serving,check  ROUNDS=1    what `make bench` measures, and how often (then nothing is kept); default: all, as declared
# PORT=8081  DEMO_HOME=/folder  DEMO_DAGS=/folder   where the demo listens, what it keeps, and whose DAGs it shows

VENV := .venv
LOWEST := .venv-lowest
PYTEST := $(VENV)/bin/python -m pytest
LOWEST_PYTEST := $(LOWEST)/bin/python -m pytest
BOTH_CORES := -n 2 --dist loadgroup --durations=10
# The rest of tests/unit and tests/db never meets Airflow, and its libraries are the same on every version of Airflow.
UNITS_ON_AIRFLOW := airflow_internals bundles hooks operators pipelines sensors triggers views \
	test_imports.py test_package.py test_plugin.py
DB_ON_AIRFLOW := airflow_internals analysis api bundles cli views test_harness.py test_migrations.py \
	$(addprefix services/,test_main_job.py server/test_startup.py versions/test_risk.py exports/test_exports.py imports/test_placeholders.py)
# Thousands of hostile values meet our schemas and the databases, which are the same there, too.
NOT_ON_LOWEST := breaks_the_server

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-check test test-lowest check unit db e2e bench soak docs map pictures translations venv venv-lowest system constraints clean

help:  ## list the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: venv  ## run Airflow with Airflow Release at http://127.0.0.1:8080 until Ctrl-C
	@PORT="$(PORT)" DEMO_HOME="$(DEMO_HOME)" DEMO_DAGS="$(DEMO_DAGS)" exec $(VENV)/bin/python -m demo

demo-check: venv system  ## do the main job in a demo of its own, over HTTP and in a browser
	@$(VENV)/bin/python -m demo.check

test: check db test-lowest e2e  ## everything that CI runs, on Airflow 3.3 and 3.2; the first part that fails ends it

test-lowest: venv-lowest system  ## what depends on Airflow, on the lowest supported one
	@echo "--- what depends on Airflow, Airflow 3.2"
	@$(LOWEST_PYTEST) $(BOTH_CORES) -k "not $(NOT_ON_LOWEST)" $(addprefix tests/db/,$(DB_ON_AIRFLOW)) $(addprefix tests/unit/,$(UNITS_ON_AIRFLOW))

check: venv  ## format, lint, types, import contract, house rules, unit tests, docs
	@VENV=$(VENV) scripts/check

unit: venv  ## tests that need no database
	@$(PYTEST) tests/unit

db: venv system  ## tests on Airflow's metadata database: SQLite and PostgreSQL
	@echo "--- database and contracts, Airflow 3.3"
	@$(PYTEST) $(BOTH_CORES) tests/db tests/contract

e2e: venv system  ## tests that drive a whole Airflow and a browser
	@echo "--- end to end, Airflow 3.3"
	@$(PYTEST) $(BOTH_CORES) tests/e2e

soak: venv system  ## play three years of a team, or WEEKS=8, on both databases; fails if what has an end grows
	@$(VENV)/bin/python -m soak $(if $(WEEKS),--weeks $(WEEKS))

docs: venv map translations  ## renew what the documentation takes from the code
	@$(VENV)/bin/python -m scripts.generate_docs

translations: venv  ## bring the catalogues of the languages up to date
	@$(VENV)/bin/python -m scripts.translations

map: venv  ## draw the packages and what they import into the documentation
	@$(VENV)/bin/python -m scripts.draw_map

pictures: venv system  ## take the pictures of the documentation anew
	@scripts/setup-system pictures
	@$(VENV)/bin/python -m scripts.screenshots

bench: venv system  ## measure what must stay fast, beside what people use today; ROWS=serving,check for parts
	@BENCH_ROUNDS="$(ROUNDS)" $(VENV)/bin/python -m benchmarks "$(ROWS)"

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
