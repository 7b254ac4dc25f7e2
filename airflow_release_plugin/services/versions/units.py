"""The units of the source: one for each DAG file, with a number and a name that it keeps for good."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from airflow_release_plugin.models import Unit
from airflow_release_plugin.repositories import search_words, submissions
from airflow_release_plugin.services.runtime.context import Context


def known_unit(
    ctx: Context,
    unit: Unit | None,
    path: str,
    dag_ids: Sequence[str],
    *,
    taken: Collection[str] | None = None,
) -> Unit:
    """
    The unit of a DAG file, made if nothing was heard of the file before.

    :param taken: names of other units, where many were looked up at once; else that of this one is
    """
    return unit or _added(ctx, path, dag_ids, taken)


def _added(ctx: Context, path: str, dag_ids: Sequence[str], taken: Collection[str] | None) -> Unit:
    if taken is None:
        taken = submissions.names_among(ctx.session, ctx.settings.source, dag_ids[:1])
    unit = new_unit(ctx, path, dag_ids, set(taken))
    ctx.session.add(unit)
    # Its id is needed at once: version numbers are counted by it, and exports name it.
    ctx.session.flush()
    return unit


def new_unit(ctx: Context, path: str, dag_ids: Sequence[str], taken: set[str]) -> Unit:
    """
    A unit, not in the session yet, that is named after its first DAG, or its file if that is taken.

    :param taken: names of other units; that of the new one joins them
    """
    name = path if dag_ids[0] in taken else dag_ids[0]
    taken.add(name)
    return Unit(
        source=ctx.settings.source, path=path, name=name, dag_ids=list(dag_ids), created_at=ctx.clock()
    )


def let_be_found(ctx: Context, units: Iterable[Unit]) -> None:
    """
    Let searches find units by what they are called now.

    To be called when nothing is locked after it but the trail.
    """
    names = {unit.id: (unit.name, unit.path, *unit.dag_ids) for unit in units}
    search_words.note_units(ctx.session, names)
