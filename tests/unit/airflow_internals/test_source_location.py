from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_release_plugin.airflow_internals.source_location import is_source_file, source_location

pytestmark = pytest.mark.req("R75")


def test_files_below_the_folder_are_the_source_bundles(bundles: dict[str, Path]) -> None:
    assert is_source_file(str(bundles["dev"] / "team" / "flow.py"))


def test_files_of_another_bundle_are_not(bundles: dict[str, Path]) -> None:
    assert not is_source_file(str(bundles["prod"] / "flow.py"), "flow.py")


def test_a_folder_whose_name_only_begins_alike_is_not(bundles: dict[str, Path], tmp_path: Path) -> None:
    assert not is_source_file(str(tmp_path / "dev2" / "flow.py"))


def test_a_symlink_to_the_folder_is_the_same_folder(bundles: dict[str, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(bundles["dev"])

    assert is_source_file(str(link / "a" / "flow.py"), "a/flow.py")


def test_a_file_in_an_archive_is_the_bundles(bundles: dict[str, Path]) -> None:
    assert is_source_file(str(bundles["dev"] / "flows.zip" / "flow.py"), "flows.zip/flow.py")


def test_an_installation_without_the_source_has_no_source_files(
    bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_BUNDLE", "elsewhere")

    assert not is_source_file(str(bundles["dev"] / "flow.py"), "flow.py")


@pytest.mark.parametrize("classpath", ["airflow.providers.git.bundles.git.GitDagBundle", "no.such.Bundle"])
def test_a_bundle_that_is_not_local_is_known_by_its_base_folder(
    bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch, classpath: str
) -> None:
    configured = [{"name": "dev", "classpath": classpath, "kwargs": {"tracking_ref": "main"}}]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(configured))

    location = source_location()

    assert location is not None
    assert location.is_root(str(bundles["storage"] / "dev" / "tracking_repo"))
    assert not location.is_root(str(bundles["dev"]))
