"""Which files of a folder Airflow would parse: its own answer, asked again where names may have changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import airflow.utils.file
import pytest

from airflow_release_plugin.airflow_internals import folder_names, listing
from airflow_release_plugin.analysis import stat_memo

pytestmark = [
    pytest.mark.req("R2"),
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern"),  # Airflow's reading of .airflowignore
]
DAG_CODE = "from airflow.sdk import DAG\n"


def dag_files(root: Path, bundle: str) -> tuple[str, ...]:
    return listing.list_dag_files(root, bundle).files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "dags", "team/flow.py")
    write(tmp_path / "dags", "etl.py")
    write(tmp_path / "dags", ".airflowignore", "ignored\n")
    return tmp_path / "dags"


def write(root: Path, path: str, text: str = DAG_CODE) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that Airflow walked through, on a clock that is an hour ahead of the files."""
    monkeypatch.setattr(listing, "_LISTINGS", {})
    now = time.time_ns() + 3600 * 10**9
    monkeypatch.setattr(stat_memo.time, "time_ns", lambda: now)
    found: list[Path] = []
    walk = airflow.utils.file.list_py_file_paths
    monkeypatch.setattr(
        airflow.utils.file,
        "list_py_file_paths",
        lambda root, **kwargs: found.append(root) or walk(root, **kwargs),
    )
    return found


def test_a_folder_that_nobody_touched_is_walked_through_once(root: Path, walks: list[Path]) -> None:
    assert dag_files(root, "dev") == dag_files(root, "dev") == ("etl.py", "team/flow.py")
    assert walks == [root]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: write(root, "new.py"), ("etl.py", "new.py", "team/flow.py")),
        (lambda root: write(root, "team/a/new.py"), ("etl.py", "team/a/new.py", "team/flow.py")),
        (lambda root: (root / "team/flow.py").unlink(), ("etl.py",)),
        (lambda root: (root / "team").rename(root / "ignored"), ("etl.py",)),
        (lambda root: write(root, ".airflowignore", "etl.py\n"), ("team/flow.py",)),
        (lambda root: write(root, "team/.airflowignore", "flow.py\n"), ("etl.py",)),
        (lambda root: write(root, "etl.py", "x = 1\n"), ("team/flow.py",)),
        (lambda root: (root / "two.py").symlink_to("etl.py"), ("etl.py", "team/flow.py", "two.py")),
    ],
)
def test_a_change_is_seen_at_once(
    root: Path, walks: list[Path], change: Callable[[Path], object], expected: tuple[str, ...]
) -> None:
    dag_files(root, "dev")
    change(root)
    assert dag_files(root, "dev") == expected


def test_what_was_touched_just_now_is_not_remembered(root: Path, walks: list[Path], monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(stat_memo.time, "time_ns", lambda: root.stat().st_mtime_ns + 10**9)
    dag_files(root, "dev")
    dag_files(root, "dev")
    assert len(walks) == 2


def test_a_link_that_is_switched_is_another_folder(root: Path, walks: list[Path], tmp_path: Path) -> None:
    """As git-sync does."""
    current = tmp_path / "current"
    current.symlink_to(root, target_is_directory=True)
    assert dag_files(current, "dev") == ("etl.py", "team/flow.py")
    write(tmp_path / "next", "next.py")
    current.unlink()
    current.symlink_to(tmp_path / "next", target_is_directory=True)
    assert dag_files(current, "dev") == ("next.py",)


@pytest.fixture
def plain(root: Path) -> Path:
    """A source without rules."""
    (root / ".airflowignore").unlink()
    return root


def test_a_plain_file_that_comes_goes_or_moves_takes_no_walk(plain: Path, walks: list[Path]) -> None:
    dag_files(plain, "dev")
    write(plain, "team/new.py")
    write(plain, "team/notes.txt")
    assert dag_files(plain, "dev") == ("etl.py", "team/flow.py", "team/new.py")
    (plain / "team/new.py").rename(plain / "moved.py")
    assert dag_files(plain, "dev") == ("etl.py", "moved.py", "team/flow.py")
    (plain / "etl.py").unlink()
    assert dag_files(plain, "dev") == ("moved.py", "team/flow.py")
    assert walks == [plain]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda root: write(root, "team/a/new.py"), ("etl.py", "team/a/new.py", "team/flow.py")),
        (lambda root: write(root, ".airflowignore", "etl.py\n"), ("team/flow.py",)),
        (lambda root: write(root, "team/.airflowignore", "flow.py\n"), ("etl.py",)),
        (lambda root: (root / "two.py").symlink_to("etl.py"), ("etl.py", "team/flow.py", "two.py")),
        (lambda root: (root / "team").rename(root / "crew"), ("crew/flow.py", "etl.py")),
        (lambda root: os.mkfifo(root / "pipe.py"), ("etl.py", "team/flow.py")),
        (lambda root: write(root, ".py"), ("etl.py", "team/flow.py")),
    ],
)
def test_whatever_else_happens_is_told_as_airflow_tells_it(
    plain: Path, walks: list[Path], change: Callable[[Path], object], expected: tuple[str, ...]
) -> None:
    dag_files(plain, "dev")
    change(plain)
    assert dag_files(plain, "dev") == expected


def test_where_there_are_rules_airflow_says_what_they_mean_for_a_new_file(
    root: Path, walks: list[Path]
) -> None:
    write(root, ".airflowignore", "*_draft.py\n")
    dag_files(root, "dev")
    write(root, "team/new_draft.py")
    assert dag_files(root, "dev") == ("etl.py", "team/flow.py")


def test_a_link_goes_with_the_file_that_it_leads_to(plain: Path, walks: list[Path]) -> None:
    (plain / "two.py").symlink_to("team/flow.py")
    assert dag_files(plain, "dev") == ("etl.py", "team/flow.py", "two.py")
    (plain / "team/flow.py").unlink()
    assert dag_files(plain, "dev") == ("etl.py",)


def test_a_second_file_in_the_same_moment_is_seen(
    plain: Path, walks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was touched just now may get its next file under the same time stamp."""
    monkeypatch.setattr(stat_memo.time, "time_ns", lambda: plain.stat().st_mtime_ns + 10**9)
    dag_files(plain, "dev")
    monkeypatch.setattr(folder_names, "stamp_of", lambda info: (0, 0, 0, 0, 0))
    dag_files(plain, "dev")
    write(plain, "team/new.py")
    assert "team/new.py" in dag_files(plain, "dev")


@pytest.mark.parametrize(
    ("link", "change", "expected"),
    [
        ("two.py", lambda out: (out / "file.py").unlink(), []),
        ("sub", lambda out: (out / "sub").mkdir() or write(out, "sub/a.py"), ["sub/a.py"]),
        ("loop", lambda out: (out / "loop").rmdir() or (out / "loop").symlink_to(out.parent / "dags"), None),
    ],
    ids=["its file goes", "a folder comes", "it leads in a circle"],
)
def test_what_becomes_of_the_end_of_a_link_is_seen(
    plain: Path,
    tmp_path: Path,
    walks: list[Path],
    link: str,
    change: Callable[[Path], object],
    expected: list[str] | None,
) -> None:
    """Nothing of that touches the folder that the link lies in."""
    out = tmp_path / "elsewhere"
    write(out, "file.py")
    (out / "loop").mkdir()
    (plain / link).symlink_to(out / ("file.py" if link == "two.py" else link))
    dag_files(plain, "dev")
    change(out)

    if expected is None:
        with pytest.raises(RuntimeError, match="loop"):
            dag_files(plain, "dev")
    else:
        assert dag_files(plain, "dev") == tuple(sorted(["etl.py", "team/flow.py", *expected]))


@pytest.mark.parametrize("is_there", [True, False], ids=["comes", "goes and comes back"])
def test_a_file_that_changes_between_our_look_and_airflows_is_listed_once(
    plain: Path, walks: list[Path], monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    if not is_there:
        write(plain, "team/late.py")
    walk = airflow.utils.file.list_py_file_paths

    def walk_meanwhile(root: Path, **how: bool) -> list[str]:
        (write if is_there else lambda *_: (plain / "team/late.py").unlink())(plain, "team/late.py")
        return walk(root, **how)

    with monkeypatch.context() as there:
        there.setattr(airflow.utils.file, "list_py_file_paths", walk_meanwhile)
        dag_files(plain, "dev")
    write(plain, "team/late.py")

    assert dag_files(plain, "dev") == ("etl.py", "team/flow.py", "team/late.py")


@pytest.mark.parametrize("safe_mode", ["True", "False"])
@pytest.mark.parametrize(
    "name", [b"bad\xff.py", b"caf\xe9.py", b"t\xe9am/flow.py", b"\x80.py", b"old\xff.zip"]
)
def test_a_name_that_is_no_text_does_not_take_down_the_list_of_all_others(
    root: Path, name: bytes, safe_mode: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE", safe_mode)
    write(root, os.fsdecode(name))

    assert dag_files(root, "dev") == ("etl.py", "team/flow.py")
    if name.endswith(b".py"):
        assert f"{os.fsdecode(name)!a} of bundle 'dev' cannot be released" in caplog.text
