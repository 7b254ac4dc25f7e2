"""What a release would do to DAGs that it does not name, with DAG files that really run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Release
from airflow_release_plugin.operators.check_items import items_of
from airflow_release_plugin.proof.proving import Provable, Trees, prove
from airflow_release_plugin.services.releases import checks, work
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.store.serving import ServedTrees
from tests.harness.context import PIPELINE, World
from tests.harness.running import run_files
from tests.harness.work_trees import candidate_files

pytestmark = [
    pytest.mark.req("R82"),
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern"),  # Airflow's reading of .airflowignore
]

LISTS = """
from pathlib import Path
from airflow.sdk import DAG
names = sorted(file.stem for file in (Path(__file__).parent / "conf").glob("*.yaml"))
with DAG(dag_id="lists", description=" ".join(names)):
    pass
"""
IMPORTS = """
from airflow.sdk import DAG
import nspkg, nspkg.mod
with DAG(dag_id="imports", description=str(nspkg.__doc__)):
    pass
"""
MISSES = """
from airflow.sdk import DAG
try:
    from extras import TEXT
except ImportError:
    TEXT = "plain"
with DAG(dag_id="misses", description=TEXT):
    pass
"""

Checker = Callable[[Release], list[CheckItem]]


@pytest.fixture
def check(world: World, tmp_path: Path) -> Checker:
    """Check a release as a worker does, and report it."""
    numbers = iter(range(1000))

    def run(release: Release) -> list[CheckItem]:
        folder = tmp_path / f"check-{next(numbers)}"
        made = ServedTrees(folder / "shared")

        def read(blobs: Iterator[str]) -> Iterator[tuple[str, bytes]]:
            return ((blob, world.store.read(blob)) for blob in blobs)

        def build(name: str, files: Mapping[str, FileEntry]) -> Path:
            with made.locked():
                made.place(folder / name, dict(sorted(files.items())), read, previous=None)
            return folder / name

        task = work.work_of(world.ctx, actor=PIPELINE, release_id=release.id)
        lists = work.work_trees(world.ctx, actor=PIPELINE, release_id=release.id)
        trees = Trees(
            _by_path(lists.target),
            _by_path(candidate_files(world, release)),
            {tree: _by_path(files) for tree, files in lists.snapshots.items()},
        )
        units = [Provable(unit.path, frozenset(unit.files), unit.snapshot) for unit in task.units]
        proof = prove(
            units,
            task.dag_files,
            trees=trees,
            build=build,
            run=partial(run_files, bundle_name="prod"),
            run_in_candidate=partial(run_files, bundle_name="prod"),
            served=task.served,
        )
        items = items_of(proof, units, trees, task.served)
        numbers_of = {unit.path: unit.submission_id for unit in task.units}
        checks.report(
            world.ctx,
            actor=world.task(release, TaskRole.CHECK),
            release_id=release.id,
            kind=ReportKind.CHECK,
            attempt=release.attempt,
            base_commit=task.base_commit,
            items=items,
            joined=[JoinedFile(numbers_of[each.unit], each.path, each.reason) for each in proof.joined],
        )
        return items

    return run


def _by_path(files: object) -> dict[str, FileEntry]:
    return {file.path: file for file in files}  # type: ignore[attr-defined]


def others(items: list[CheckItem]) -> dict[str, tuple[CheckStatus, str]]:
    return {item.path: (item.status, item.detail) for item in items if item.name == ALSO_CHANGES}


@pytest.fixture
def target(world: World, check: Checker) -> World:
    """Three DAG files in the target, checked by running them."""
    world.write("conf/one.yaml", "a: 1\n")
    world.write("nspkg/mod.py", "x = 1\n")
    for name, text in (("lists", LISTS), ("imports", IMPORTS), ("misses", MISSES)):
        world.write(f"{name}.py", text)
    release = world.request(*[world.submit(f"{name}.py") for name in ("lists", "imports", "misses")])
    check(release)
    assert world.promote(world.decide(release)).state is ReleaseState.RELEASED
    return world


def test_files_that_were_not_there_before_name_the_dags_that_they_would_change(
    target: World, check: Checker
) -> None:
    target.write("conf/two.yaml", "a: 2\n")
    target.write("nspkg/__init__.py", '"""A package now."""\n')
    target.write("extras.py", 'TEXT = "rich"\n')
    target.dag("new", lines="import nspkg, extras\nopen(__file__.replace('new.py', 'conf/two.yaml'))")
    release = target.request(target.submit("new.py"))

    found = others(check(release))

    assert {path: status for path, (status, _) in found.items()} == {
        "imports.py": CheckStatus.WARNING,
        "lists.py": CheckStatus.WARNING,
        "misses.py": CheckStatus.WARNING,
    }
    assert '"one" now, "one two" then' in found["lists.py"][1]
    assert '"plain" now, "rich" then' in found["misses.py"][1]
    assert '"None" now, "A package now." then' in found["imports.py"][1]


def test_two_releases_that_have_nothing_to_do_with_each_other_land_with_one_check_each(
    target: World, check: Checker
) -> None:
    for name in ("left", "right"):
        target.write(f"{name}_lib.py", "x = 1\n")
        target.dag(name, lines=f"import {name}_lib")
    both = [target.request(target.submit(f"{name}.py")) for name in ("left", "right")]
    for release in both:
        assert others(check(release)) == {}
        target.decide(release)

    assert [target.promote(release).state for release in both] == [ReleaseState.RELEASED] * 2
