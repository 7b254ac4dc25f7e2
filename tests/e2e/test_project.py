"""A folder as projects have it goes to prod as it is: nobody names a file of it."""

from __future__ import annotations

import pytest

from tests.harness.driver import Driver

PROJECT = {
    "include/__init__.py": "",
    "include/labels.py": "from pathlib import Path\n"
    "LABELS = [Path(__file__).with_name('labels.txt').read_text()]\n",
    "include/labels.txt": "from a module",
    "made/north.yaml": "region: north\nquery: counts.sql\n",
    "made/south.yaml": "region: south\nquery: counts.sql\n",
    "queries/counts.sql": "select count(*) from orders where region = '{{ params.region }}'\n",
    "scripts/report.sh": '#!/bin/sh\n. "{{ params.here }}/scripts/common.sh"\nreport {{ run_id }}\n',
    "scripts/common.sh": "report() { echo reported $1; }\n",
    "shop_dbt/dbt_project.yml": "name: shop\nmodel-paths: [models]\n",
    "shop_dbt/models/orders.sql": "select 1 as id\n",
    "shop_dbt/models/schema.yml": "version: 2\n",
    "shop_dbt/profiles/profiles.yml": "shop: {}\n",
}
MADE = """
from pathlib import Path
import yaml
from airflow.sdk import DAG, task

HERE = Path(__file__).parent

for file in sorted((HERE / "made").glob("*.yaml")):
    made = yaml.safe_load(file.read_text())
    with DAG(f"made_{made['region']}", schedule=None, template_searchpath=str(HERE / "queries"),
             params={"region": made["region"]}):
        @task(templates_dict={"query": made["query"]}, templates_exts=[".sql"])
        def count(templates_dict=None, params=None):
            assert params["region"] in templates_dict["query"], templates_dict

        count()
"""
REPORT = """
from pathlib import Path
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from include.labels import LABELS

with DAG("report", schedule=None, tags=LABELS, params={"here": str(Path(__file__).parent)}):
    BashOperator(task_id="report", bash_command="scripts/report.sh")
"""
DBT = """
from pathlib import Path
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = Path(__file__).parent / "shop_dbt"

with DAG("shop_models", schedule=None):
    BashOperator(
        task_id="build",
        bash_command="test -f models/orders.sql -a -f models/schema.yml -a -f $DBT_PROFILES_DIR/profiles.yml",
        cwd=str(PROJECT),
        env={"DBT_PROFILES_DIR": str(PROJECT / "profiles")},
        append_env=True,
    )
"""


@pytest.mark.req("R81")
def test_a_project_reaches_prod_and_runs_there_though_nobody_names_its_files(driver: Driver) -> None:
    for path, text in PROJECT.items():
        driver.write(path, text)
    for name, text in (("made_by_hand", MADE), ("report", REPORT), ("shop_models", DBT)):
        driver.add(name, text)

    driver.ship("made_by_hand.py", "report.py", "shop_models.py", title="The whole project")

    for dag_id in ("made_north", "made_south", "report", "shop_models"):
        driver.wait_for_run(dag_id, driver.run(dag_id), "success")
