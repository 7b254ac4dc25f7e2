"""Where the units of a bundle go: tried with manifests of DAG files that a world holds or does not hold."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from airflow_release_plugin.domain.bundle.manifest import (
    BundleConnection,
    BundleDag,
    BundleFile,
    BundleRemoval,
    BundleUnit,
    Manifest,
)
from airflow_release_plugin.domain.bundle.name_table import NameTable
from airflow_release_plugin.domain.bundle.preflight import Reason
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.domain.tree.files import REGULAR
from airflow_release_plugin.models import Import, Unit
from airflow_release_plugin.services.imports import name_mappings
from airflow_release_plugin.services.imports.files import Prepared, prepare
from airflow_release_plugin.services.imports.placement_plan import Placements, move_units, place
from airflow_release_plugin.services.runtime import installation
from tests.harness.bundles import manifest_of
from tests.harness.context import World, dag_text

pytestmark = pytest.mark.req("R54")


def bundle(*units: BundleUnit, **content: str) -> tuple[Manifest, dict[str, bytes]]:
    """A manifest of units; a file whose text is not given holds its path."""
    paths = sorted({path for unit in units for path in unit.files})
    data = {path: content.get(path, f"# {path}\n").encode() for path in paths}
    files = tuple(
        BundleFile(path, sha256(data[path]).hexdigest(), len(data[path]), REGULAR) for path in paths
    )
    first = BundleFile("x.py", "0" * 64, 0, REGULAR)
    return replace(manifest_of([first]), files=files, units=units), data


def unit(path: str, *files: str, unit_id: str = "", dags: tuple[str, ...] = (), **more: object) -> BundleUnit:
    name = path.rpartition("/")[2].removesuffix(".py")
    return BundleUnit(
        unit_id=unit_id or f"far:{name}",
        path=path,
        files=tuple(sorted({path, *files})),
        dags=tuple(BundleDag(dag_id) for dag_id in dags or (name,)),
        version=1,
        digest="d" * 64,
        **more,  # type: ignore[arg-type]
    )


def prepared(world: World, *units: BundleUnit, table: NameTable | None = None, **content: str) -> Prepared:
    manifest, data = bundle(*units, **content)
    return prepare(world.ctx, manifest, place(world.ctx, manifest), table or NameTable(), data.__getitem__)


def reasons(placements: Placements | Prepared) -> list[tuple[Reason, str]]:
    return [(reason, item.name) for reason, item in placements.findings]


def here(world: World, name: str, path: str = "") -> Unit:
    """A released unit that was made here."""
    path = path or f"{name}.py"
    world.write(path, dag_text(name))
    (item,) = world.released(path).items
    return item.submission.unit


def imported(world: World, name: str, *, there: str, path: str) -> Unit:
    """A released unit as if an import had brought it to ``path``."""
    row = here(world, name, path)
    row.origin = f"far:{name}"
    world.ctx.session.add(
        Import(
            state=ImportState.APPLIED,
            file_name="a.dagbundle",
            file_size=1,
            placed={f"far:{name}": {"there": there, "here": path}},
            uploaded_by_id="4",
            uploaded_by_name="admin",
            uploaded_at=world.ctx.clock(),
        )
    )
    world.ctx.session.flush()
    return row


def test_what_is_new_goes_below_the_folder_upstream_first(world: World) -> None:
    manifest, _ = bundle(unit("a.py", "sql/a.sql", "lib/x.py", upstream_dags=("b",)), unit("b.py"))
    placements = place(world.ctx, manifest, folder="/from-a/ ")
    assert [p.path for p in placements.units] == ["from-a/b.py", "from-a/a.py"]
    assert placements.units[1].files == {
        "a.py": "from-a/a.py",
        "sql/a.sql": "from-a/sql/a.sql",
        "lib/x.py": "lib/x.py",
    }
    assert {p.change for p in placements.units} == {ChangeKind.NEW}
    assert not placements.findings


def test_what_was_imported_stays_where_it_is(world: World) -> None:
    known = imported(world, "a", there="a.py", path="in/a.py")
    manifest, _ = bundle(unit("a.py"))
    (only,) = place(world.ctx, manifest, folder="elsewhere").units
    assert (only.unit, only.path, only.change) == (known, "in/a.py", ChangeKind.MODIFIED)


def test_what_was_renamed_there_is_renamed_here(world: World) -> None:
    known = imported(world, "a", there="a.py", path="in/a.py")
    manifest, _ = bundle(unit("sub/z.py", unit_id="far:a", dags=("z",)))
    (only,) = place(world.ctx, manifest).units
    assert (only.unit, only.path, only.change) == (known, "in/sub/z.py", ChangeKind.RENAMED)


def test_a_new_file_may_take_the_place_of_one_that_was_renamed(world: World) -> None:
    known = imported(world, "a", there="a.py", path="a.py")
    manifest, _ = bundle(
        unit("a.py", unit_id="far:2", dags=("other",)), unit("z.py", unit_id="far:a", dags=("a",))
    )
    placements = place(world.ctx, manifest)
    assert not placements.findings
    move_units(world.ctx, placements.units)
    assert known.path == "z.py"


def test_two_units_may_change_places(world: World) -> None:
    a = imported(world, "a", there="a.py", path="a.py")
    b = imported(world, "b", there="b.py", path="b.py")
    manifest, _ = bundle(
        unit("b.py", unit_id="far:a", dags=("a",)), unit("a.py", unit_id="far:b", dags=("b",))
    )
    placements = place(world.ctx, manifest)
    assert not placements.findings
    move_units(world.ctx, placements.units)
    assert (a.path, b.path) == ("b.py", "a.py")


@pytest.mark.parametrize("take_over", [False, True])
def test_a_dag_that_was_made_here_is_taken_over_only_by_choice(world: World, take_over: bool) -> None:
    own = here(world, "a", "mine/a.py")
    manifest, _ = bundle(unit("a.py"))
    placements = place(world.ctx, manifest, take_over=take_over)
    found = reasons(placements)
    assert found == ([] if take_over else [(Reason.DAG_ID_OF_OTHER_UNIT, "a")])
    assert placements.units[0].unit is (own if take_over else None)
    assert placements.units[0].path == ("mine/a.py" if take_over else "a.py")


def test_a_dag_that_came_from_elsewhere_is_never_taken_over(world: World) -> None:
    imported(world, "a", there="a.py", path="in/a.py")
    manifest, _ = bundle(unit("a.py", unit_id="third:1"))
    assert reasons(place(world.ctx, manifest, take_over=True)) == [(Reason.DAG_ID_OF_OTHER_UNIT, "a")]


def test_a_dag_may_move_from_one_unit_of_the_bundle_to_another(world: World) -> None:
    imported(world, "a", there="a.py", path="a.py")
    manifest, _ = bundle(unit("a.py", dags=("rest",)), unit("b.py", dags=("a",)))
    assert not place(world.ctx, manifest).findings


def test_a_path_where_another_unit_is_cannot_be_taken(world: World) -> None:
    here(world, "mine", "a.py")
    manifest, _ = bundle(unit("a.py"))
    assert reasons(place(world.ctx, manifest)) == [(Reason.PATH_TAKEN, "a.py")]


def test_a_dag_file_that_another_imports_cannot_move(world: World) -> None:
    manifest, _ = bundle(unit("a.py"), unit("b.py", "a.py"))
    assert reasons(place(world.ctx, manifest, folder="in"))[0] == (Reason.CANNOT_MOVE, "a.py")
    assert not place(world.ctx, manifest).findings


@pytest.mark.parametrize("folder", ["..", "a/../../b", "C:/x", "a\\b"])
def test_a_folder_outside_of_the_root_is_found(world: World, folder: str) -> None:
    manifest, _ = bundle(unit("a.py"))
    assert reasons(place(world.ctx, manifest, folder=folder)) == [(Reason.BAD_FOLDER, folder)]


def test_a_unit_in_an_open_release_is_found(world: World) -> None:
    imported(world, "a", there="a.py", path="a.py")
    world.write("a.py", dag_text("a", lines="# new"))
    world.waiting("a.py")
    manifest, _ = bundle(unit("a.py"))
    assert reasons(place(world.ctx, manifest)) == [(Reason.IN_OPEN_RELEASE, "a.py")]


def test_units_that_are_gone_there_are_found_here(world: World) -> None:
    known = imported(world, "a", there="a.py", path="in/a.py")
    gone = (BundleRemoval("far:a", "a.py", ("a",)), BundleRemoval("far:never", "n.py", ("n",)))
    manifest, _ = bundle(unit("b.py"))
    (removal,) = place(world.ctx, replace(manifest, removed=gone)).removals
    assert removal.unit is known


def test_our_own_unit_is_known_when_it_comes_home(world: World) -> None:
    own = here(world, "a", "mine/a.py")
    uid = installation.uid(world.ctx)
    manifest, _ = bundle(unit("mine/b.py", unit_id=f"{uid}:{own.id}", previous_path="mine/a.py", dags=("a",)))
    (only,) = place(world.ctx, manifest, folder="in").units
    assert (only.unit, only.path) == (own, "mine/b.py")


@pytest.mark.req("R59")
def test_names_are_changed_in_the_files_and_nowhere_else(world: World) -> None:
    table = NameTable({"connection": {"pg": "warehouse"}})
    made = prepared(
        world,
        unit("a.py", "sql/a.sql", connections=(BundleConnection("pg"),)),
        table=table,
        **{"a.py": "X(conn_id='pg')  # pg\n", "sql/a.sql": "pg {{ conn.pg.host }}"},
    )
    assert {path: data for path, _, data in made.files()} == {
        "a.py": b"X(conn_id='warehouse')  # pg\n",
        "sql/a.sql": b"pg {{ conn.warehouse.host }}",
    }
    assert made.rewritten == ("a.py", "sql/a.sql")
    assert not made.findings


@pytest.mark.req("R59")
def test_a_name_that_is_computed_is_found(world: World) -> None:
    table = NameTable({"connection": {"pg": "warehouse"}, "pool": {"unused": "x"}})
    made = prepared(world, unit("a.py", connections=(BundleConnection("pg"),)), table=table)
    assert reasons(made) == [(Reason.COMPUTED_NAME, "pg")]


def test_a_unit_that_is_here_just_like_that_is_unchanged(world: World) -> None:
    imported(world, "a", there="a.py", path="a.py")
    assert reasons(prepared(world, unit("a.py"), **{"a.py": dag_text("a")})) == [(Reason.UNCHANGED, "a.py")]
    assert not reasons(prepared(world, unit("a.py"), **{"a.py": dag_text("a", lines="# new")}))


def test_a_shared_file_that_others_use_with_other_content_is_found(world: World) -> None:
    world.write("shop/__init__.py", "")
    world.write("shop/x.py", "X = 1\n")
    world.write("mine.py", dag_text("mine", lines="from shop import x"))
    world.released("mine.py")
    same = {"shop/__init__.py": "", "shop/x.py": "X = 1\n"}
    assert not reasons(prepared(world, unit("a.py", *same), **same))
    other = {**same, "shop/x.py": "X = 2\n"}
    assert reasons(prepared(world, unit("a.py", *other), **other)) == [
        (Reason.SHARED_FILE_DIFFERS, "shop/x.py")
    ]


@pytest.mark.req("R59")
def test_names_are_remembered_by_installation(world: World) -> None:
    table = NameTable({"connection": {"pg": "warehouse"}, "pool": {"a": "b"}})
    name_mappings.remember(world.ctx, "far", table)
    name_mappings.remember(world.ctx, "other", NameTable({"pool": {"a": "c"}}))
    newer = NameTable({"connection": {"pg": "lake"}, "queue": {"q": "r"}})
    name_mappings.remember(world.ctx, "far", newer)
    world.ctx.session.flush()
    assert name_mappings.remembered(world.ctx, "far").to_dict() == newer.to_dict()
    assert name_mappings.remembered(world.ctx, "other").to_dict() == {"pool": {"a": "c"}}
