"""
What a promotion costs in a large target, in PostgreSQL: one transaction, from the lock to the commit.

``python -m benchmarks promotion``. Beside it, in turn: ``git commit`` and ``git push`` to a bare repository
on the same disk. Seconds are those of the wall, since PostgreSQL works in processes of its own.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from tests.harness.context import World

SIZES = ((1, 5_000), (100, 20_000))
"""DAG files of a release, and files that the target has."""
ROUNDS = 9
WARM_UP = 1
_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0")


def run() -> dict[str, float]:
    """Promote and push in turn; return how many times as long the peer takes."""
    from tests.harness.postgres import PostgresServer, find_programs

    programs = find_programs()
    assert programs is not None, "PostgreSQL is missing; install its server package (Debian: postgresql)"
    server = PostgresServer(programs)
    found: dict[str, float] = {}
    try:
        server.start()
        for many, files in SIZES:
            with tempfile.TemporaryDirectory(prefix="bench_promotion_") as folder:
                ours, peer = _in_turn(server.create_database(f"of_{files}"), Path(folder), many, files)
            print(
                f"promoting {many} into {files}: {1000 * ours:.0f} ms, git {1000 * peer:.0f} ms", flush=True
            )
            found[f"git commit and push / promoting {many} into {files}"] = peer / ours
            found[f"promoting {many} into {files} (s)"] = ours
    finally:
        server.stop()
    return found


def _in_turn(database: str, folder: Path, many: int, files: int) -> tuple[float, float]:
    from airflow_release_plugin.models import metadata
    from tests.harness.context import make_world
    from tests.harness.databases import connect

    engine = connect(database)
    metadata.create_all(engine)
    noise = random.Random(7)  # noqa: S311 - the same files each time
    texts = {
        f"area_{n % 60}/data_{n}.sql": f"select 1 -- {noise.randbytes(500).hex()}\n" for n in range(files)
    }
    push = _pusher(folder, texts)
    with Session(engine, expire_on_commit=False) as session:
        world = make_world(session, folder / "source", lambda: datetime.now(timezone.utc))
        _fill(world, texts)
        rounds = [(_promoted(world, many, each), push(many, each)) for each in range(WARM_UP + ROUNDS)]
    engine.dispose()
    ours, peer = zip(*rounds[WARM_UP:], strict=True)
    return statistics.median(ours), statistics.median(peer)


def _fill(world: World, texts: Mapping[str, str]) -> None:
    """Let the target have these files already, as after an adoption."""
    from airflow_release_plugin.domain.tree.files import TreeChange
    from airflow_release_plugin.services.promotion import promotions
    from airflow_release_plugin.store.base import CommitMessage, environment_ref

    entries = world.store.write_files({path: (0o100644, text.encode()) for path, text in texts.items()})
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


def _promoted(world: World, many: int, number: int) -> float:
    from tests.harness.context import ADMIN

    paths = [world.dag(f"dag_{each}", f"# {number}") for each in range(many)]
    asked = world.request(*[world.submit(path) for path in paths], reviewers=[ADMIN.name])
    release = world.decide(world.report(asked), ADMIN)
    world.ctx.session.commit()
    world.ctx.session.expunge_all()
    begun = time.perf_counter()
    promoted = world.promote(release)
    world.ctx.session.commit()
    seconds = time.perf_counter() - begun
    assert promoted.state.value == "released", promoted.state
    return seconds


def _pusher(folder: Path, texts: Mapping[str, str]) -> Callable[[int, int], float]:
    """A clone with these files, whose bare repository has them, too."""
    clone = folder / "clone"
    subprocess.run(["git", "init", "-q", "--bare", str(folder / "bare.git")], check=True)
    subprocess.run(
        ["git", "clone", "-q", str(folder / "bare.git"), str(clone)], check=True, capture_output=True
    )

    def git(*arguments: str) -> None:
        subprocess.run(["git", *_AUTHOR, "-C", str(clone), *arguments], check=True, capture_output=True)

    for path, text in texts.items():
        (clone / path).parent.mkdir(exist_ok=True)
        (clone / path).write_text(text)
    git("add", "-A")
    git("commit", "-qm", "Everything")
    git("push", "-q", "origin", "HEAD")

    def push(many: int, number: int) -> float:
        for each in range(many):
            (clone / f"dag_{each}.py").write_text(f"# {number}\n")
        git("add", "-A")
        begun = time.perf_counter()
        git("commit", "-qm", "next")
        git("push", "-q", "origin", "HEAD")
        return time.perf_counter() - begun

    return push
