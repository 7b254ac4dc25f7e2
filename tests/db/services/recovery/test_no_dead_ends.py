"""
Every open state, and every way in which the one who should move it on can die: there is a way out that works.

Of releases and gates, whose runs and tasks Airflow knows, see ``test_lost_work.py``; of processes that are
really killed, ``db/api/test_killed_servers.py``; of rollbacks, ``rollbacks/test_rollbacks.py``.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.states import (
    MOVES,
    ExportState,
    GateState,
    ImportState,
    ReleaseState,
    State,
)
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.models import Export, Import
from airflow_release_plugin.services.exports import exports
from airflow_release_plugin.services.exports import job as export_job
from airflow_release_plugin.services.imports import applying, cleanup, endings, imports
from airflow_release_plugin.services.imports import job as import_job
from airflow_release_plugin.services.recovery import lost_work
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.services.runtime.claims import LEASE, MAX_ATTEMPTS, claim_next
from airflow_release_plugin.services.server import startup
from tests.db.services.recovery import test_lost_work as of_runs
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World, steps_of
from tests.harness.exports import ask
from tests.harness.imports import bundle_bytes, uploaded, with_imports
from tests.harness.preflights import check, unit
from tests.harness.two_installations import ASKED, servers

pytestmark = pytest.mark.req("R89")
A_MINUTE = 60


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    """An installation that exports and imports, with one DAG in the target."""
    world = with_imports(world, tmp_path)
    world.released(world.dag("orders"))
    return world


# exports


def work_on_exports(world: World) -> int:
    return export_job.run_once(work=steps_of(world))


def server_dies(world: World, clock: FrozenClock, times: int) -> None:
    """Let a server take the export up, and give no sign any more; so many, one after the other."""
    for _ in range(times):
        assert claim_next(steps_of(world), export_job._claim_next) is not None
        assert work_on_exports(world) == 0, "it lives as far as others know"
        clock.advance(seconds=LEASE.total_seconds() + 1)


def disk_is_full(world: World, patch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: Any) -> None:
        raise error

    with patch.context() as broken:
        broken.setattr("airflow_release_plugin.durable.os.fsync", refuse)
        assert work_on_exports(world) == 0


Dies = Callable[[World, FrozenClock, pytest.MonkeyPatch], None]
EXPORTS: dict[tuple[ExportState, str], tuple[Dies, ExportState]] = {
    (ExportState.QUEUED, "no server was there"): (lambda w, c, p: c.advance(hours=30), ExportState.READY),
    (ExportState.RUNNING, "its server died"): (lambda w, c, p: server_dies(w, c, 1), ExportState.READY),
    (ExportState.RUNNING, "every server died"): (
        lambda w, c, p: server_dies(w, c, MAX_ATTEMPTS),
        ExportState.ERRORED,
    ),
    (ExportState.RUNNING, "the disk was full"): (
        lambda w, c, p: disk_is_full(w, p, OSError(errno.ENOSPC, "No space left on device")),
        ExportState.ERRORED,
    ),
    (ExportState.RUNNING, "it broke inside"): (
        lambda w, c, p: disk_is_full(w, p, ValueError("broken")),
        ExportState.ERRORED,
    ),
}
"""By the state that is left and the way in which: what becomes of it by itself."""


@pytest.mark.parametrize(("state", "way"), EXPORTS)
def test_an_export_is_made_or_errored_by_itself_and_its_retry_works(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, state: ExportState, way: str
) -> None:
    row = ask(world, "orders")
    dies, becomes = EXPORTS[state, way]

    dies(world, clock, monkeypatch)
    work_on_exports(world)

    assert row.state is becomes, row.error
    if becomes is ExportState.ERRORED:
        assert row.error
        exports.retry(world.ctx, actor=DEV, export_id=row.id)
        assert work_on_exports(world) == 1
    assert_ready(world, row)


def assert_ready(world: World, row: Export) -> None:
    assert (row.state, row.error) == (ExportState.READY, "")
    assert exports.fetch(world.ctx, actor=DEV, export_id=row.id).size == row.file_size
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.parametrize("state", [ExportState.QUEUED, ExportState.RUNNING, ExportState.ERRORED])
def test_an_export_can_be_given_up_wherever_it_stands(
    world: World, clock: FrozenClock, state: ExportState
) -> None:
    row = ask(world, "orders")
    if state is not ExportState.QUEUED:
        server_dies(world, clock, 1 if state is ExportState.RUNNING else MAX_ATTEMPTS)
    if state is ExportState.ERRORED:
        work_on_exports(world)
    assert row.state is state

    exports.discard(world.ctx, actor=DEV, export_id=row.id)

    assert (row.state, work_on_exports(world)) == (ExportState.FAILED, 0)


def test_a_file_that_was_kept_long_enough_is_generated_anew(world: World, clock: FrozenClock) -> None:
    row = ask(world, "orders")
    work_on_exports(world)
    clock.advance(hours=24 * export_job.KEPT.days + 1)
    work_on_exports(world)
    assert row.state is ExportState.EXPIRED

    again = ask(world, "orders")
    work_on_exports(world)

    assert_ready(world, again)


# imports


def uploading(world: World) -> Import:
    data = bundle_bytes(world, content={"etl.py": b"# etl\n"}, units=(unit("etl"),))
    row = imports.begin(world.ctx, actor=ADMIN, file_name="a.dagbundle", file_size=len(data))
    return imports.append(world.ctx, actor=ADMIN, import_id=row.id, offset=0, chunks=[data[:100]])


def in_state(world: World, state: ImportState) -> Import:
    """An import that was brought so far."""
    if state is ImportState.UPLOADING:
        return uploading(world)
    row = uploaded(world, content={"etl.py": b"# etl\n"}, units=(unit("etl"),))
    if state is not ImportState.UPLOADED:
        check(world, row)
    if state is ImportState.APPLYING:
        request_application(world, row)
    assert row.state is state, row.error
    return row


def request_application(world: World, row: Import) -> None:
    applying.request(world.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT, release_request=ASKED)


def work_on_imports(world: World) -> int:
    cleanup.run_once(work=servers(world))
    return import_job.run_once(work=servers(world))


def applier_dies(world: World, clock: FrozenClock, times: int) -> None:
    for _ in range(times):
        assert claim_next(servers(world), import_job._claim_next) is not None
        assert work_on_imports(world) == 0, "it lives as far as others know"
        clock.advance(seconds=LEASE.total_seconds() + 1)


def applying_breaks(world: World, patch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    with patch.context() as broken:
        broken.setattr(import_job.applying, "carry_out", refuse)
        assert work_on_imports(world) == 0


def goes_on_uploading(world: World, row: Import) -> None:
    data = bundle_bytes(world, content={"etl.py": b"# etl\n"}, units=(unit("etl"),))
    again = imports.begin(world.ctx, actor=ADMIN, file_name="a.dagbundle", file_size=len(data))
    imports.append(world.ctx, actor=ADMIN, import_id=again.id, offset=0, chunks=[data])
    checks_and_applies(world, imports.complete(world.ctx, actor=ADMIN, import_id=again.id))


def checks_and_applies(world: World, row: Import) -> None:
    check(world, row)
    applies(world, row)


def applies(world: World, row: Import) -> None:
    request_application(world, row)
    is_applied(world, row)


def is_applied(world: World, row: Import) -> None:
    work_on_imports(world)
    assert row.state is ImportState.APPLIED, row.error


def has_it_sent_anew(world: World, _row: Import) -> None:
    checks_and_applies(world, uploaded(world, content={"etl.py": b"# etl\n"}, units=(unit("etl"),)))


FULL = ReleaseError("No space left on device.")
WayOut = Callable[[World, Import], None]
IMPORTS: dict[tuple[ImportState, str], tuple[Dies, ImportState, WayOut]] = {
    (ImportState.UPLOADING, "the sender is gone for hours"): (
        lambda w, c, p: c.advance(hours=23),
        ImportState.UPLOADING,
        goes_on_uploading,
    ),
    (ImportState.UPLOADING, "the sender never came back"): (
        lambda w, c, p: c.advance(hours=25),
        ImportState.DISCARDED,
        has_it_sent_anew,
    ),
    (ImportState.UPLOADED, "nobody looked at it for a day"): (
        lambda w, c, p: c.advance(hours=24),
        ImportState.UPLOADED,
        checks_and_applies,
    ),
    (ImportState.UPLOADED, "its bundle expired"): (
        lambda w, c, p: c.advance(hours=80),
        ImportState.FAILED,
        has_it_sent_anew,
    ),
    (ImportState.CHECKED, "nobody applied it for a day"): (
        lambda w, c, p: c.advance(hours=24),
        ImportState.CHECKED,
        applies,
    ),
    (ImportState.CHECKED, "its bundle expired"): (
        lambda w, c, p: c.advance(hours=80),
        ImportState.FAILED,
        has_it_sent_anew,
    ),
    (ImportState.APPLYING, "no server was there"): (
        lambda w, c, p: c.advance(hours=24),
        ImportState.APPLIED,
        is_applied,
    ),
    (ImportState.APPLYING, "its server died"): (
        lambda w, c, p: applier_dies(w, c, 1),
        ImportState.APPLIED,
        is_applied,
    ),
    (ImportState.APPLYING, "every server died"): (
        lambda w, c, p: applier_dies(w, c, MAX_ATTEMPTS),
        ImportState.CHECKED,
        applies,
    ),
    (ImportState.APPLYING, "the disk was full"): (
        lambda w, c, p: applying_breaks(w, p, FULL),
        ImportState.CHECKED,
        applies,
    ),
    (ImportState.APPLYING, "it broke inside"): (
        lambda w, c, p: applying_breaks(w, p, ValueError("broken")),
        ImportState.CHECKED,
        applies,
    ),
    (ImportState.APPLYING, "its bundle expired"): (
        lambda w, c, p: c.advance(hours=80),
        ImportState.CHECKED,
        has_it_sent_anew,
    ),
}
"""By the state that is left and the way in which: what becomes of it by itself, and how people go on."""


@pytest.mark.parametrize(("state", "way"), IMPORTS)
def test_an_import_ends_or_waits_with_a_reason_and_people_can_go_on(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch, state: ImportState, way: str
) -> None:
    row = in_state(world, state)
    dies, becomes, way_out = IMPORTS[state, way]

    dies(world, clock, monkeypatch)
    work_on_imports(world)

    assert row.state is becomes, row.error
    assert bool(row.error) == (state is not becomes and becomes is not ImportState.APPLIED)
    way_out(world, row)
    assert audit.first_broken_link(world.ctx) is None


@pytest.mark.parametrize("state", [ImportState.UPLOADING, ImportState.UPLOADED, ImportState.CHECKED])
def test_an_import_can_be_given_up_while_people_have_it(world: World, state: ImportState) -> None:
    row = in_state(world, state)

    endings.discard(world.ctx, actor=ADMIN, import_id=row.id)

    assert row.state is ImportState.DISCARDED
    has_it_sent_anew(world, row)


# all of them

LEFT_BY_PEOPLE: dict[State, str] = {
    ReleaseState.AWAITING_APPROVAL: "people decide, revoke, or it expires",
    ReleaseState.RELEASED: "in the target: rolled back by people, or by what watches it",
    ReleaseState.FAILED: "retried",
    ReleaseState.ERRORED: "retried or revoked",
    ReleaseState.STALE: "retried, or requested anew",
    ExportState.ERRORED: "retried or discarded",
    ExportState.READY: "downloaded; expires, and is generated anew",
}
IN_ONE_TRANSACTION = {ReleaseState.DRAFT}
"""Nobody ever sees a release there."""


def test_there_is_a_row_for_every_open_state() -> None:
    rows: set[State] = {state for state, _ in (*EXPORTS, *IMPORTS)}
    rows |= {ReleaseState(name) for name in of_runs.OPEN}
    rows |= {GateState.OPEN} if of_runs.TestGates.WAYS else set()
    machines = (ReleaseState, GateState, ExportState, ImportState)

    still_open = {state for machine in machines for state in machine if MOVES[machine][state]}

    assert still_open == rows | set(LEFT_BY_PEOPLE) | IN_ONE_TRANSACTION


def test_whatever_is_lost_is_found_within_a_minute() -> None:
    # A server that dies right after a look holds the lease for its length; then two looks see the loss.
    assert lost_work._LEASE.total_seconds() + 2 * lost_work.PAUSE <= A_MINUTE
    assert LEASE.total_seconds() + startup._TRANSFER_PAUSE <= A_MINUTE
