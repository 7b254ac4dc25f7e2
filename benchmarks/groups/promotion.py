"""A promotion into a large target in PostgreSQL, from the lock to the commit; beside commit and push."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from benchmarks.frame.bench import Bench
from benchmarks.frame.files import repository
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Contestant, Sample, living_seconds, taken
from benchmarks.frame.stages import committed, database, git, postgres, scratch

if TYPE_CHECKING:
    from tests.harness.context import World

SIZES = ((1, 5_000), (1, 20_000), (100, 20_000))
"""DAG files of a release, and files that the target has."""


def _row(many: int, n: int) -> Row:
    return Row(
        f"promote {many} into {n} files",
        Goal(ratio=5),
        n,
        peer="`git commit` and `git push` to a bare repository",
        unit=Unit.WALL,
        note="One transaction: files, trees and commit, the release, its versions, events and notices.",
    )


ROWS = tuple(_row(many, n) for many, n in SIZES)


def measure(bench: Bench) -> None:
    """All sizes on one server, each in a database of its own."""
    if not bench.wants(*ROWS):
        return
    with postgres() as server:
        for many, n in SIZES:
            if bench.wants(_row(many, n)):
                with scratch("promotion") as folder:
                    url = server.create_database(f"promoting_{many}_into_{n}")
                    _measure(bench, url, folder, many, n)


def _measure(bench: Bench, url: str, folder: Path, many: int, n: int) -> None:
    from tests.harness.context import make_world

    texts = repository(n)
    with database(url) as engine, Session(engine, expire_on_commit=False) as session:
        world = make_world(session, folder / "source", lambda: datetime.now(timezone.utc))
        adopt(world, texts)
        bench.alternate(_row(many, n), ours=promoter(world, many), peer=_pusher(folder, texts, many))


def adopt(world: World, texts: Mapping[str, str]) -> None:
    """Let the target have these files already, as after an adoption."""
    from airflow_release_plugin.domain.tree.files import REGULAR, TreeChange
    from airflow_release_plugin.services.promotion import promotions
    from airflow_release_plugin.store.base import CommitMessage, environment_ref

    entries = world.store.write_files({path: (REGULAR, text.encode()) for path, text in texts.items()})
    commit = world.store.commit(
        parent=None,
        changes=[TreeChange(entry.path, entry) for entry in entries],
        message=CommitMessage("Everything"),
        author="bench",
        time=world.ctx.clock(),
    )
    world.store.move_ref(environment_ref("prod"), expected=None, new=commit)
    promotions.lock_environment(world.ctx, "prod").recorded_commit = commit
    world.ctx.session.commit()


def promoter(world: World, many: int) -> Contestant:
    """Releases so many DAG files each time; the promotion alone counts."""
    from tests.harness.context import ADMIN

    count = iter(range(1000))

    def promote() -> Sample:
        number = next(count)
        paths = [world.dag(f"dag_{each}", f"# {number}") for each in range(many)]
        asked = world.request(*[world.submit(path) for path in paths], reviewers=[ADMIN.name])
        release = world.decide(world.report(asked), ADMIN)
        world.ctx.session.commit()
        world.ctx.session.expunge_all()

        def promote_it() -> None:
            assert world.promote(release).state.value == "released"
            world.ctx.session.commit()

        return taken(promote_it, others=living_seconds)

    return promote


def _pusher(folder: Path, texts: Mapping[str, str], many: int) -> Contestant:
    """Commits and pushes as many files in a clone of a bare repository with the same files."""
    bare, clone = folder / "bare.git", folder / "clone"
    for path, text in texts.items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)
    bare.mkdir()
    git(bare, "init", "-q", "--bare")
    committed(clone)
    git(clone, "push", "-q", str(bare), "HEAD:refs/heads/main")
    count = iter(range(1000))

    def push() -> Sample:
        number = next(count)
        for each in range(many):
            (clone / f"dag_{each}.py").write_text(f"# {number}\n")
        git(clone, "add", "-A")
        return taken(_commit_and_push)

    def _commit_and_push() -> None:
        git(clone, "commit", "-qm", "next")
        git(clone, "push", "-q", str(bare), "HEAD:refs/heads/main")

    return push


GROUP = RowGroup("promotion", "a promotion into a large target, PostgreSQL", ROWS, measure, minutes=6)
