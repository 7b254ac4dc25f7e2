"""Which changes of a tree meet what a DAG file had to do with it."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.tree.delta import TreeDelta
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, TreeChange, blob_id
from airflow_release_plugin.domain.tree.footprint import Footprint, module_places

pytestmark = pytest.mark.req("R82")

TREE = frozenset(
    {
        "etl.py",
        "lib.py",
        "pkg/__init__.py",
        "pkg/tool.py",
        "nspkg/mod.py",
        "conf/a.yaml",
        "conf/deep/b.yaml",
        "sql/q.sql",
    }
)


def written(*paths: str) -> list[TreeChange]:
    return [TreeChange(path, FileEntry(path, REGULAR, blob_id(b"new"), 3)) for path in paths]


def deleted(*paths: str) -> list[TreeChange]:
    return [TreeChange(path, None) for path in paths]


def prints(**kinds: set[str]) -> Footprint:
    return Footprint(**{kind: frozenset(paths) for kind, paths in kinds.items()})  # type: ignore[arg-type]


USED, LISTED = prints(used={"sql/q.sql"}), prints(listed={"conf", "conf/deep"})
IMPORTED = prints(modules={"pkg", "pkg/tool"})


@pytest.mark.parametrize(
    ("footprint", "changes", "met"),
    [
        pytest.param(USED, written("sql/q.sql"), ["sql/q.sql"], id="a file that was opened changes"),
        pytest.param(USED, deleted("sql/q.sql"), ["sql/q.sql"], id="a file that was opened goes"),
        pytest.param(USED, written("sql/other.sql"), [], id="another file beside it comes"),
        pytest.param(prints(used={"conf"}), deleted("conf/a.yaml"), [], id="a folder of which some is left"),
        pytest.param(
            prints(used={"conf/deep"}), deleted("conf/deep/b.yaml"), ["conf/deep"], id="a folder that goes"
        ),
        pytest.param(
            prints(missing={"conf/c.yaml"}),
            written("conf/c.yaml"),
            ["conf/c.yaml"],
            id="it was missed, and comes",
        ),
        pytest.param(
            prints(missing={"rules"}),
            written("rules/de/x.yaml"),
            ["rules"],
            id="a folder was missed, and comes",
        ),
        pytest.param(
            prints(missing={"conf/c.yaml"}), written("conf/d.yaml"), [], id="what was missed stays away"
        ),
        pytest.param(LISTED, written("conf/b.yaml"), ["conf/b.yaml"], id="a listed folder gains a file"),
        pytest.param(LISTED, deleted("conf/a.yaml"), ["conf/a.yaml"], id="a listed folder loses a file"),
        pytest.param(LISTED, written("conf/a.yaml"), [], id="a file of a listed folder changes"),
        pytest.param(
            LISTED, written("conf/deep/c.yaml"), ["conf/deep/c.yaml"], id="a folder below gains a file"
        ),
        pytest.param(LISTED, written("conf/new/x/c.yaml"), ["conf/new"], id="a listed folder gains a folder"),
        pytest.param(
            prints(listed={"conf"}), written("conf/deep/c.yaml"), [], id="a folder below that nobody listed"
        ),
        pytest.param(prints(listed={"."}), written("x/y.py"), ["x"], id="the tree itself was listed"),
        pytest.param(prints(listed={"."}), written("pkg/y.py"), [], id="the tree gains nothing at its top"),
        pytest.param(
            prints(modules={"nspkg", "nspkg/mod"}),
            written("nspkg/__init__.py"),
            ["nspkg/__init__.py"],
            id="a namespace becomes a package",
        ),
        pytest.param(
            prints(modules={"lib"}),
            [*deleted("lib.py"), *written("lib/__init__.py")],
            ["lib", "lib.py", "lib/__init__.py"],
            id="a module becomes a package",
        ),
        pytest.param(
            prints(modules={"lib"}), written("lib/x.txt"), ["lib"], id="a folder beside a module of its name"
        ),
        pytest.param(
            prints(modules={"later"}),
            written("later.py"),
            ["later.py"],
            id="a module that was not there comes",
        ),
        pytest.param(
            prints(modules={"fast"}),
            written("fast.cpython-312-x86_64-linux-gnu.so"),
            ["fast.cpython-312-x86_64-linux-gnu.so"],
            id="compiled code takes its place",
        ),
        pytest.param(
            prints(modules={"vendor/tool"}),
            written("vendor/tool.py"),
            ["vendor/tool.py"],
            id="another search path",
        ),
        pytest.param(
            IMPORTED, written("pkg/other.py"), [], id="a package gains a module that nobody asked for"
        ),
        pytest.param(IMPORTED, written("pkg/tool.sql"), [], id="a data file is named like a module"),
        pytest.param(IMPORTED, written("other.py", "new/pkg/tool.py"), [], id="the same names elsewhere"),
        pytest.param(Footprint(is_whole=False), written("any.txt"), ["any.txt"], id="more than was kept"),
        pytest.param(Footprint(), [*written("any.txt"), *deleted("lib.py")], [], id="nothing was touched"),
    ],
)
def test_a_change_meets_a_footprint_where_the_run_would_see_it(
    footprint: Footprint, changes: list[TreeChange], met: list[str]
) -> None:
    assert list(footprint.met_by(TreeDelta.of(TREE, changes))) == met


def test_a_delta_tells_what_comes_changes_and_goes() -> None:
    changes = [*written("lib.py", "a/b/c.py"), *deleted("sql/q.sql", "never/was.py")]

    delta = TreeDelta.of(TREE, changes)

    assert delta == TreeDelta(
        frozenset({"lib.py"}), frozenset({"a", "a/b", "a/b/c.py"}), frozenset({"sql", "sql/q.sql"})
    )


def test_only_the_folders_around_a_change_have_to_be_known() -> None:
    near = {"etl.py", "conf/", "pkg/__init__.py", "pkg/tool.py", "sql/"}

    delta = TreeDelta.of(near, [*written("pkg/new.py"), *deleted("pkg/tool.py")])

    assert delta == TreeDelta(appeared=frozenset({"pkg/new.py"}), vanished=frozenset({"pkg/tool.py"}))


def test_it_travels_as_json() -> None:
    footprint = prints(used={"b", "a"}, missing={"c"}, listed={"."}, modules={"lib"})

    assert footprint.to_dict()["used"] == ["a", "b"]
    assert Footprint.from_dict(footprint.to_dict()) == footprint
    assert Footprint.from_dict({}) == Footprint(is_whole=False)
    with pytest.raises(TypeError, match="'used' of a footprint is no list of paths"):
        Footprint.from_dict({"used": "etl.py"})


def test_what_was_cut_says_so() -> None:
    footprint = prints(used={"a", "b", "c"}, listed={"."})

    assert footprint.shortened(3) == footprint
    assert footprint.shortened(2) == Footprint(frozenset({"a", "b"}), listed=frozenset({"."}), is_whole=False)


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("lib.py", {"lib"}),
        ("shop/load.py", {"shop", "shop/load"}),
        ("shop/sql/__init__.py", {"shop", "shop/sql"}),
        ("q.sql", set()),
    ],
)
def test_a_module_was_looked_for_at_each_step_of_its_name(path: str, places: set[str]) -> None:
    assert module_places(path) == places
