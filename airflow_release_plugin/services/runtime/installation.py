"""Who we are for other installations."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from airflow_release_plugin.models import Installation, Unit
from airflow_release_plugin.repositories import exports
from airflow_release_plugin.services.runtime.context import Context


def uid(ctx: Context) -> str:
    """The identifier of this installation, made at the first need."""
    return (exports.installation(ctx.session) or _made(ctx)).uid


def _made(ctx: Context) -> Installation:
    row = Installation(id=1, uid=str(uuid4()), made_at=ctx.clock())
    ctx.session.add(row)
    # Two requests at once: one of them meets a conflict, before it gives its own identifier away.
    ctx.session.flush()
    return row


def unit_ids(ctx: Context, units: Iterable[Unit]) -> dict[int, str]:
    """The names of units wherever they travel (:func:`unit_id_of`), by their numbers here."""
    own = uid(ctx)
    return {unit.id: unit_id_of(unit, own) for unit in units}


def unit_id_of(unit: Unit, own: str) -> str:
    """
    What a unit is called wherever it travels: the name that it has where it was made first.

    :param own: identifier of this installation
    """
    return unit.origin or f"{own}:{unit.id}"
