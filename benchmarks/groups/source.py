"""What people do with a source of thousands of files: look at what changed, and submit it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from benchmarks.dags_of_airflow import make_tables, note_parsed
from benchmarks.frame.bench import Bench
from benchmarks.frame.files import dag_path, dag_text, edit, write_repository
from benchmarks.frame.rows import Goal, Row, RowGroup
from benchmarks.frame.samples import Sample, taken, timed
from benchmarks.frame.stages import committed, database, environment, git, scratch
from benchmarks.groups.promotion import adopt

if TYPE_CHECKING:
    from airflow_release_plugin.services.runtime.context import Context
    from tests.harness.context import World

SIZES = (5_000, 20_000)
SUBMITTED_FROM = 5_000
BUNDLE = "dev"
TAG = "all"
"""Which every DAG has."""
SETTLED_SECONDS = 2.5
"""Until files are no longer so new that their stat says nothing."""
_STATUS, _COMMIT = "`git status`", "`git add` and `git commit`"


def _cold(n: int) -> Row:
    return Row(
        f"candidates at first: {n} files",
        Goal(ratio=0.5),
        n,
        peer=_STATUS,
        rounds=1,
        why_few="a server process looks for the first time once",
        note="Every file is read and parsed once; later looks read what has another stat.",
    )


def _warm(n: int) -> Row:
    return Row(f"candidates with nothing new: {n} files", Goal(ratio=0.5), n, peer=_STATUS)


def _changed(n: int) -> Row:
    return Row(f"candidates with 10 changed: {n} files", Goal(ratio=0.5), n, peer=_STATUS)


def _new(n: int) -> Row:
    return Row(
        f"candidates with 1 new: {n} files",
        Goal(to_floor=1.2),
        n,
        peer=_STATUS,
        floor="the same page with nothing new",
    )


def _submit(many: int) -> Row:
    return Row(
        f"submit {many} of {SUBMITTED_FROM} files",
        Goal(ratio=1 / 3, at_most=0.2 if many == 1 else 1),
        SUBMITTED_FROM,
        peer=_COMMIT,
        note="With a snapshot of the whole source, the closure of each unit, its digest and its event.",
    )


_FIRST = Row(
    f"first submission: {SUBMITTED_FROM} files",
    Goal(ratio=1 / 3),
    SUBMITTED_FROM,
    peer=f"{_COMMIT} of everything",
    rounds=1,
    why_few="there is one first submission of an empty store",
)
_CANDIDATES = tuple(make(n) for n in SIZES for make in (_cold, _warm, _changed, _new))
ROWS = (*_CANDIDATES, _FIRST, _submit(1), _submit(100))


@dataclass(frozen=True)
class Source:
    """
    A folder of so many files and an installation that has it as its source, on an SQLite file.

    :param clone: a git repository with the same files
    """

    world: World
    root: Path
    clone: Path

    @property
    def ctx(self) -> Context:
        """What use cases get."""
        return self.world.ctx

    def edit(self, paths: Collection[str]) -> None:
        """Change files in both."""
        for root in (self.root, self.clone):
            for path in paths:
                edit(root, path)

    def look(self) -> object:
        """The first page of what is to be released, as the page asks for it."""
        from airflow_release_plugin.services.read_models.to_be_released import ListRequest, get_list
        from airflow_release_plugin.services.submissions.candidates import CandidateFilter
        from tests.harness.context import DEV

        self.ctx.session.expunge_all()
        asked = ListRequest("", shared=False, wanted=CandidateFilter(), order_by="", limit=50, offset=0)
        return get_list(self.ctx, actor=DEV, asked=asked)

    def submit(self, paths: Collection[str]) -> None:
        """Submit files as they are now."""
        from airflow_release_plugin.services.submissions import submissions
        from tests.harness.context import DEV

        handled = submissions.submit_many(self.ctx, actor=DEV, paths=list(paths))
        self.ctx.session.commit()
        assert all(each.submission for each in handled), handled[0].problem

    def commit(self) -> None:
        """Commit what changed in the clone."""
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-qm", "next")


@contextmanager
def source(files: int, *, is_committed: bool = True) -> Iterator[Source]:
    """
    A source of so many files for the length of a block.

    :param is_committed: whether the clone, and the target, have these files already
    """
    with scratch("source") as folder:
        root, clone = folder / "dags", folder / "clone"
        texts = write_repository(root, files)
        shutil.copytree(root, clone)
        if is_committed:
            committed(clone)
        bundle = {"name": BUNDLE, "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
        bundles = json.dumps([{**bundle, "kwargs": {"path": str(root)}}])
        with (
            environment(AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=bundles),
            database(f"sqlite:///{folder / 'release.db'}") as engine,
            Session(engine, expire_on_commit=False) as session,
        ):
            make_tables(session, BUNDLE)
            dags = (file.relative_to(root).as_posix() for file in root.glob("team_*/dag_*.py"))
            note_parsed(session, BUNDLE, dags, tag=TAG)
            world = _world(session, root)
            if is_committed:
                adopt(world, texts)
            time.sleep(SETTLED_SECONDS)
            yield Source(world, root, clone)


def _world(session: Session, root: Path) -> World:
    from airflow_release_plugin.airflow_internals.facts import dag_facts, known_dags
    from airflow_release_plugin.airflow_internals.source import open_bundle
    from airflow_release_plugin.domain.bundle_folders import SourceSnapshot
    from airflow_release_plugin.domain.ports import DagFacts, KnownDag
    from tests.harness.context import make_world
    from tests.harness.fake_airflow import AirflowTwin

    class KnownToAirflow(AirflowTwin):
        """Lists files as Airflow does, and knows of DAGs what is in its tables."""

        def snapshot(self) -> SourceSnapshot:
            return open_bundle(BUNDLE, "source bundle")

        def facts(
            self, bundle: str, paths: Collection[str] | None = None
        ) -> Mapping[str, tuple[DagFacts, ...]]:
            return dag_facts(session, bundle, paths)

        def known(self, bundle: str) -> Mapping[str, tuple[KnownDag, ...]]:
            return known_dags(session, bundle)

    world = make_world(session, root, lambda: datetime.now(timezone.utc))
    airflow = replace(world.ctx.airflow, source=KnownToAirflow(root))
    return replace(world, ctx=replace(world.ctx, airflow=airflow))


def measure(bench: Bench) -> None:
    """Candidates of each size, then submissions."""
    for n in SIZES:
        if bench.wants(_cold(n), _warm(n), _changed(n), _new(n)):
            with source(n) as place:
                _measure_candidates(bench, place, n)
    if bench.wants(_FIRST, _submit(1), _submit(100)):
        with source(SUBMITTED_FROM, is_committed=False) as place:
            _measure_submissions(bench, place)


def _measure_candidates(bench: Bench, place: Source, n: int) -> None:
    def status() -> None:
        git(place.clone, "status", "--porcelain")

    look = timed(place.look)
    bench.note(_cold(n), {"ours": [look()], "peer": [timed(status)()]})
    bench.alternate(_warm(n), ours=look, peer=timed(status))
    changed = [dag_path(number) for number in range(10)]
    bench.alternate(_changed(n), prepare=lambda: place.edit(changed), ours=look, peer=timed(status))
    count = iter(range(10**6, 2 * 10**6))

    def add_one() -> None:
        number = next(count)
        for root in (place.root, place.clone):
            (root / dag_path(number)).write_text(dag_text(number))
        note_parsed(place.ctx.session, BUNDLE, [dag_path(number)], tag=TAG)

    def look_at_one_more() -> Sample:
        place.look()  # what the round before left
        add_one()
        return taken(place.look)

    def look_again() -> Sample:
        place.look()
        return taken(place.look)

    bench.alternate(_new(n), ours=look_at_one_more, peer=timed(status), floor=look_again)


def _measure_submissions(bench: Bench, place: Source) -> None:
    first = {
        "ours": [taken(lambda: place.submit([dag_path(0)]))],
        "peer": [taken(lambda: committed(place.clone))],
    }
    bench.note(_FIRST, first)
    for many in (1, 100):
        numbers = iter(range(many * 20, 10**6))
        batch: list[str] = []

        def prepare(batch: list[str] = batch, numbers: Iterator[int] = numbers, many: int = many) -> None:
            batch[:] = [dag_path(next(numbers)) for _ in range(many)]
            place.edit(batch)
            time.sleep(SETTLED_SECONDS if many > 1 else 0)

        submit: Callable[[], None] = lambda batch=batch: place.submit(batch)  # noqa: E731
        bench.alternate(_submit(many), prepare=prepare, ours=timed(submit), peer=timed(place.commit))


GROUP = RowGroup("source", "what is to be released, and submitting it", ROWS, measure, minutes=8)
