"""Cleaning as an API server and the command do it."""

from __future__ import annotations

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.services.retention import cleaning
from airflow_release_plugin.services.retention.cleaning import Cleaned
from tests.harness.context import World, steps_of


def clean(world: World, *kinds: str, dry_run: bool = False) -> dict[str, int]:
    """Remove what is kept no longer; how many of each kind, or of these, of which there were any."""
    found = cleaned(world, dry_run=dry_run)
    return {each.kind: each.count for each in found if each.count and (not kinds or each.kind in kinds)}


def cleaned(world: World, *, dry_run: bool = False) -> list[Cleaned]:
    """The same in full. Committed before and after, as what it removes is seen by others only then."""
    world.ctx.session.commit()
    found = cleaning.clean(actor=SYSTEM, dry_run=dry_run, work=steps_of(world))
    world.ctx.session.commit()
    world.ctx.session.expire_all()
    return found
