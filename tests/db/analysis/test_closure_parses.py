"""What the closure says is enough: the files alone, in an empty folder, parse like in the full one."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from airflow_release_plugin.analysis.closure import Closure, compute_closure
from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.proof.report import FileReport
from tests.harness.running import run_files

EXAMPLES = ("airflow.example_dags", "airflow.providers.standard.example_dags")
DEMO = Path(__file__).resolve().parents[3] / "dags"

DAG = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
"""
NESTED = {
    "release.toml": '[[include]]\ndags = "ruled.py"\nfiles = "settings/*.ini"\n',
    "settings/ruled.ini": "[x]\nname = ruled\n",
    ".airflowignore": "company/*\n",
    "company/__init__.py": "",
    "company/etl/__init__.py": "from company.etl.build import make_dag as make_dag\nfrom .names import *\n",
    "company/etl/names.py": "__all__ = ['OWNER']\nOWNER = 'team'\n",
    "company/etl/build.py": DAG
    + "from . import sql\nfrom ..util.text import clean\nfrom .names import OWNER\n"
    "def make_dag(dag_id):\n"
    "    with DAG(clean(dag_id), schedule=None, default_args={'owner': OWNER}) as dag:\n"
    "        EmptyOperator(task_id=sql.load('a').split()[0])\n"
    "    return dag\n",
    "company/etl/sql/__init__.py": "from pathlib import Path\n"
    "HERE = Path(__file__).resolve().parent\n"
    "def load(name):\n    return (HERE / f'{name}.sql').read_text()\n",
    "company/etl/sql/a.sql": "select 1\n",
    "company/util/text.py": "def clean(x):\n  from company.util.deep import strip\n  return strip.strip(x)\n",
    "company/util/deep/strip.py": "def strip(x):\n    return x.strip()\n",
    "nested/packages.py": "# airflow dag\nfrom company.etl import make_dag\ndag = make_dag(' packages ')\n",
    "nested/configs/one.yaml": "one\n",
    "nested/configs/two.yaml": "two\n",
    "nested/loop.py": DAG
    + "from pathlib import Path\nfor path in sorted(Path(__file__).parent.glob('configs/*.yaml')):\n"
    "    with DAG('loop_' + path.read_text().strip(), schedule=None) as dag:\n"
    "        EmptyOperator(task_id='x')\n    globals()[dag.dag_id] = dag\n",
    "nested/beside/tool.py": "NAME = 'beside'\n",
    "nested/own_path.py": DAG
    + "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'beside'))\n"
    "from tool import NAME\nwith DAG(NAME, schedule=None):\n    EmptyOperator(task_id='x')\n",
    "nested/template.py": DAG
    + "with DAG('template', schedule=None):\n    BashOperator(task_id='x', bash_command='scripts/run.sh')\n",
    "nested/scripts/run.sh": "{% include 'scripts/part.sh' %}\n",
    "nested/scripts/part.sh": "echo\n",
    "dynamic.py": DAG + "import importlib\nmodule = importlib.import_module('company.util.deep.strip')\n"
    "with DAG(module.strip(' dynamic '), schedule=None):\n    EmptyOperator(task_id='x')\n",
    "ruled.py": DAG + "import configparser, os\nconfig = configparser.ConfigParser()\n"
    "config.read(os.path.join(os.path.dirname(__file__), 'set' + 'tings', __name__.split('_')[-1] + '.ini')\n"
    "            if False else os.sep.join([os.path.dirname(__file__), 'settings', 'ruled.ini']))\n"
    "with DAG(config['x']['name'], schedule=None):\n    EmptyOperator(task_id='x')\n",
}
NESTED_DAGS = {
    "nested/packages.py": ("packages",),
    "nested/loop.py": ("loop_one", "loop_two"),
    "nested/own_path.py": ("beside",),
    "nested/template.py": ("template",),
    "dynamic.py": ("dynamic",),
    "ruled.py": ("ruled",),
}


def close(root: Path, entry: str) -> Closure:
    return compute_closure(FolderFiles(root, max_file_bytes=5_000_000), entry)


def copy(root: Path, closure: Closure, target: Path) -> None:
    for file in closure.files:
        (target / file.path).parent.mkdir(parents=True, exist_ok=True)
        (target / file.path).write_bytes((root / file.path).read_bytes())


def parse(tree: Path, *dag_files: str) -> dict[str, FileReport]:
    return {file.path: file for file in run_files(tree, dag_files).files}


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("nested")
    for path, text in NESTED.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize("entry", NESTED_DAGS)
def test_a_nested_unit_parses_alone(nested: Path, tmp_path: Path, entry: str) -> None:
    copy(nested, close(nested, entry), tmp_path)

    report = parse(tmp_path, entry)[entry]

    assert (report.error, report.dag_ids) == ("", NESTED_DAGS[entry])


def test_a_template_that_is_found_leaves_no_unresolved_name(nested: Path) -> None:
    closure = close(nested, "nested/template.py")

    assert [file.path for file in closure.files if file.path.startswith("nested/scripts")] == [
        "nested/scripts/part.sh",
        "nested/scripts/run.sh",
    ]
    assert closure.unresolved == ()


@pytest.mark.parametrize("package", EXAMPLES)
def test_the_examples_of_airflow_parse_alone_as_in_their_folder(package: str, tmp_path: Path) -> None:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    entries = sorted(path.name for path in root.glob("*.py") if b"DAG" in path.read_bytes().upper())
    closures = {entry: close(root, entry) for entry in entries}
    full = parse(root, *entries)
    # Units of one file cannot help each other, so they share a folder and a process.
    alone = {entry for entry, closure in closures.items() if len(closure.files) == 1}
    reports: dict[str, FileReport] = {}
    for number, group in enumerate([sorted(alone), *([entry] for entry in entries if entry not in alone)]):
        folder = tmp_path / str(number)
        for entry in group:
            copy(root, closures[entry], folder)
        reports |= parse(folder, *group)

    assert len(reports) > 10
    assert [entry for entry in entries if reports[entry].dag_ids != full[entry].dag_ids] == []
    assert [entry for entry in entries if reports[entry].error and not full[entry].error] == []
    assert [closure.entry for closure in closures.values() if closure.unresolved or closure.warnings] == []


@pytest.mark.parametrize("entry", sorted(path.name for path in DEMO.glob("*.py")))
def test_the_units_of_the_example_folder_parse_alone(entry: str, tmp_path: Path) -> None:
    closure = close(DEMO, entry)
    copy(DEMO, closure, tmp_path)

    report = parse(tmp_path, entry)[entry]

    assert report.error == ""
    assert report.dag_ids
    assert closure.unresolved == ()
