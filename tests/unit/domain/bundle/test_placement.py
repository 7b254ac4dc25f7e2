from __future__ import annotations

import pytest

from airflow_release_plugin.domain.bundle.manifest import BundleDag, BundleUnit
from airflow_release_plugin.domain.bundle.placement import (
    KnownPlacement,
    file_places,
    folder_problem,
    moved_path,
    new_path,
    upstream_first,
)


def unit(path: str, *files: str, dag_id: str = "", **links: tuple[str, ...]) -> BundleUnit:
    name = dag_id or path.removesuffix(".py")
    return BundleUnit(name, path, tuple(sorted({path, *files})), (BundleDag(name),), 1, "d" * 64, **links)  # type: ignore[arg-type]


@pytest.mark.req("R54")
@pytest.mark.parametrize(
    ("path", "before", "expected"),
    [
        ("a/x.py", KnownPlacement("a/x.py", "in/a/x.py"), "in/a/x.py"),
        ("b/y.py", KnownPlacement("a/x.py", "in/a/x.py"), "in/b/y.py"),
        ("b/y.py", KnownPlacement("a/x.py", "a/x.py"), "b/y.py"),
        ("b/y.py", KnownPlacement("a/x.py", "mine/other.py"), "mine/y.py"),
        ("a/x.py", KnownPlacement("a/x.py", "mine/other.py"), "mine/other.py"),
    ],
)
def test_what_is_here_stays_where_it_is_unless_it_was_renamed_there(
    path: str, before: KnownPlacement, expected: str
) -> None:
    assert moved_path(path, before) == expected


@pytest.mark.req("R54")
def test_new_files_go_below_the_folder() -> None:
    assert new_path("a/x.py", "from-a") == "from-a/a/x.py"
    assert new_path("a/x.py", "") == "a/x.py"


@pytest.mark.parametrize("folder", ["/abs", "..", "a/../b", "C:/x", "a\\b", "a//b", ".git"])
def test_a_folder_outside_of_the_root_is_refused(folder: str) -> None:
    assert folder_problem(folder)


@pytest.mark.req("R54")
def test_modules_stay_and_data_goes_with_the_dag_file() -> None:
    bundled = unit("team/etl.py", "team/sql/a.sql", "shop/tables.py", "shop/tables.json", "notes.txt")
    assert file_places(bundled, "in/team/etl.py") == {
        "team/etl.py": "in/team/etl.py",
        "team/sql/a.sql": "in/team/sql/a.sql",
        "shop/tables.py": "shop/tables.py",
        "shop/tables.json": "shop/tables.json",
        "notes.txt": "in/notes.txt",
    }


def test_everything_stays_when_the_dag_file_does() -> None:
    bundled = unit("team/etl.py", "team/sql/a.sql", "shop/tables.py")
    assert file_places(bundled, "team/etl.py") == {path: path for path in bundled.files}


@pytest.mark.req("R55")
def test_upstream_comes_first_by_dag_and_by_asset() -> None:
    units = [
        unit("a.py", upstream_dags=("b",)),
        unit("b.py", assets_in=("orders",)),
        unit("c.py", assets_out=("orders",)),
        unit("d.py", triggered_dags=("a",)),
    ]
    assert [one.path for one in upstream_first(units)] == ["c.py", "b.py", "a.py", "d.py"]


@pytest.mark.req("R55")
def test_a_circle_has_an_order_as_well() -> None:
    units = [unit("b.py", upstream_dags=("a",)), unit("a.py", upstream_dags=("b", "a"))]
    assert sorted(one.path for one in upstream_first(units)) == ["a.py", "b.py"]
    assert upstream_first(units) == upstream_first(units[::-1])
