"""What another installation released arrives whole, where it belongs, and as it was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from airflow_release_plugin.analysis.text_diff import LineKind
from airflow_release_plugin.domain.bundle.export_request import ExportOrigin
from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.bundle.name_table import NameTable, name_table
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.kinds import ChangeKind, ReleaseKind
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
from airflow_release_plugin.domain.states import ImportState, ReleaseState, SubmissionState
from airflow_release_plugin.exceptions import (
    BundleUntrustedError,
    ConflictError,
    ImportBlockedError,
    NotAllowedError,
    NotFoundError,
    SelfApprovalError,
)
from airflow_release_plugin.models import Import, Release, Submission, Unit
from airflow_release_plugin.repositories import releases, submissions
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.imports import applying, imports, job, preflight
from airflow_release_plugin.services.read_models import import_contents, release_changes, release_page
from airflow_release_plugin.services.read_models.release_changes import Against
from airflow_release_plugin.services.releases import work
from airflow_release_plugin.services.releases.completion import JoinedFile
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.runtime import audit, installation
from airflow_release_plugin.services.submissions import candidates
from airflow_release_plugin.services.versions.file_diffs import ChangedFile
from airflow_release_plugin.store.base import import_ref
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World, dag_text
from tests.harness.exports import made
from tests.harness.flow_forms import form, level
from tests.harness.imports import uploaded
from tests.harness.two_installations import ASKED, Pair, apply, beside, checked_at, sent_from, servers

pytestmark = pytest.mark.req("R54", "R55", "R56")
USES_SHOP = 'import shop\nSQL = open("sql/etl.sql").read()'


@pytest.fixture
def pair(world: World, migrated_file: Path, tmp_path: Path, clock: FrozenClock) -> Iterator[Pair]:
    """Two installations; the one there has released a DAG with a module and a query, and one without."""
    with beside(world, migrated_file, tmp_path, clock) as both:
        both.there.write("shop.py", 'CONNECTION = "warehouse"\n')
        both.there.released(both.there.dag("etl", lines="import shop"), both.there.dag("report"))
        yield both


def versions(world: World) -> dict[str, Submission]:
    """The newest version of each path."""
    rows = world.ctx.session.scalars(select(Submission).order_by(Submission.id))
    return {row.path: row for row in rows}


def release_of(world: World, row: Import) -> Release:
    found = releases.release(world.ctx.session, row.release_id or 0)
    assert found is not None
    return found


def finished(world: World, row: Import) -> Release:
    """The release of an import, approved and promoted."""
    return world.promote(world.decide(world.report(release_of(world, row))))


def released_import(pair: Pair, *names: str, **release_request: Any) -> Import:
    row = pair.applied(*names, mode=ImportMode.RELEASE, **release_request)
    finished(pair.here, row)
    return row


def export_of(pair: Pair, bundle_id: str | None) -> dict[str, Any]:
    """How an incremental export names what it builds on."""
    assert bundle_id is not None
    return {"base_bundle_id": bundle_id}


def test_submitted_versions_wait_in_the_list_as_they_were_released_there(pair: Pair) -> None:
    row = pair.applied("etl", "report")

    here = versions(pair.here)
    as_new = (1, SubmissionState.PENDING, ChangeKind.NEW)
    facts = {path: (v.version, v.state, v.change) for path, v in here.items()}
    assert facts == {"etl.py": as_new, "report.py": as_new}
    assert here["etl.py"].digest == versions(pair.there)["etl.py"].digest
    assert {file["path"]: file["kind"] for file in here["etl.py"].closure} == {
        "etl.py": "dag",
        "shop.py": "module",
    }
    assert [c.submission_id for c in candidates.list_candidates(pair.here.ctx, actor=DEV).items] == [
        here["etl.py"].id,
        here["report.py"].id,
    ]
    assert (row.mode, row.release_id, row.commit_id) == (
        "submit",
        None,
        pair.here.store.ref(import_ref(str(row.bundle_id))),
    )


@pytest.mark.req("R80")
def test_what_comes_from_elsewhere_is_proven_in_the_bundle_as_it_lies_here(pair: Pair) -> None:
    row = pair.applied("etl", "report", folder="imported", mode=ImportMode.RELEASE)
    release = release_of(pair.here, row)

    found = work.work_of(pair.here.ctx, actor=PIPELINE, release_id=release.id)
    lists = work.work_trees(pair.here.ctx, actor=PIPELINE, release_id=release.id)
    [tree] = lists.snapshots
    assert [(unit.path, unit.snapshot, unit.is_imported) for unit in found.units] == [
        ("imported/etl.py", tree, True),
        ("imported/report.py", tree, True),
    ]
    assert sorted(file.path for file in lists.snapshots[tree]) == [
        "imported/etl.py",
        "imported/report.py",
        "shop.py",
    ]
    etl = versions(pair.here)["imported/etl.py"]
    assert etl.snapshot is not None
    assert etl.snapshot.source == f"bundle {row.bundle_id}"


@pytest.mark.req("R80")
def test_a_file_of_the_bundle_that_a_version_opens_joins_it_here(pair: Pair) -> None:
    row = pair.applied("etl", "report", mode=ImportMode.RELEASE)
    release = release_of(pair.here, row)
    report = versions(pair.here)["report.py"]

    pair.here.report(release, joined=[JoinedFile(report.id, "shop.py", "opened when it ran")])
    assert [file["path"] for file in report.closure] == ["report.py", "shop.py"]


def test_units_are_known_by_the_name_that_they_have_where_they_were_made(pair: Pair) -> None:
    row = pair.applied("etl")

    uid = installation.uid(pair.there.ctx)
    unit = versions(pair.here)["etl.py"].unit
    assert unit.origin == installation.unit_id_of(unit, installation.uid(pair.here.ctx))
    assert row.placed == {unit.origin: {"there": "etl.py", "here": "etl.py"}}
    assert str(unit.origin).startswith(uid)


def test_new_dags_go_into_the_folder_and_stay_there(pair: Pair) -> None:
    row = pair.checked("report", folder="imported/a")
    apply(pair.here, row)

    assert list(versions(pair.here)) == ["imported/a/report.py"]
    assert row.placed.popitem()[1] == {"there": "report.py", "here": "imported/a/report.py"}


def test_a_release_of_an_import_is_approved_here_and_brings_the_files_byte_for_byte(pair: Pair) -> None:
    row = pair.applied("etl", "report", mode=ImportMode.RELEASE)
    release = release_of(pair.here, row)

    assert (release.kind, release.state) == (ReleaseKind.IMPORT, ReleaseState.CHECKING)
    assert release.title == "An import"
    assert finished(pair.here, row).state is ReleaseState.RELEASED
    assert pair.here.target() == pair.there.target()
    assert audit.first_broken_link(pair.here.ctx) is None


@pytest.mark.req("R55")
def test_upstream_comes_first_in_the_release(pair: Pair) -> None:
    pair.there.released(
        pair.there.dag("a_last", lines='ExternalTaskSensor(task_id="w", external_dag_id="report")')
    )

    row = pair.applied("a_last", "report", mode=ImportMode.RELEASE)

    manifest = imports.manifest_of(row)
    assert next(unit for unit in manifest.units if unit.path == "a_last.py").upstream_dags == ("report",)
    assert [item.path for item in release_of(pair.here, row).items] == ["report.py", "a_last.py"]


def test_whoever_uploaded_an_import_does_not_approve_it(pair: Pair) -> None:
    row = pair.applied("etl", mode=ImportMode.RELEASE)
    release = pair.here.report(release_of(pair.here, row))

    with pytest.raises(SelfApprovalError):
        pair.here.decide(release, ADMIN)


def test_a_title_is_made_where_none_was_given(pair: Pair) -> None:
    row = apply(pair.here, pair.checked("etl", "report"), ImportMode.RELEASE, replace(ASKED, title=" "))

    assert release_of(pair.here, row).title == "Import of etl and 1 more"


def test_the_offer_names_who_could_approve_before_anything_is_asked_for(pair: Pair) -> None:
    row = pair.checked("etl")

    found = applying.preview_of(pair.here.ctx, row, actor=ADMIN)

    assert "reviewer" in {person.name for person in found.people}
    assert found.problem == ""
    assert versions(pair.here) == {}


def test_an_offer_puts_no_file_into_the_store(pair: Pair) -> None:
    row = pair.checked("etl")

    applying.preview_of(pair.here.ctx, row, actor=ADMIN)

    for entry in versions(pair.there)["etl.py"].entries:
        with pytest.raises(NotFoundError):
            pair.here.store.read(entry.blob)


@pytest.mark.req("R59")
def test_an_offer_counts_the_lines_as_they_will_be_here(pair: Pair) -> None:
    row = renamed_connection(pair)
    finished(pair.here, apply(pair.here, row, ImportMode.RELEASE))
    lines = 'op = Operator(conn_id="warehouse")\nMORE = 1'
    pair.there.released(pair.there.dag("load", lines=lines))
    by_lines = [level(name=f"From {least} on", min_lines=least) for least in (1, 2)]
    raw = form("Imports", level(), *by_lines, kind="import")
    flow_admin.create(pair.here.ctx, actor=ADMIN, raw=raw)
    row = pair.checked("load", mapping=name_table(row.mapping))

    found = applying.preview_of(pair.here.ctx, row, actor=ADMIN)

    assert found.level_name == "From 1 on"


def test_a_reviewer_who_may_not_decide_gives_the_import_back_with_the_reason(pair: Pair) -> None:
    row = pair.checked("etl")
    release_request = ReleaseRequest("x", ["viewer"])
    applying.request(
        pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.RELEASE, release_request=release_request
    )

    assert job.run_once(work=servers(pair.here)) == 0
    assert (row.state, row.applied_bundle_id) == (ImportState.CHECKED, None)
    assert "Not eligible to review this release: viewer" in row.error
    assert versions(pair.here) == {}
    assert apply(pair.here, row, ImportMode.RELEASE).error == ""


def record(pair: Pair, row: Import) -> Import:
    return applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.RECORD)


def with_evidence(pair: Pair) -> Pair:
    """The same pair, where approvals of the other side may do."""
    settings = replace(pair.here.ctx.settings, import_local_approval="unless_approved")
    return replace(pair, here=replace(pair.here, ctx=replace(pair.here.ctx, settings=settings)))


@pytest.mark.req("R58")
@pytest.mark.parametrize("policy", ["always", "", "nonsense"])
def test_an_installation_may_demand_its_own_approval_whatever_the_evidence(pair: Pair, policy: str) -> None:
    row = pair.checked("etl")
    settings = replace(pair.here.ctx.settings, import_local_approval=policy)
    strict = replace(pair, here=replace(pair.here, ctx=replace(pair.here.ctx, settings=settings)))

    with pytest.raises(ConflictError, match="its own approval"):
        record(strict, row)


@pytest.mark.req("R58")
def test_what_was_approved_there_is_recorded_as_released_where_that_may_count(pair: Pair) -> None:
    pair = with_evidence(pair)
    row = apply(pair.here, pair.checked("etl"), ImportMode.RECORD, ReleaseRequest(""))
    release = pair.here.report(release_of(pair.here, row))

    assert release.state is ReleaseState.APPROVED
    assert "Recorded as released: R-000001 of prod" in release.exempt_reason
    assert pair.here.promote(release).state is ReleaseState.RELEASED


@pytest.mark.req("R58")
def test_what_nobody_approved_there_cannot_be_recorded(pair: Pair) -> None:
    pair = with_evidence(pair)
    pair.there.dag("draft")
    row = pair.checked("draft", origin=ExportOrigin.SOURCE)

    with pytest.raises(ConflictError, match="was not released where it comes from"):
        record(pair, row)


def renamed_connection(pair: Pair) -> Import:
    """A checked import of a DAG whose connection has another name here."""
    pair.there.released(pair.there.dag("load", lines='op = Operator(conn_id="warehouse")'))
    pair.here.twin.held[Kind.CONNECTION, "warehouse_b"] = ""
    return pair.checked("load", mapping=NameTable({"connection": {"warehouse": "warehouse_b"}}))


@pytest.mark.req("R58", "R59")
def test_what_was_rewritten_here_cannot_be_recorded(pair: Pair) -> None:
    pair = with_evidence(pair)
    row = renamed_connection(pair)

    with pytest.raises(ConflictError, match=r"names in load\.py were replaced"):
        record(pair, row)


def lines_of(changes: Sequence[ChangedFile]) -> dict[str, list[tuple[str, str]]]:
    """What a diff adds and takes away, by path."""
    return {
        file.path: [
            (line.kind.value, line.text)
            for hunk in file.diff.hunks
            for line in hunk.lines
            if line.kind is not LineKind.CONTEXT
        ]
        for file in changes
    }


@pytest.mark.req("R59")
def test_what_the_names_change_is_shown_before_and_after_it_is_applied(pair: Pair) -> None:
    row = renamed_connection(pair)
    before = import_contents.renamed(pair.here.ctx, actor=ADMIN, import_id=row.id)
    apply(pair.here, row, ImportMode.RELEASE)
    after = release_changes.get_changes(
        pair.here.ctx, actor=ADMIN, release_id=row.release_id or 0, against=Against.SIGNED
    )

    assert lines_of(before) == lines_of(after)
    assert lines_of(after) == {
        "load.py": [
            ("del", 'op = Operator(conn_id="warehouse")'),
            ("add", 'op = Operator(conn_id="warehouse_b")'),
        ]
    }


def test_a_unit_that_was_made_here_becomes_that_of_the_bundle_only_if_somebody_says_so(pair: Pair) -> None:
    pair.here.released(pair.here.dag("etl"))
    unit = versions(pair.here)["etl.py"].unit
    row = pair.checked("etl")
    assert {each["reason"] for each in row.preflight if each["severity"] == "block"} >= {
        "dag_id_of_other_unit"
    }

    preflight.check(pair.here.ctx, actor=ADMIN, import_id=row.id, take_over=True)
    apply(pair.here, row)

    taken = versions(pair.here)["etl.py"]
    assert (taken.unit_id, taken.version, taken.change) == (unit.id, 2, ChangeKind.MODIFIED)
    assert str(unit.origin).startswith(installation.uid(pair.there.ctx))


@pytest.mark.req("R59")
def test_names_are_those_of_this_side_and_reviewers_are_told(pair: Pair) -> None:
    row = renamed_connection(pair)
    apply(pair.here, row, ImportMode.RELEASE)
    release = finished(pair.here, row)

    (evidence,) = release_page.get_release(pair.here.ctx, actor=REVIEWER, release_id=release.id).evidence
    assert evidence.units[0].rewritten == ("load.py",)
    assert 'conn_id="warehouse_b"' in pair.here.target()["load.py"]
    assert versions(pair.here)["load.py"].digest != versions(pair.there)["load.py"].digest
    kept = pair.here.store.files(row.commit_id)
    assert 'conn_id="warehouse"' in pair.here.store.read(kept["load.py"].blob).decode()


def test_a_bundle_is_applied_once(pair: Pair) -> None:
    data = pair.bundle("etl")
    first, second = checked_at(pair.here, data), checked_at(pair.here, data)
    apply(pair.here, first)

    for row in (first, second):
        with pytest.raises(ConflictError, match=f"applied before, as import {first.id}"):
            applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)


def test_a_bundle_that_is_being_applied_is_not_asked_for_again(pair: Pair) -> None:
    row = pair.checked("etl")
    applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)

    with pytest.raises(ConflictError, match="is being applied"):
        applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)


def test_only_admins_apply(pair: Pair) -> None:
    row = pair.checked("etl")

    for actor in (DEV, REVIEWER, PIPELINE):
        with pytest.raises(NotAllowedError):
            applying.request(pair.here.ctx, actor=actor, import_id=row.id, mode=ImportMode.SUBMIT)


def test_what_was_never_checked_is_not_applied(pair: Pair) -> None:
    row = uploaded(pair.here, pair.bundle("etl"))

    with pytest.raises(ConflictError, match="is 'uploaded'; only one whose preflight ran"):
        applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)


def test_what_came_into_the_way_after_the_preflight_blocks_it(pair: Pair) -> None:
    row = pair.checked("etl")
    pair.here.released(pair.here.dag("etl"))

    with pytest.raises(ImportBlockedError) as caught:
        applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)
    assert {each["reason"] for each in caught.value.context["rows"]} >= {"dag_id_of_other_unit"}


@pytest.mark.req("R58")
def test_a_key_that_was_revoked_meanwhile_stops_it(pair: Pair) -> None:
    row = pair.checked("etl")
    KeyFolder(pair.here.ctx.settings.keys_path).revoke("plant A", now=pair.here.ctx.clock())

    with pytest.raises(BundleUntrustedError):
        applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)


def test_the_next_bundle_changes_renames_adds_and_removes_by_unit(pair: Pair) -> None:
    pair.there.released(pair.there.dag("stays"), pair.there.dag("old"))
    first = released_import(pair, "etl", "report", "stays", "old")
    units = {unit.name: unit.id for unit in submissions.units(pair.here.ctx.session, "dev")}
    there = pair.there
    there.write("sub/etl.py", (there.twin.root / "etl.py").read_text())
    there.delete("etl.py")
    there.delete("old.py")
    there.dag("report", lines="x = 2")
    there.released("sub/etl.py", "report.py", "old.py", there.dag("fresh"))

    row = pair.applied(mode=ImportMode.RELEASE, **export_of(pair, first.bundle_id))
    finished(pair.here, row)

    changes = {item.path: item.change for item in release_of(pair.here, row).items}
    assert changes == {
        "sub/etl.py": ChangeKind.RENAMED,
        "report.py": ChangeKind.MODIFIED,
        "fresh.py": ChangeKind.NEW,
        "old.py": ChangeKind.DELETED,
    }
    assert pair.here.target() == there.target()
    after = {unit.name: unit.id for unit in submissions.units(pair.here.ctx.session, "dev")}
    assert {name: after[name] for name in units} == units


def test_an_incremental_bundle_without_its_base_is_refused(pair: Pair) -> None:
    base = made(pair.there, "etl", "report")
    pair.there.dag("report", lines="x = 2")
    pair.there.released("report.py")

    row = checked_at(pair.here, sent_from(pair.there, base_bundle_id=base.bundle_id))

    assert "missing_base" in {each["reason"] for each in row.preflight}
    with pytest.raises(ConflictError, match="never applied here"):
        applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.SUBMIT)


def test_what_is_the_same_here_gets_no_new_version_and_still_counts_as_a_base(pair: Pair) -> None:
    released_import(pair, "etl", "report")

    row = pair.applied("etl", "report", mode=ImportMode.RELEASE)

    assert (row.state, row.release_id) == (ImportState.APPLIED, None)
    assert {v.version for v in versions(pair.here).values()} == {1}
    assert row.commit_id is not None


def test_a_newer_bundle_replaces_what_waits_of_the_older_one(pair: Pair) -> None:
    pair.applied("report")
    pair.there.dag("report", lines="x = 2")
    pair.there.released("report.py")

    pair.applied("report")

    rows = pair.here.ctx.session.scalars(select(Submission).order_by(Submission.version)).all()
    assert [(row.version, row.state) for row in rows] == [
        (1, SubmissionState.SUPERSEDED),
        (2, SubmissionState.PENDING),
    ]


def test_a_rejected_import_is_back_in_the_list_and_the_bundle_is_not_applied_again(pair: Pair) -> None:
    row = pair.applied("etl", mode=ImportMode.RELEASE)
    pair.here.decide(pair.here.report(release_of(pair.here, row)), verdict=Verdict.REJECT)

    assert versions(pair.here)["etl.py"].state is SubmissionState.PENDING
    with pytest.raises(ConflictError, match="in the to-be-released list"):
        applying.request(pair.here.ctx, actor=ADMIN, import_id=row.id, mode=ImportMode.RELEASE)
    again = pair.here.request(versions(pair.here)["etl.py"])
    assert again.state is ReleaseState.CHECKING


def rolled_back(pair: Pair, row: Import) -> None:
    """Let people take a released import out again."""
    undo = UndoRelease(row.release_id or 0)
    made_plan = planning.plan(pair.here.ctx, actor=ADMIN, scope=undo)
    back = rollbacks.request(
        pair.here.ctx,
        actor=ADMIN,
        scope=undo,
        digest=made_plan.digest,
        release_request=ReleaseRequest("Back", ["reviewer"]),
    )
    pair.here.promote(pair.here.decide(pair.here.report(back)))


def test_an_import_is_rolled_back_like_a_release(pair: Pair) -> None:
    pair.here.released(pair.here.dag("ours"))
    row = released_import(pair, "etl", "report")

    rolled_back(pair, row)

    assert list(pair.here.target()) == ["ours.py"]
    assert release_of(pair.here, row).state is ReleaseState.ROLLED_BACK


def test_a_rename_that_was_rolled_back_comes_again_with_the_next_bundle(pair: Pair) -> None:
    row = renamed_there(pair)
    finished(pair.here, row)
    rolled_back(pair, row)
    assert "etl.py" in pair.here.target()

    comes_again(pair)


def test_a_rename_that_was_never_released_comes_again_with_the_next_bundle(pair: Pair) -> None:
    row = renamed_there(pair)
    pair.here.decide(pair.here.report(release_of(pair.here, row)), verdict=Verdict.REJECT)

    comes_again(pair)


def renamed_there(pair: Pair) -> Import:
    """An import that asks for a release of a DAG file that has another folder since it was released here."""
    released_import(pair, "etl")
    pair.there.write("sub/etl.py", (pair.there.twin.root / "etl.py").read_text())
    pair.there.delete("etl.py")
    pair.there.released("sub/etl.py")
    return pair.applied("etl", mode=ImportMode.RELEASE)


def comes_again(pair: Pair) -> None:
    pair.there.write("sub/etl.py", dag_text("etl", lines="import shop\nx = 2"))
    pair.there.released("sub/etl.py")
    row = released_import(pair, "etl")

    (item,) = release_of(pair.here, row).items
    assert (item.path, item.change) == ("sub/etl.py", ChangeKind.RENAMED)
    there = pair.there.target()
    assert pair.here.target() == {path: there[path] for path in ("shop.py", "sub/etl.py")}


def test_dags_that_come_home_are_known_again_and_stay_ours(pair: Pair) -> None:
    released_import(pair, "report")
    pair.here.write("report.py", pair.here.target()["report.py"] + "x = 2\n")
    pair.here.released("report.py")

    home = checked_at(pair.there, sent_from(pair.here, "report"))
    apply(pair.there, home, ImportMode.RELEASE)
    finished(pair.there, home)

    units = submissions.units(pair.there.ctx.session, "dev")
    assert [(unit.path, unit.origin) for unit in units] == [("etl.py", None), ("report.py", None)]
    assert pair.there.target()["report.py"].endswith("x = 2\n")
    assert versions(pair.there)["report.py"].version == 2


def test_two_installations_give_and_take(pair: Pair) -> None:
    pair.here.released(pair.here.dag("ours"))
    released_import(pair, "etl", "report")
    back = checked_at(pair.there, sent_from(pair.here, "ours", "etl", "report"))
    apply(pair.there, back, ImportMode.RELEASE)
    finished(pair.there, back)

    assert [item.path for item in release_of(pair.there, back).items] == ["ours.py"]
    assert pair.there.target() == pair.here.target()
    origins = {unit.path: unit.origin for unit in submissions.units(pair.there.ctx.session, "dev")}
    assert (origins["etl.py"], origins["report.py"]) == (None, None)
    assert str(origins["ours.py"]).startswith(installation.uid(pair.here.ctx))


def test_the_trail_says_who_applied_what(pair: Pair) -> None:
    row = pair.applied("etl", mode=ImportMode.RELEASE)

    events = audit.list_events(pair.here.ctx, actor=ADMIN, limit=100).items
    applied = next(event for event in events if event.tag == EventTag.IMPORT_APPLIED.value)
    assert (applied.actor.name, applied.subject) == ("admin", f"import:{row.id}")
    assert applied.data["release"] == row.release_id
    assert pair.here.ctx.session.scalar(select(func.count()).select_from(Unit)) == 1
