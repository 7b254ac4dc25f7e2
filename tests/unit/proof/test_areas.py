from __future__ import annotations

import pytest

from airflow_release_plugin.proof.areas import Area, AreaKind, Areas
from airflow_release_plugin.proof.installed import without
from airflow_release_plugin.proof.observation import PrivateFolder

AREAS = Areas(
    [
        Area("/opt/airflow", AreaKind.PRIVATE, "Airflow's own folder"),
        Area("/opt/airflow", AreaKind.INSTALLED),
        Area("/opt/airflow/venv", AreaKind.INSTALLED),
        Area("/opt/airflow/dags", AreaKind.PRIVATE, "the source 'dev'", is_bundle=True),
        Area("/opt/airflow/tmp/tree", AreaKind.TREE),
    ]
)


@pytest.mark.parametrize(
    ("path", "folder", "kind"),
    [
        ("/opt/airflow/venv/lib/x.py", "/opt/airflow/venv", AreaKind.INSTALLED),
        ("/opt/airflow/dags", "/opt/airflow/dags", AreaKind.PRIVATE),
        ("/opt/airflow/dags/etl/a.py", "/opt/airflow/dags", AreaKind.PRIVATE),
        ("/opt/airflow/dags2/a.py", "/opt/airflow", AreaKind.PRIVATE),
        ("/opt/airflow/tmp/tree/a.py", "/opt/airflow/tmp/tree", AreaKind.TREE),
    ],
)
def test_the_innermost_area_counts_and_of_one_folder_the_private_one(
    path: str, folder: str, kind: AreaKind
) -> None:
    found = AREAS.find(path)

    assert found is not None
    assert (found.folder, found.kind) == (folder, kind)


@pytest.mark.parametrize("path", ["/opt/airflow2", "/opt", "/"])
def test_what_lies_around_is_in_none(path: str) -> None:
    assert AREAS.find(path) is None


def test_what_is_installed_beside_private_folders_is_not_private_itself() -> None:
    private = [PrivateFolder("/af/dags", "the source"), PrivateFolder("/af", "Airflow's", is_bundle=False)]
    paths = ["/af", "/af/dags", "/af/dags/lib", "/af/plugins", "/usr/lib"]

    assert without(private, paths) == ["/af/plugins", "/usr/lib"]
