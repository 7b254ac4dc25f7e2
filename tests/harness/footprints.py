"""What a worker reports of DAG files that it has run."""

from __future__ import annotations

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.models import Release
from tests.harness.context import World


def seen(path: str, **kinds: set[str]) -> CheckItem:
    """A DAG file that depends on these paths, and on itself."""
    footprint = Footprint(**{kind: frozenset(paths) for kind, paths in kinds.items()})  # type: ignore[arg-type]
    facts = {"footprint": footprint.with_files([path]).to_dict()}
    return CheckItem("parse", CheckStatus.PASSED, path, facts=facts)


def approved(world: World, *items: CheckItem, paths: list[str] | None = None) -> Release:
    """A release that may be promoted, of these files or of those that the items are about."""
    chosen = paths or [item.path for item in items]
    release = world.request(*[world.submit(path) for path in chosen])
    return world.decide(world.report(release, items))
