"""A task whose version stands on the disk looks at folders, not at files, and imports next to nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_release_plugin import standing
from airflow_release_plugin.bundles.keeper import BundleKeeper
from airflow_release_plugin.bundles.release import ReleaseDagBundle
from airflow_release_plugin.standing import note_of
from airflow_release_plugin.store import whole
from tests.unit.bundles.test_release import ONE, Site, files_of, site

__all__ = ["site"]  # a fixture
pytestmark = pytest.mark.req("R76")
LONG_AGO = 1_700_000_000
HOUR = 3600 * 10**9


@pytest.fixture
def bundle(site: Site) -> ReleaseDagBundle:
    """A version that somebody looked at a while after it had come."""
    made = site.serving(site.promote(ONE))
    lie_there_long(made.path)
    made.initialize()
    put_off_the_sign(made)
    return made


def lie_there_long(folder: Path, since: int = LONG_AGO) -> None:
    """Let the folders not have changed for long: what changed a moment ago is not noted."""
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        os.utime(each, (since, since))


def put_off_the_sign(bundle: ReleaseDagBundle) -> None:
    bundle.sign_due.touch()
    os.utime(bundle.sign_due, (time.time() + 200, time.time() + 200))


def looks_closer(bundle: ReleaseDagBundle, patch: pytest.MonkeyPatch) -> bool:
    """Whether a start of the next task asks the keeper, and lets it do its work."""
    asked = []
    provide = BundleKeeper.provide

    def noted(keeper: BundleKeeper) -> None:
        asked.append(keeper)
        provide(keeper)

    with patch.context() as there:
        there.setattr(BundleKeeper, "provide", noted)
        ReleaseDagBundle(name="prod", version=bundle.version).initialize()
    return bool(asked)


def test_the_next_task_looks_at_no_file(bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not looks_closer(bundle, monkeypatch)


def test_the_first_task_after_the_one_that_fetched_looks_at_no_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.serving(site.promote(ONE))

    assert not looks_closer(made, monkeypatch)


def test_what_goes_in_the_moment_after_a_version_came_is_missed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.serving(site.promote(ONE))
    (made.path / "lib/names.py").unlink()

    assert looks_closer(made, monkeypatch)
    assert files_of(made.path) == ONE


def test_what_it_imports_is_next_to_nothing(bundle: ReleaseDagBundle) -> None:
    code = (
        "import sys, airflow.dag_processing.bundles.base\n"
        "before = set(sys.modules)\n"
        "from airflow_release_plugin.bundles.release import ReleaseDagBundle\n"
        "ReleaseDagBundle(name='prod', version=sys.argv[1]).initialize()\n"
        "print(*sorted(name for name in set(sys.modules) - before if 'release_plugin' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(bundle.version)], check=True, capture_output=True, text=True
    )

    package = "airflow_release_plugin"
    assert done.stdout.split() == [
        f"{package}.bundles",
        f"{package}.bundles.release",
        f"{package}.standing",
    ] or done.stdout.split() == [
        package,
        f"{package}.bundles",
        f"{package}.bundles.release",
        f"{package}.standing",
    ]


def test_a_file_that_went_is_missed_and_comes_again(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bundle.path / "lib/names.py").unlink()

    assert looks_closer(bundle, monkeypatch)
    assert files_of(bundle.path) == ONE


@pytest.mark.parametrize("lost", ["dags", ""])
def test_a_folder_that_went_is_missed_and_comes_again(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    shutil.rmtree(bundle.path / lost)

    assert looks_closer(bundle, monkeypatch)
    assert files_of(bundle.path) == ONE


def test_byte_code_that_came_is_looked_at_once(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bundle.path / "lib/__pycache__").mkdir()
    assert looks_closer(bundle, monkeypatch)
    assert looks_closer(bundle, monkeypatch), "it could change again within the tick of the clock"

    lie_there_long(bundle.path, LONG_AGO + 1)
    assert looks_closer(bundle, monkeypatch)
    (bundle.path / "lib/__pycache__/names.pyc").write_bytes(b"")
    assert not looks_closer(bundle, monkeypatch)


def test_all_is_looked_at_after_each_start_of_the_machine(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "boot", lambda: "next boot")

    assert looks_closer(bundle, monkeypatch)


@pytest.mark.parametrize("text", ["", "x", "\x00", f"{standing.boot()}\x00soon lib", "\x00\x00"])
def test_a_note_that_is_none_says_nothing(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    note = note_of(bundle.base_dir, str(bundle.version))
    note.chmod(0o644)
    note.write_text(text)

    assert looks_closer(bundle, monkeypatch)


def test_a_machine_that_owes_a_sign_gives_it(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for moment in (time.time() - 1, time.time() + 10**7):  # over, or a clock that was wrong
        os.utime(bundle.sign_due, (moment, moment))
        assert looks_closer(bundle, monkeypatch)


def test_what_a_note_costs_does_not_grow_with_files(
    bundle: ReleaseDagBundle, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stat = os.stat

    def looks() -> int:
        note = note_of(bundle.base_dir, str(large.version))
        asked.clear()
        with monkeypatch.context() as there:
            there.setattr(os, "stat", lambda path, **how: (asked.append(str(path)), stat(path, **how))[1])
            assert standing.stands(large.path, note)
        return len(asked)

    large = bundle
    few = looks()
    large = site.serving(site.promote({f"lib/more{number}.py": b"" for number in range(300)}))
    lie_there_long(large.path)
    large.initialize()

    assert looks() == few


def restored_without_data(folder: Path) -> None:
    """A backup that left out files of some kind gives folders the times that they had."""
    backup = folder.parent / "backup"
    shutil.copytree(folder, backup, ignore=shutil.ignore_patterns("*.sql"))
    for each in (backup, backup / "sql"):
        shutil.copystat(folder / each.relative_to(backup), each)
    shutil.rmtree(folder)
    backup.rename(folder)


def touched_as_before(folder: Path) -> None:
    times = {each: each.stat().st_mtime_ns for each in (folder, folder / "sql")}
    (folder / "sql/q.sql").unlink()
    for each, moment in times.items():
        os.utime(each, ns=(moment, moment))


@pytest.mark.parametrize("lose", [restored_without_data, touched_as_before])
def test_a_file_that_went_is_missed_though_folders_have_their_old_times(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Path], None]
) -> None:
    lose(bundle.path)

    assert looks_closer(bundle, monkeypatch)
    assert files_of(bundle.path) == ONE


def test_nobody_notes_by_a_clock_that_the_disk_does_not_go_by(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file server may be behind: what changed there just now looks old from here."""
    (bundle.path / "sql/more").mkdir()
    ahead = time.time_ns() + HOUR
    with monkeypatch.context() as there:
        there.setattr(whole.time, "time_ns", lambda: ahead)
        bundle.keeper.provide()

    assert looks_closer(bundle, monkeypatch)
    assert [note.name for note in note_of(bundle.base_dir, "").iterdir()] == [bundle.version]


def test_a_full_disk_leaves_no_half_of_a_note(
    bundle: ReleaseDagBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie_there_long(bundle.path, LONG_AGO + 1)
    write = Path.write_text

    def is_full(path: Path, text: str, **how: str) -> int:
        write(path, text[:20], **how)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as there:
        there.setattr(Path, "write_text", is_full)
        bundle.keeper.provide()

    assert looks_closer(bundle, monkeypatch)
    assert [note.name for note in note_of(bundle.base_dir, "").iterdir()] == [bundle.version]
