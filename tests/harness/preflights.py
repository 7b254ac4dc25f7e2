"""Short ways to looks at bundles: units that need things, what was found, and who wrote it down."""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.domain.bundle.manifest import BundleDag, BundleUnit
from airflow_release_plugin.domain.bundle.preflight import PreflightFinding, Reason, rows_from
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.models import Event, Import
from airflow_release_plugin.repositories import events
from airflow_release_plugin.services.imports import preflight
from tests.harness.bundles import EVIDENCE
from tests.harness.context import ADMIN, World
from tests.harness.imports import uploaded


def unit(name: str, *files: str, path: str = "", dags: tuple[str, ...] = (), **named: Any) -> BundleUnit:
    """An approved unit of plant A with one DAG of that name; ``named`` is what it needs."""
    path = path or f"{name}.py"
    return BundleUnit(
        unit_id=f"plant-a:{name}",
        path=path,
        files=tuple(sorted({path, *files})),
        dags=tuple(BundleDag(dag_id) for dag_id in dags or (name,)),
        version=1,
        digest="d" * 64,
        evidence=EVIDENCE,
        **named,
    )


def brought(world: World, *units: BundleUnit, texts: dict[str, str] | None = None, **changes: Any) -> Import:
    """An import of a bundle with these units; a file whose text is not given holds its path."""
    given = texts or {}
    content = {path: given.get(path, f"# {path}\n").encode() for each in units for path in each.files}
    return uploaded(world, content=content, units=units, **changes)


def check(world: World, row: Import, actor: Actor = ADMIN, **options: Any) -> Import:
    """The import after its preflight."""
    return preflight.check(world.ctx, actor=actor, import_id=row.id, **options)


def rows(row: Import) -> tuple[PreflightFinding, ...]:
    """What the last look found."""
    return rows_from(row.preflight)


def reasons(row: Import) -> dict[Reason, list[str]]:
    """The same as names by reason."""
    return {each.reason: [item.name for item in each.items] for each in rows(row)}


def trail(world: World) -> list[Event]:
    """All events, oldest first."""
    return list(events.list_events(world.ctx.session, limit=1000).items)
