"""Whatever becomes of the target: whom a change concerns is found as if all that it holds was read."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import DagTarget, Retire, Scope, UndoRelease
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.domain.tree.delta import TreeDelta
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, TreeChange, blob_id
from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Observation, Release, Submission, TargetMark
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.versions import footprints, target_index
from airflow_release_plugin.services.versions.parsed_units import units_of
from tests.conftest import BACKENDS
from tests.harness.context import DEV, World, dag_text

pytestmark = pytest.mark.req("R82", "R93")

DAGS = ["one", "two", "three", "sub/four", "été"]
SHARED = ["lib.py", "lib/__init__.py", "pkg/mod.py", "pkg/__init__.py", "conf/a.yaml", "conf/b/c.yaml"]
LINES = [
    "import lib",
    "import pkg.mod",
    "from pkg import mod",
    "import nothing_like_it",
    "open('conf/a.yaml')",
    "import os; os.listdir('conf')",
    "open('conf/b/c.yaml')",
]
PLACES = [*SHARED, "lib", "pkg", "conf", "conf/b", ".", "later.py", "later", "odd\udcff.py", "\ud800"]
ASSETS = ["orders", "\udcff"]
STEPS = 14


@dataclass
class Team:
    """People who do whatever comes to their minds."""

    world: World
    mind: random.Random

    def some(self, among: Collection[str], most: int = 3) -> list[str]:
        return self.mind.sample(sorted(among), self.mind.randint(0, min(most, len(among))))

    def write(self) -> None:
        for path in self.some(SHARED):
            self.world.write(path, f"x = {self.mind.random()}\n")

    def item(self, path: str) -> CheckItem:
        """What a check says of a file that it has run; now and then one that told nothing."""
        if self.mind.random() < 0.2:
            return CheckItem("parse", CheckStatus.PASSED, path)
        kinds = {kind: frozenset(self.some(PLACES)) for kind in ("used", "missing", "listed", "modules")}
        made = Footprint(**kinds, is_whole=self.mind.random() < 0.9).with_files([path])
        dag = {"dag_id": dag_of(path), "assets_in": self.some(ASSETS), "assets_out": []}
        references = {"awaited_dags": self.some(["one", "two", "gone"])}
        facts = {"footprint": made.to_dict(), "dags": [dag], "references": references}
        return CheckItem("parse", CheckStatus.PASSED, path, facts=facts)

    def into_the_target(self, release: Release) -> None:
        others = [row.path for row in live(self.world) if self.mind.random() < 0.3]
        own = [item.path for item in release.items if not item.submission.is_removal]
        items = [self.item(path) for path in dict.fromkeys([*own, *others])]
        if self.mind.random() < 0.2:
            items = [CheckItem("Parses", CheckStatus.PASSED)]
        self.world.promote(self.world.decide(self.world.report(release, items)))

    def release(self) -> None:
        self.write()
        paths = [f"{name}.py" for name in self.mind.sample(DAGS, self.mind.randint(1, 2))]
        for path in paths:
            self.world.write(path, dag_text(dag_of(path), lines="\n".join(self.some(LINES))))
        self.into_the_target(self.world.request(*map(self.world.submit, paths)))

    def take_away(self) -> None:
        path = self.mind.choice([row.path for row in live(self.world)])
        self.world.delete(path)
        self.into_the_target(self.world.request(self.world.submit(path)))

    def move(self) -> None:
        path = self.mind.choice([row.path for row in live(self.world)])
        moved = f"moved/{path}"
        self.world.write(moved, (self.world.twin.root / path).read_text())
        self.world.delete(path)
        self.into_the_target(self.world.request(self.world.submit(moved)))

    def go_back(self) -> None:
        row = self.mind.choice(live(self.world))
        scopes: list[Scope] = [
            DagTarget(row.dag_ids[0], self.mind.randint(1, row.version)),
            UndoRelease(int(row.release_id or 0)),
            Retire((row.dag_ids[0],)),
        ]
        scope, ctx = self.mind.choice(scopes), self.world.ctx
        plan = planning.plan(ctx, actor=DEV, scope=scope, choice=planning.Choice())
        self.into_the_target(
            rollbacks.request(
                ctx,
                actor=DEV,
                scope=scope,
                choice=planning.Choice(),
                digest=plan.digest,
                release_request=ReleaseRequest("", ["reviewer"]),
            )
        )

    def do_something(self) -> None:
        rest: list[Callable[[], None]] = [self.take_away, self.move, self.go_back]
        act = self.mind.choice([*[self.release] * 3, *(rest if live(self.world) else [])])
        try:
            with self.world.ctx.session.begin_nested():
                act()
        except (ReleaseError, FileNotFoundError):  # it is not possible just now
            self.world.ctx.session.expire_all()

    def delta(self) -> TreeDelta:
        """Some change of the target."""
        before = set(self.world.target())
        places = sorted({*before, *PLACES[:-2]} - {"."})
        written = self.some(places)
        changes = [TreeChange(path, FileEntry(path, REGULAR, blob_id(b"new"), 3)) for path in written]
        changes += [TreeChange(path, None) for path in self.some(set(places) - set(written))]
        return TreeDelta.of(before, changes)


def dag_of(path: str) -> str:
    return path.removesuffix(".py").rpartition("/")[2]


def live(world: World) -> list[Submission]:
    """All that the target holds."""
    world.ctx.session.flush()
    query = select(Submission).where(
        Submission.state == SubmissionState.RELEASED, Submission.change != ChangeKind.DELETED
    )
    return sorted(world.ctx.session.scalars(query), key=lambda row: row.unit_id)


def read_one_by_one(world: World) -> dict[int, Footprint]:
    """What each version in the target depends on."""
    rows = world.ctx.session.scalars(select(Observation))
    seen = {row.submission_id: Footprint.from_dict(row.footprint) for row in rows}
    return {
        row.id: footprints.completed(row, seen[row.id]) if row.id in seen else footprints.from_text(row)
        for row in live(world)
    }


def look(team: Team) -> None:
    """Ask everything both ways."""
    world, rows, kept = team.world, live(team.world), read_one_by_one(team.world)
    ctx = world.ctx
    delta, paths = team.delta(), set(team.some([*PLACES, *(row.path for row in rows)], 5))

    met = {row.path: kept[row.id].met_by(delta) for row in rows}
    assert footprints.affected(ctx, delta, but_for=()) == {path: by for path, by in met.items() if by}
    used = {row.id: paths & {file["path"] for file in row.closure} for row in rows}
    assert {row.id: found for row, found in target_index.users_of(ctx, paths).items()} == {
        row: found for row, found in used.items() if found
    }
    depending = {row.unit_id for row in target_index.depending_on(ctx, paths)}
    assert depending == {row.unit_id for row in rows if kept[row.id].used & paths}

    ids, assets = set(team.some([*map(dag_of, DAGS), "gone"])), set(team.some(ASSETS))
    made = {row.id for row in rows if ids & set(row.dag_ids)}
    assert made <= {row.id for row in target_index.makers_of(ctx, ids)}
    parsed = units_of(ctx, rows)
    for row in rows:
        unit = parsed.get(row.path)
        if unit and (
            ids & {*unit.references.awaited_dags, *unit.dag_ids}
            or any(assets & set(dag.assets_in) for dag in unit.dags)
        ):
            made.add(row.id)
    concerned = target_index.concerned(ctx, dag_ids=ids, awaited=ids, assets=assets)
    assert made <= {row.id for row in concerned}

    filed = set(ctx.session.scalars(select(TargetMark.submission_id)))
    assert filed == {row.id for row in rows}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("db_backend", BACKENDS)
def test_whom_a_change_concerns_is_found_after_any_history(
    session_factory: sessionmaker[Session], world: World, seed: int
) -> None:
    with session_factory() as session:
        team = Team(world.with_session(session), random.Random(seed))
        for _ in range(STEPS):
            team.do_something()
            for _ in range(4):
                look(team)
