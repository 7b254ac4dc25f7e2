from __future__ import annotations

import pytest

from airflow_release_plugin.analysis.closure import compute_closure
from tests.harness.mapping_files import MappingFiles


@pytest.mark.parametrize(
    ("code", "ids"),
    [
        ("DAG('a')", ("a",)),
        ("with airflow.DAG(dag_id='a', schedule=None) as d: pass", ("a",)),
        ("for t in ('x', 'y'): globals()[t] = DAG(f'load_{t}')", ("load_x", "load_y")),
        ("@dag(schedule=None)\ndef daily(): pass\ndaily()", ("daily",)),
        ("@dag('named')\ndef daily(): pass", ("named",)),
        ("@dag\ndef daily(): pass", ("daily",)),
        ("DAG(chosen())", ()),
        ("def dag(): pass", ()),
    ],
)
def test_ids_of_dags_are_read_off_the_text(code: str, ids: tuple[str, ...]) -> None:
    assert compute_closure(MappingFiles({"x.py": code.encode()}), "x.py").dag_ids == ids
