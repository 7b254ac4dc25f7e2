from __future__ import annotations

import json

from airflow_release_plugin.analysis.parsed_dag import ParsedDag, ParsedTask
from airflow_release_plugin.analysis.references import References
from airflow_release_plugin.proof.report import FileReport, ParseReport

DAG = ParsedDag(
    dag_id="etl",
    schedule="0 0 * * *",
    tasks=(ParsedTask("a", "BashOperator", pool="p"), ParsedTask("b", "EmptyOperator")),
    edges=(("a", "b"),),
    tags=("x",),
    owners=("me",),
    assets_in=("in",),
    assets_out=("out",),
)
GOOD = FileReport("a.py", dags=(DAG,), seconds=0.5, references=References(pools=("p",)))
BAD = FileReport("b.py", error="No module named 'x'", warnings=("w",))


def test_a_report_survives_a_trip_through_json() -> None:
    report = ParseReport((GOOD, BAD), seconds=2.5)

    assert ParseReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_keys_of_a_newer_version_are_ignored() -> None:
    data = ParseReport((GOOD,)).to_dict()
    data["files"][0]["dags"][0]["news"] = 1

    assert ParseReport.from_dict(data) == ParseReport((GOOD,))


def test_a_report_is_ok_without_errors() -> None:
    assert ParseReport((GOOD,)).is_ok


def test_one_error_spoils_it() -> None:
    assert not ParseReport((GOOD, BAD)).is_ok


def test_an_id_in_two_files_spoils_it_and_is_named() -> None:
    report = ParseReport((GOOD, FileReport("c.py", dags=(DAG,))))

    assert (report.is_ok, report.duplicates) == (False, {"etl": ("a.py", "c.py")})


def test_ids_are_sorted_and_listed_once() -> None:
    assert ParseReport((FileReport("x.py", dags=(ParsedDag("b"), ParsedDag("a"))), GOOD)).dag_ids == (
        "a",
        "b",
        "etl",
    )
