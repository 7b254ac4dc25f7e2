"""What a look at a bundle finds here, before anything of it is applied."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.bundle.manifest import (
    BundleBase,
    BundleConnection,
    BundleFile,
    BundleRemoval,
    BundleUnit,
    Manifest,
)
from airflow_release_plugin.domain.bundle.name_table import NameTable
from airflow_release_plugin.domain.bundle.preflight import Item, PreflightFinding, Reason, Severity, blocking
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.ports import DagFacts
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.domain.tree.files import REGULAR
from airflow_release_plugin.exceptions import (
    BundleUntrustedError,
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    NotHereError,
)
from airflow_release_plugin.models import Unit
from airflow_release_plugin.services.imports import endings, imports, name_mappings, preflight, upstream_files
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.writer import SourceFile, write_bundle
from tests.harness.bundles import KEY, manifest_of
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World, dag_text
from tests.harness.databases import counted
from tests.harness.imports import switched_off, uploaded, with_imports
from tests.harness.preflights import brought, check, reasons, rows, trail, unit

pytestmark = pytest.mark.req("R53")


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    """An installation that trusts plant A, with a folder of its own for bundles."""
    return with_imports(world, tmp_path)


def looked(world: World, *units: BundleUnit, **options: Any) -> dict[Reason, list[str]]:
    """Names by reason of a bundle with these units."""
    return reasons(check(world, brought(world, *units), **options))


def with_policy(world: World, policy: str) -> World:
    settings = replace(world.ctx.settings, import_policy=policy)
    return replace(world, ctx=replace(world.ctx, settings=settings))


class TestCheck:
    def test_a_bundle_that_fits_gives_no_reason_and_is_checked(
        self, world: World, clock: FrozenClock
    ) -> None:
        row = check(world, brought(world, unit("etl")))

        assert (row.state, rows(row), row.preflight_at) == (ImportState.CHECKED, (), clock())

    def test_what_is_missing_is_a_table_of_reasons_and_items_and_blocks(self, world: World) -> None:
        etl = unit("etl", connections=(BundleConnection("dwh", "postgres"),), queues=("fast",))

        row = check(world, brought(world, etl, unit("report", connections=(BundleConnection("dwh"),))))

        assert rows(row) == (
            PreflightFinding(
                Reason.MISSING_CONNECTION,
                Severity.BLOCK,
                (Item("dwh", "Type 'postgres'.", ("etl", "report")),),
            ),
            PreflightFinding(Reason.UNKNOWN_QUEUE, Severity.WARN, (Item("fast", "", ("etl",)),)),
        )
        assert [each.reason for each in blocking(rows(row))] == [Reason.MISSING_CONNECTION]

    def test_the_policy_of_the_installation_weighs(self, world: World) -> None:
        strict = with_policy(world, "unknown_queue: block, missing_pool: ok")

        row = check(strict, brought(world, unit("etl", queues=("fast",), pools=("narrow",))))

        assert [(each.reason, each.severity) for each in rows(row)] == [
            (Reason.UNKNOWN_QUEUE, Severity.BLOCK),
            (Reason.MISSING_POOL, Severity.OK),
        ]

    def test_it_may_be_run_again_after_something_was_mended(self, world: World) -> None:
        row = check(world, brought(world, unit("etl", pools=("narrow",))))
        world.twin.held[Kind.POOL, "narrow"] = ""

        assert reasons(row) == {Reason.MISSING_POOL: ["narrow"]}
        assert reasons(check(world, row)) == {}

    def test_what_stands_in_the_way_of_its_paths_is_found_too(self, world: World) -> None:
        row = check(world, brought(world, unit("etl")), folder="../elsewhere")

        assert reasons(row) == {Reason.BAD_FOLDER: ["../elsewhere"]}

    def test_what_its_files_would_change_for_others_is_found_too(self, world: World) -> None:
        world.write("lib/shop.py", "x = 1\n")
        world.write("lib/__init__.py", "")
        world.released(world.dag("mine", "from lib import shop"))

        row = check(world, brought(world, unit("etl", "lib/shop.py")))

        assert reasons(row) == {Reason.SHARED_FILE_DIFFERS: ["lib/shop.py"]}

    def test_the_folder_is_kept_with_the_import(self, world: World) -> None:
        row = check(world, brought(world, unit("etl")), folder=" /from a/ ", take_over=True)

        assert (row.folder, row.options["take_over"]) == ("from a", True)

    def test_a_folder_that_is_too_long_is_refused(self, world: World) -> None:
        with pytest.raises(InvalidRequestError, match="at most 1000"):
            check(world, brought(world, unit("etl")), folder="x" * 1001)

    def test_it_is_in_the_trail_with_what_was_found(self, world: World) -> None:
        row = check(world, brought(world, unit("etl", pools=("narrow",))), folder="in")

        last = trail(world)[-1]
        assert (last.tag, last.subject, last.data["found"], last.data["folder"]) == (
            EventTag.IMPORT_CHECKED,
            f"import:{row.id}",
            {"missing_pool": "block"},
            "in",
        )

    def test_nothing_of_the_bundle_is_imported_or_stored(self, world: World) -> None:
        row = brought(
            world,
            unit("etl", "evil_helper.py", plugins=("evil_helper.rules",)),
            texts={"etl.py": "raise SystemExit('run')", "evil_helper.py": "raise SystemExit('run')"},
        )

        assert reasons(check(world, row)) == {Reason.MISSING_PLUGIN: ["evil_helper"]}
        assert not {"etl", "evil_helper"} & sys.modules.keys()
        assert world.ctx.session.query(Unit).count() == 0
        assert world.head is None


class TestNames:
    pytestmark = pytest.mark.req("R59")
    TABLE = NameTable({"connection": {"crm": "crm_b"}})

    def test_that_are_mapped_are_looked_up_here_and_remembered(self, world: World) -> None:
        world.twin.held[Kind.CONNECTION, "crm_b"] = ""
        etl = unit("etl", connections=(BundleConnection("crm"),))
        texts = {"etl.py": "Hook(conn_id='crm')\n"}

        row = check(world, brought(world, etl, texts=texts), names=self.TABLE)

        assert (reasons(row), row.mapping) == ({}, self.TABLE.to_dict())
        assert name_mappings.remembered(world.ctx, "plant-a") == self.TABLE

    def test_of_the_last_import_count_if_none_are_given(self, world: World) -> None:
        name_mappings.remember(world.ctx, "plant-a", self.TABLE)

        row = check(world, brought(world, unit("etl")))

        assert row.mapping == self.TABLE.to_dict()

    def test_that_no_literal_can_take_are_a_reason(self, world: World) -> None:
        etl = unit("etl", connections=(BundleConnection("crm"),))
        world.twin.held[Kind.CONNECTION, "crm_b"] = ""

        row = check(world, brought(world, etl, texts={"etl.py": "NAME = 'c' + 'rm'\n"}), names=self.TABLE)

        assert reasons(row) == {Reason.COMPUTED_NAME: ["crm"]}


@pytest.mark.req("R55")
class TestUpstream:
    WAITS = unit("etl", upstream_dags=("first",))

    def test_a_dag_that_is_nowhere_is_missing(self, world: World) -> None:
        assert looked(world, self.WAITS) == {Reason.MISSING_UPSTREAM_DAG: ["first"]}

    def test_a_dag_of_the_same_bundle_is_there(self, world: World) -> None:
        assert looked(world, self.WAITS, unit("first")) == {}

    def test_a_released_dag_is_there_before_it_is_served(self, world: World) -> None:
        world.released(world.dag("first"))

        assert looked(world, self.WAITS) == {}

    def test_a_dag_that_only_waits_for_its_release_is_missing(self, world: World) -> None:
        world.submit(world.dag("first"))

        assert looked(world, self.WAITS) == {Reason.MISSING_UPSTREAM_DAG: ["first"]}

    def test_a_dag_of_another_bundle_of_this_airflow_is_there(self, world: World) -> None:
        world.twin.others["first"] = DagFacts("first", "first.py", "by_hand")

        assert looked(world, self.WAITS) == {}

    def test_a_dag_that_the_bundle_takes_away_or_renames_is_missing(self, world: World) -> None:
        for name in ("first", "second"):
            (item,) = world.released(world.dag(name)).items
            item.submission.unit.origin = f"plant-a:{name}"
        kept = applied_base(world)
        waits = unit("etl", upstream_dags=("first", "second"))
        gone = BundleRemoval("plant-a:first", "first.py", ("first",))

        row = brought(world, waits, unit("second", dags=("renamed",)), base=kept, removed=(gone,))

        assert reasons(check(world, row)) == {Reason.MISSING_UPSTREAM_DAG: ["first", "second"]}


def applied_base(world: World) -> BundleBase:
    """A bundle of plant A that was applied here."""
    row = brought(world, unit("base"), bundle_id="bundle-0", nonce="1" * 32)
    with imports.opened(world.ctx, row) as bundle:
        row.commit_id = upstream_files.keep(world.ctx, bundle, None)
    row.applied_bundle_id = row.bundle_id
    check(world, row).move_to(ImportState.APPLYING)
    row.move_to(ImportState.APPLIED)
    world.ctx.session.flush()
    return BundleBase("bundle-0", "a" * 40)


class TestOrigin:
    def test_a_bundle_that_was_applied_here_is_not_applied_again(self, world: World) -> None:
        applied_base(world)

        row = check(world, brought(world, unit("base"), bundle_id="bundle-0"))

        assert reasons(row) == {Reason.APPLIED_BEFORE: ["bundle-0"]}

    def test_its_own_applying_does_not_count(self, world: World) -> None:
        row = check(world, brought(world, unit("etl")))
        row.applied_bundle_id = row.bundle_id
        world.ctx.session.flush()

        assert reasons(check(world, row)) == {}

    def test_a_bundle_whose_base_was_never_applied_is_looked_at_as_far_as_possible(
        self, world: World
    ) -> None:
        etl = unit("etl", pools=("narrow",))

        row = check(world, brought(world, etl, base=BundleBase("bundle-0", "a" * 40)), folder="..")

        assert reasons(row) == {
            Reason.MISSING_POOL: ["narrow"],
            Reason.BAD_FOLDER: [".."],
            Reason.MISSING_BASE: ["bundle-0"],
        }

    def test_a_base_that_was_applied_gives_the_files_that_do_not_travel(self, world: World) -> None:
        kept = applied_base(world)
        data, now = b"# base.py\n", world.ctx.clock()
        held = BundleFile("base.py", sha256(data).hexdigest(), len(data), REGULAR, included=False)
        units = (unit("base"), unit("etl", "base.py"))

        def manifest(files: Sequence[BundleFile]) -> Manifest:
            made = manifest_of(files, units=units, base=kept, created=now, expires=now + timedelta(days=1))
            return replace(made, files=(held, *files))

        path = world.twin.root.parent / "next.dagbundle"
        write_bundle(path, files=[SourceFile("etl.py", REGULAR, [b"x = 1\n"])], manifest=manifest, key=KEY)
        row = uploaded(world, path.read_bytes())

        assert reasons(check(world, row)) == {}


def test_a_dag_id_that_marks_copies_of_the_source_is_illegal_where_there_is_a_source(world: World) -> None:
    settings = replace(world.ctx.settings, role="target")
    target = replace(world, ctx=replace(world.ctx, settings=settings))

    assert looked(world, unit("etl", dags=("dev.etl",))) == {Reason.ILLEGAL_DAG_ID: ["dev.etl"]}
    assert looked(target, unit("etl", dags=("dev.etl",))) == {}


def test_a_dag_that_another_bundle_serves_clashes_and_one_of_the_target_does_not(world: World) -> None:
    world.twin.others["etl"] = DagFacts("etl", "etl.py", "by_hand")
    world.twin.others["report"] = DagFacts("report", "report.py", "prod")

    assert looked(world, unit("etl"), unit("report")) == {Reason.DAG_ID_IN_OTHER_BUNDLE: ["etl"]}


def test_an_open_release_that_is_over_holds_nothing(world: World, clock: FrozenClock) -> None:
    (item,) = world.released(world.dag("etl")).items
    item.submission.unit.origin = "plant-a:etl"
    world.write("etl.py", dag_text("etl", lines="x = 1"))
    world.waiting("etl.py")
    row = brought(world, unit("etl"))

    assert reasons(check(world, row)) == {Reason.IN_OPEN_RELEASE: ["etl.py"]}
    clock.advance(hours=25)
    assert reasons(check(world, row)) == {}


class TestWho:
    @pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
    def test_only_admins_check(self, world: World, actor: Actor) -> None:
        with pytest.raises(NotAllowedError):
            check(world, brought(world, unit("etl")), actor)

    def test_whoever_sits_at_the_computer_may(self, world: World) -> None:
        assert check(world, brought(world, unit("etl")), SYSTEM).state is ImportState.CHECKED

    def test_not_where_imports_are_switched_off_or_nothing_is_released(self, world: World) -> None:
        row = brought(world, unit("etl"))
        settings = replace(world.ctx.settings, role="source")

        with pytest.raises(NotAllowedError, match="switched off"):
            check(switched_off(world), row)
        with pytest.raises(NotHereError):
            check(replace(world, ctx=replace(world.ctx, settings=settings)), row)

    def test_an_import_that_is_not_there_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFoundError):
            preflight.check(world.ctx, actor=ADMIN, import_id=99)

    def test_one_that_is_over_is_not_checked(self, world: World) -> None:
        row = endings.discard(world.ctx, actor=ADMIN, import_id=brought(world, unit("etl")).id)

        with pytest.raises(ConflictError, match="'discarded'"):
            check(world, row)

    def test_a_key_that_was_revoked_meanwhile_is_refused(self, world: World) -> None:
        row = brought(world, unit("etl"))
        KeyFolder(world.ctx.settings.keys_path).revoke("plant A", now=world.ctx.clock())

        with pytest.raises(BundleUntrustedError):
            check(world, row)


def test_a_bundle_of_many_costs_as_many_queries_as_one_of_few(world: World) -> None:
    def queries(count: int) -> int:
        units = [
            unit(
                f"dag_{number}",
                connections=(BundleConnection(f"c{number}"),),
                pools=(f"p{number}",),
                upstream_dags=(f"u{number}",),
            )
            for number in range(count)
        ]
        row = brought(world, *units, bundle_id=f"bundle-{count}")
        return statements(world, lambda: check(world, row))

    queries(1)

    assert queries(40) == queries(2)


def statements(world: World, deed: Callable[[], object]) -> int:
    with counted(world.ctx.session.get_bind()) as seen:
        deed()
    return len([text for text in seen if text.startswith("SELECT")])
