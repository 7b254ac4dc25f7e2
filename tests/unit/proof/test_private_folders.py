from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_release_plugin.proof.private_folders import private_folders

LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names of what is private on a worker with a source, another bundle, and one that cannot be made "
    "here."""
    bundles = [
        {"name": "dev", "classpath": LOCAL, "kwargs": {"path": str(tmp_path / "dev")}},
        {"name": "tools", "classpath": LOCAL, "kwargs": {"path": str(tmp_path / "tools")}},
        {"name": "broken", "classpath": LOCAL, "kwargs": {"no_such": "argument"}},
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "copies"))
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "dags"))
    return {each.folder: each.name for each in private_folders()}


def test_the_source_and_every_other_bundle_are_private_by_name(
    folders: dict[str, str], tmp_path: Path
) -> None:
    assert folders[str(tmp_path / "dev")] == "the source 'dev'"
    assert folders[str(tmp_path / "tools")] == "the DAG bundle 'tools'"


def test_so_are_the_copies_of_bundles_and_the_folder_for_dags(
    folders: dict[str, str], tmp_path: Path
) -> None:
    assert {str(tmp_path / "copies"), str(tmp_path / "dags")} <= set(folders)


def test_so_is_airflows_own_folder_which_is_no_bundle() -> None:
    from airflow.configuration import AIRFLOW_HOME

    (home,) = [each for each in private_folders() if not each.is_bundle]
    assert home.folder == AIRFLOW_HOME
