"""Placeholders for what a bundle needs: made by name, without a secret, and warned of until filled in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.factory import build_airflow
from airflow_release_plugin.domain.bundle.inventory import STUB_MARK, Kind
from airflow_release_plugin.domain.bundle.manifest import BundleConnection
from airflow_release_plugin.domain.bundle.name_table import NameTable
from airflow_release_plugin.domain.bundle.preflight import Reason, Severity
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM, Actor
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotAllowedError
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import endings, placeholders
from tests.harness.context import ADMIN, DEV, PIPELINE, REVIEWER, World
from tests.harness.imports import with_imports
from tests.harness.preflights import brought, check, reasons, rows, trail, unit

pytestmark = pytest.mark.req("R59")


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    """An installation that trusts plant A, with a folder of its own for bundles."""
    return with_imports(world, tmp_path)


class TestStubs:
    NEEDS = unit(
        "etl",
        connections=(BundleConnection("dwh", "postgres"), BundleConnection("crm")),
        variables=("region",),
        pools=("narrow",),
    )

    def create(self, world: World, row: Import, actor: Actor = ADMIN, **names: Any) -> list[tuple[str, str]]:
        made = placeholders.create(world.ctx, actor=actor, import_id=row.id, **names)
        return [(placeholder.kind.value, placeholder.here) for placeholder in made]

    def test_make_what_is_missing_and_leave_a_warning(self, world: World) -> None:
        row = check(world, brought(world, self.NEEDS))

        made = self.create(
            world, row, connections=["dwh", "crm"], variables=["region"], pools=["narrow", "narrow"]
        )

        assert made == [
            ("connection", "crm"),
            ("connection", "dwh"),
            ("pool", "narrow"),
            ("variable", "region"),
        ]
        assert world.twin.connections == {"dwh": "postgres", "crm": ""}
        assert set(world.twin.held.values()) == {
            f"{STUB_MARK} needed by etl of import {row.id}. Fill it in, then change this description."
        }
        assert [(each.reason, each.severity) for each in rows(row)] == [
            (Reason.INCOMPLETE_STUB, Severity.WARN)
        ]

    def test_that_were_filled_in_are_no_reason(self, world: World) -> None:
        row = check(world, brought(world, unit("etl", pools=("narrow",))))
        self.create(world, row, pools=["narrow"])
        world.twin.held[Kind.POOL, "narrow"] = "two slots for the night"

        assert reasons(check(world, row)) == {}

    def test_are_made_under_the_names_that_things_have_here(self, world: World) -> None:
        names = NameTable({"connection": {"dwh": "crm"}, "pool": {"narrow": "wide"}})
        row = check(world, brought(world, self.NEEDS), names=names)

        made = self.create(world, row, connections=["dwh", "crm"], pools=["narrow"])

        assert made == [("connection", "crm"), ("pool", "wide")]

    def test_what_is_there_is_left_alone(self, world: World) -> None:
        world.twin.held[Kind.POOL, "narrow"] = "ours"
        row = check(world, brought(world, self.NEEDS))

        assert self.create(world, row, pools=["narrow"]) == []
        assert world.twin.held == {(Kind.POOL, "narrow"): "ours"}

    def test_are_in_the_trail_by_name(self, world: World) -> None:
        row = check(world, brought(world, self.NEEDS))
        self.create(world, row, pools=["narrow"])

        last = trail(world)[-1]
        assert (last.tag, last.data["placeholders"]) == (EventTag.IMPORT_PLACEHOLDERS_MADE, ["pool narrow"])

    def test_of_what_the_bundle_does_not_need_are_refused(self, world: World) -> None:
        row = check(world, brought(world, self.NEEDS))

        with pytest.raises(InvalidRequestError, match="needs no pool 'dwh'"):
            self.create(world, row, connections=["dwh"], pools=["dwh"])
        assert world.twin.held == {}

    def test_need_the_right_to_make_such_things_in_airflow(self, world: World) -> None:
        world.twin.forbidden.add(Kind.VARIABLE)
        row = check(world, brought(world, self.NEEDS))

        with pytest.raises(NotAllowedError, match="may not make variable 'region'"):
            self.create(world, row, variables=["region"], pools=["narrow"])
        assert world.twin.held == {}
        assert self.create(world, row, SYSTEM, variables=["region"]) == [("variable", "region")]

    @pytest.mark.parametrize("actor", [DEV, REVIEWER, PIPELINE], ids=lambda actor: actor.name)
    def test_are_for_admins(self, world: World, actor: Actor) -> None:
        row = check(world, brought(world, self.NEEDS))

        with pytest.raises(NotAllowedError):
            self.create(world, row, actor, pools=["narrow"])

    def test_are_for_imports_that_wait(self, world: World) -> None:
        row = endings.discard(world.ctx, actor=ADMIN, import_id=brought(world, self.NEEDS).id)

        with pytest.raises(ConflictError):
            self.create(world, row, pools=["narrow"])

    def test_may_be_made_before_the_first_look(self, world: World) -> None:
        row = brought(world, self.NEEDS)

        assert self.create(world, row, pools=["narrow"]) == [("pool", "narrow")]
        assert row.state is ImportState.UPLOADED


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_real_airflow_is_looked_at_and_gets_its_placeholders(world: World, session: Session) -> None:
    from airflow.models import Connection

    real = replace(world, ctx=replace(world.ctx, airflow=build_airflow(session)))
    needs = unit(
        "etl",
        connections=(BundleConnection("dwh", "postgres"),),
        variables=("region",),
        pools=("narrow", "default_pool"),
        queues=("default",),
        upstream_dags=("nowhere",),
        dags=("etl", "not legal"),
    )
    row = check(real, brought(real, needs, airflow_version="3.99.0"))

    assert reasons(row) == {
        Reason.MISSING_CONNECTION: ["dwh"],
        Reason.MISSING_VARIABLE: ["region"],
        Reason.MISSING_POOL: ["narrow"],
        Reason.MISSING_UPSTREAM_DAG: ["nowhere"],
        Reason.ILLEGAL_DAG_ID: ["not legal"],
        Reason.OLDER_AIRFLOW: ["Airflow 3.99.0"],
    } | {reason: names for reason, names in reasons(row).items() if reason is Reason.OLDER_PYTHON}

    placeholders.create(
        real.ctx,
        actor=SYSTEM,
        import_id=row.id,
        connections=["dwh"],
        variables=["region"],
        pools=["narrow"],
    )

    assert reasons(row)[Reason.INCOMPLETE_STUB] == ["dwh", "narrow", "region"]
    assert session.scalars(select(Connection.conn_type)).one() == "postgres"
