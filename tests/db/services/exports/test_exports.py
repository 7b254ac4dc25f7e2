"""What is matched, what an export takes along, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.export_request import ExportOrigin, ExportRequest
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.ports import DagAccess, DagFacts
from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.exceptions import (
    ConflictError,
    ExpiredError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    TransferUnavailableError,
)
from airflow_release_plugin.services.discussion import comments
from airflow_release_plugin.services.exports import exports, job
from airflow_release_plugin.services.runtime import audit
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, DEV2, PIPELINE, REVIEWER, VIEWER, World, dag_text, steps_of
from tests.harness.discussion import point_at, say
from tests.harness.exports import ask, content_of, made, with_transfers

pytestmark = pytest.mark.req("R50", "R52", "R57")
SOURCE = ExportOrigin.SOURCE


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    """An installation with a signing key and a folder of its own for bundles."""
    return with_transfers(world, tmp_path)


def match(world: World, *names: str, actor: Actor = DEV, **export_request: Any) -> exports.Match:
    return exports.match(world.ctx, actor=actor, export_request=ExportRequest(names=names, **export_request))


def found(match: exports.Match) -> list[str]:
    return [dag.dag_id for dag in match.found]


def tags_of(world: World) -> list[EventTag]:
    return [event.tag for event in audit.list_events(world.ctx, actor=ADMIN, limit=1000).items]


class TestMatch:
    def test_names_that_are_released_are_found_and_others_are_not(self, world: World) -> None:
        world.released(world.dag("etl"), world.dag("report"))
        world.dag("draft")

        result = match(world, "etl", "draft", "nothing")

        assert found(result) == ["etl"]
        assert [unknown.name for unknown in result.not_found] == ["draft", "nothing"]

    def test_a_name_that_is_spelled_wrong_comes_with_what_was_meant(self, world: World) -> None:
        world.released(world.dag("orders_daily"), world.dag("invoices"))

        (unknown,) = match(world, "order_dialy").not_found

        assert unknown.near == ("orders_daily",)

    def test_what_was_only_written_is_found_in_the_source(self, world: World) -> None:
        world.dag("draft")

        assert found(match(world, "draft", origin=SOURCE)) == ["draft"]

    def test_a_tag_finds_every_dag_that_has_it(self, world: World) -> None:
        for name in ("a", "b"):
            world.write(f"{name}.py", dag_text(name) + 'tags=["sales"]')
        world.released("a.py", "b.py", world.dag("c"))

        assert found(match(world, tag="sales")) == ["a", "b"]

    def test_a_release_finds_its_dags(self, world: World) -> None:
        release = world.released(world.dag("a"), world.dag("b"))
        world.released(world.dag("c"))

        assert found(match(world, release_ids=(release.id,))) == ["a", "b"]

    def test_what_others_need_is_added_through_any_number_of_steps(self, world: World) -> None:
        world.released(
            world.dag("last", 'ExternalTaskSensor(external_dag_id="middle")'),
            world.dag("middle", 'TriggerDagRunOperator(trigger_dag_id="first")'),
            world.dag("first"),
            world.dag("other"),
        )

        result = match(world, "last", with_upstream=True)

        assert {dag.dag_id: dag.added for dag in result.found} == {
            "first": True,
            "last": False,
            "middle": True,
        }
        assert found(match(world, "last")) == ["last"]

    def test_who_makes_an_asset_is_added(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        world.dag("reader")
        world.dag("maker")
        linked = {
            "reader.py": (DagFacts("dev.reader", "reader.py", "dev", assets_in=("dev.orders",)),),
            "maker.py": (DagFacts("dev.maker", "maker.py", "dev", assets_out=("dev.orders",)),),
        }
        monkeypatch.setattr(type(world.twin), "facts", lambda *_: linked)

        result = match(world, "reader", with_upstream=True, origin=SOURCE, actor=ADMIN)

        assert found(result) == ["maker", "reader"]

    def test_what_others_need_and_is_not_mine_is_left_out_by_name(self, world: World) -> None:
        world.released(world.dag("mine", 'ExternalTaskSensor(external_dag_id="theirs")'), world.dag("theirs"))
        world.twin.refused.add((DEV.id, DagAccess.EDIT, "dev.theirs"))

        result = match(world, "mine", with_upstream=True)

        assert (found(result), result.left_out) == (["mine"], ("theirs",))


class TestRights:
    @pytest.mark.parametrize("access", [DagAccess.EDIT, DagAccess.READ_CODE])
    def test_a_dag_of_others_counts_as_not_there(self, world: World, access: DagAccess) -> None:
        world.released(world.dag("theirs"), world.dag("mine"))
        world.twin.refused |= {(DEV.id, access, name) for name in ("theirs", "dev.theirs")}

        (unknown,) = match(world, "theirs").not_found

        assert unknown.name == "theirs"
        assert ("theirs" in unknown.near) is (access is DagAccess.READ_CODE)

    def test_admins_export_everything(self, world: World) -> None:
        world.released(world.dag("theirs"))
        world.twin.refused |= {(ADMIN.id, access, "dev.theirs") for access in DagAccess}

        assert found(match(world, "theirs", actor=ADMIN)) == ["theirs"]

    def test_service_users_export_what_was_released_and_nothing_else(self, world: World) -> None:
        world.released(world.dag("etl"))

        assert found(match(world, "etl", actor=PIPELINE)) == ["etl"]
        assert found(match(world, "etl", actor=PIPELINE, origin=SOURCE)) == []

    @pytest.mark.parametrize("actor", [VIEWER, DEV])
    def test_nobody_exports_where_that_is_switched_off(self, world: World, actor: Actor) -> None:
        world.released(world.dag("etl"))
        row = made(world, "etl")
        off = replace(
            world, ctx=replace(world.ctx, settings=replace(world.ctx.settings, exports_enabled=False))
        )
        deeds: list[Callable[[], Any]] = [
            lambda: match(off, "etl", actor=actor),
            lambda: ask(off, "etl", actor=actor),
            lambda: exports.list_exports(off.ctx, actor=actor),
            lambda: exports.fetch(off.ctx, actor=actor, export_id=row.id),
        ]

        for deed in deeds:
            with pytest.raises(NotAllowedError, match="switched off"):
                deed()

    def test_who_owns_no_dag_sees_no_exports(self, world: World) -> None:
        world.released(world.dag("etl"))

        with pytest.raises(NotAllowedError, match="may edit a Dag"):
            match(world, "etl", actor=VIEWER)

    def test_people_see_their_own_exports_and_admins_all(self, world: World) -> None:
        world.released(world.dag("etl"))
        row = made(world, "etl")

        seen = {
            actor.name: [r.id for r in exports.list_exports(world.ctx, actor=actor).items]
            for actor in (DEV, DEV2, ADMIN)
        }

        assert seen == {"dev": [row.id], "dev2": [], "admin": [row.id]}
        with pytest.raises(NotFoundError):
            exports.fetch(world.ctx, actor=DEV2, export_id=row.id)


class TestRequest:
    def test_a_name_that_is_not_found_refuses_the_whole(self, world: World) -> None:
        world.released(world.dag("orders"))

        with pytest.raises(InvalidRequestError, match=r"order \(did you mean orders\?\)"):
            ask(world, "orders", "order")

    def test_nothing_chosen_is_refused(self, world: World) -> None:
        world.released(world.dag("orders"))

        with pytest.raises(InvalidRequestError, match="Nothing is chosen"):
            ask(world)

    def test_without_a_key_it_says_how_to_make_one(self, world: World, tmp_path: Path) -> None:
        world.released(world.dag("etl"))
        (tmp_path / "keys" / "signing.pem").unlink()

        with pytest.raises(NotFoundError, match="airflow release keys generate"):
            ask(world, "etl")

    def test_everything_that_happens_is_in_the_trail(self, world: World) -> None:
        world.released(world.dag("etl"))
        row = made(world, "etl")
        exports.fetch(world.ctx, actor=DEV, export_id=row.id)
        exports.fetch(world.ctx, actor=DEV, export_id=row.id, resumed=True)
        exports.discard(world.ctx, actor=DEV, export_id=row.id)

        assert [tag for tag in tags_of(world) if tag.value.startswith("export")] == [
            EventTag.EXPORT_REQUESTED,
            EventTag.EXPORT_READY,
            EventTag.EXPORT_DOWNLOADED,
            EventTag.EXPORT_DISCARDED,
        ]
        assert row.downloads == 1


class TestContent:
    def test_the_bundle_holds_the_released_code_with_who_agreed(self, world: World) -> None:
        world.write("shop.py", "TABLE = 'orders'\n")
        release = world.released(world.dag("etl", "import shop"))
        world.dag("etl", "x = 'not released'")

        row = made(world, "etl")
        manifest, files = content_of(world, row)

        (unit,) = manifest.units
        assert set(files) == {"etl.py", "shop.py"}
        assert "not released" not in files["etl.py"]
        assert (manifest.commit, manifest.approved, manifest.bundle_id) == (world.head, True, row.bundle_id)
        assert unit.evidence is not None
        assert (unit.evidence.release, unit.evidence.change_digest) == (release.number, release.change_digest)
        assert [(d.actor, d.verdict) for d in unit.evidence.decisions] == [(REVIEWER.name, "approve")]
        assert row.report["dags"] == ["etl"]

    @pytest.mark.req("R91")
    def test_what_was_said_about_its_release_travels_and_deleted_words_do_not(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = world.released(world.dag("etl"))
        say(world, world.released(world.dag("other")), "Of another release")
        say(world, release, "Older")
        gone = say(world, release, "hunter2").comment
        comments.delete_comment(world.ctx, actor=REVIEWER, release_id=release.id, comment_id=gone.id)
        point_at(world, release, line=2, text="Why?")
        monkeypatch.setattr("airflow_release_plugin.services.exports.discussions.MAX_LETTERS", 8)

        manifest, _ = content_of(world, made(world, "etl"))

        (discussion,) = manifest.discussions
        assert (discussion.release, discussion.left_out) == (release.number, 1)
        (kept,) = discussion.comments
        assert (kept.author, kept.text, kept.path, kept.line, kept.resolved) == (
            "reviewer",
            "Why?",
            "etl.py",
            2,
            False,
        )

    def test_what_comes_from_the_source_is_marked_as_not_approved(self, world: World) -> None:
        world.released(world.dag("etl"))
        world.dag("etl", "x = 'newer'")

        manifest, files = content_of(world, made(world, "etl", origin=SOURCE))

        assert "newer" in files["etl.py"]
        assert (manifest.commit, manifest.approved, manifest.units[0].evidence) == ("", False, None)

    def test_a_unit_keeps_its_id_from_the_source_to_the_target(self, world: World) -> None:
        path = world.dag("etl")
        (first,) = content_of(world, made(world, "etl", origin=SOURCE))[0].units
        world.released(path)
        (second,) = content_of(world, made(world, "etl"))[0].units

        assert first.unit_id == second.unit_id

    def test_a_unit_that_came_from_elsewhere_keeps_the_id_that_it_has_there(self, world: World) -> None:
        release = world.released(world.dag("etl"))
        release.items[0].submission.unit.origin = "elsewhere:7"

        assert content_of(world, made(world, "etl"))[0].units[0].unit_id == "elsewhere:7"

    def test_references_are_told_and_no_secret_is(self, world: World) -> None:
        world.twin.connections = {"warehouse": "postgres"}
        text = """
from airflow.providers.standard.operators.empty import EmptyOperator
import company_timetables
ARCHIVE_CONN_ID = "archive"
EmptyOperator(task_id="a", conn_id="warehouse", pool="etl", queue="big", executor="KubernetesExecutor")
PostgresHook("direct")
Variable.get("region")
x = "{{ var.value.country }} {{ conn.lake.host }}"
ExternalTaskSensor(external_dag_id="upstream")
TriggerDagRunOperator(trigger_dag_id="downstream")
"""
        world.released(world.dag("etl", text))

        (unit,) = content_of(world, made(world, "etl"))[0].units

        assert {c.id: c.type for c in unit.connections} == {
            "archive": "",
            "direct": "",
            "lake": "",
            "warehouse": "postgres",
        }
        assert unit.variables == ("country", "region")
        assert (unit.pools, unit.queues, unit.executors) == (("etl",), ("big",), ("KubernetesExecutor",))
        assert (unit.upstream_dags, unit.triggered_dags) == (("upstream",), ("downstream",))
        assert [p.name for p in unit.providers] == ["apache-airflow-providers-standard"]
        assert unit.plugins == ("company_timetables",)

    @pytest.mark.req("R53")
    def test_imports_that_may_be_missing_are_told_apart_from_those_that_may_not(self, world: World) -> None:
        text = """
import company_timetables
try:
    import company_speedups
except ImportError:
    company_speedups = None
def compute():
    import company_numbers
PythonVirtualenvOperator(task_id="a", python_callable=compute, requirements=["company_numbers"])
"""
        world.released(world.dag("etl", text))

        (unit,) = content_of(world, made(world, "etl"))[0].units

        assert unit.plugins == ("company_timetables",)
        assert unit.optional_modules == ("company_numbers", "company_speedups")

    @pytest.mark.req("R53")
    def test_what_the_check_saw_no_use_for_may_be_missing(self, world: World) -> None:
        path = world.dag("etl", "import company_timetables\nif False:\n    import company_plan9\n")
        facts = {"dags": [], "skipped_imports": ["company_plan9"]}
        release = world.request(world.submit(path))
        world.report(release, [CheckItem("parse", CheckStatus.PASSED, path, facts=facts)])
        world.promote(world.decide(release))

        (unit,) = content_of(world, made(world, "etl"))[0].units

        assert unit.plugins == ("company_timetables",)
        assert unit.optional_modules == ("company_plan9",)

    def test_what_may_be_a_secret_is_told_by_its_place_alone(self, world: World) -> None:
        world.released(world.dag("etl", 'DB_PASSWORD = "hunter2hunter2"'))

        row = made(world, "etl")

        assert row.report["secrets"] == [
            {"path": "etl.py", "line": 2, "kind": "password or token as a literal"}
        ]
        assert "hunter2" not in str(row.report) + str(content_of(world, row)[0].to_dict())

    def test_the_versions_are_those_of_the_moment_when_it_was_asked_for(self, world: World) -> None:
        world.released(world.dag("etl", "x = 1"))
        row = ask(world, "etl")
        before = world.head
        world.released(world.dag("etl", "x = 2"))

        job.run_once(work=steps_of(world))
        manifest, files = content_of(world, row)

        assert (manifest.commit, "x = 1" in files["etl.py"]) == (before, True)


class TestIncremental:
    def test_it_holds_what_is_new_or_changed_and_says_what_is_gone(self, world: World) -> None:
        paths = [world.dag(name) for name in ("same", "changed", "gone")]
        world.released(*paths)
        first = made(world, "same", "changed", "gone")
        gone = content_of(world, first)[0].units[1]
        world.delete("gone.py")
        world.released(world.dag("changed", "x = 2"), world.dag("new"), "gone.py")

        row = made(world, base_bundle_id=first.bundle_id)
        manifest, files = content_of(world, row)

        assert gone.path == "gone.py"
        assert sorted(files) == ["changed.py", "new.py"]
        assert manifest.base is not None
        assert manifest.base.bundle_id == first.bundle_id
        assert [(r.unit_id, r.dag_ids) for r in manifest.removed] == [(gone.unit_id, ("gone",))]
        assert (row.report["unchanged"], row.report["removed"]) == (1, ["gone"])

    def test_one_that_builds_on_an_incremental_one_knows_what_both_brought(self, world: World) -> None:
        world.released(world.dag("a"))
        first = made(world, "a")
        world.released(world.dag("b"))
        second = made(world, base_bundle_id=first.bundle_id)
        world.released(world.dag("c"))

        _, files = content_of(world, made(world, base_bundle_id=second.bundle_id))

        assert sorted(files) == ["c.py"]

    def test_a_file_that_moved_is_told_with_where_it_was(self, world: World) -> None:
        release = world.released(world.dag("etl"))
        first = made(world, "etl")
        row = ask(world, "etl", base_bundle_id=first.bundle_id)
        held = dict(first.report["held"])
        (name,) = held
        first.report = {**first.report, "held": {name: {**held[name], "path": "old/etl.py"}}}
        job.run_once(work=steps_of(world))

        (unit,) = content_of(world, row)[0].units

        assert release.items[0].path == "etl.py"
        assert (unit.path, unit.previous_path) == ("etl.py", "old/etl.py")

    def test_nothing_to_send_is_said(self, world: World) -> None:
        world.released(world.dag("a"))
        first = made(world, "a")
        row = ask(world, base_bundle_id=first.bundle_id)

        job.run_once(work=steps_of(world))

        assert row.state is ExportState.FAILED
        assert "Nothing has changed" in row.error

    @pytest.mark.parametrize("base", ["never-made", "3fa85f64-5717-4562-b3fc-2c963f66afa6"])
    def test_a_base_that_was_not_made_here_is_refused(self, world: World, base: str) -> None:
        world.released(world.dag("a"))

        with pytest.raises(NotFoundError, match="made no bundle"):
            ask(world, base_bundle_id=base)

    def test_a_base_from_the_other_side_of_the_approval_is_refused(self, world: World) -> None:
        world.released(world.dag("a"))
        first = made(world, "a")

        with pytest.raises(InvalidRequestError, match="made from the target"):
            ask(world, base_bundle_id=first.bundle_id, origin=SOURCE)


class TestFile:
    @pytest.mark.req("R51")
    def test_a_file_is_kept_three_days_and_then_gone(self, world: World, clock: FrozenClock) -> None:
        world.released(world.dag("etl"))
        row = made(world, "etl")
        clock.advance(days=3, seconds=-1)
        exports.fetch(world.ctx, actor=DEV, export_id=row.id)

        clock.advance(seconds=1)

        with pytest.raises(ExpiredError, match="generate it anew"):
            exports.fetch(world.ctx, actor=DEV, export_id=row.id)
        job.run_once(work=steps_of(world))
        assert (row.state, exports.file_of(world.ctx, row.id).size) == (ExportState.EXPIRED, 0)

    def test_an_export_that_is_not_ready_has_no_file(self, world: World) -> None:
        world.released(world.dag("etl"))
        row = ask(world, "etl")

        with pytest.raises(ConflictError, match="'queued'"):
            exports.fetch(world.ctx, actor=DEV, export_id=row.id)

    def test_a_file_that_somebody_deleted_is_told(self, world: World) -> None:
        world.released(world.dag("etl"))
        row = made(world, "etl")
        exports.file_of(world.ctx, row.id).remove()

        with pytest.raises(TransferUnavailableError, match="not wholly, in the database"):
            exports.fetch(world.ctx, actor=DEV, export_id=row.id)

    @pytest.mark.parametrize("ready", [True, False])
    def test_what_was_discarded_is_not_made_and_not_kept(self, world: World, ready: bool) -> None:
        world.released(world.dag("etl"))
        row = made(world, "etl") if ready else ask(world, "etl")

        exports.discard(world.ctx, actor=DEV, export_id=row.id)
        job.run_once(work=steps_of(world))

        assert row.state is (ExportState.EXPIRED if ready else ExportState.FAILED)
        assert exports.file_of(world.ctx, row.id).size == 0
