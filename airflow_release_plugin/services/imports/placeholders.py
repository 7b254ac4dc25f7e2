"""Placeholders for what a bundle needs and nobody has made here: a name, a mark, and no secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airflow_release_plugin.domain.bundle.inventory import Availability, Kind
from airflow_release_plugin.domain.bundle.name_table import name_table
from airflow_release_plugin.domain.bundle.preflight_rules import Needs
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.exceptions import InvalidRequestError, NotAllowedError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import imports, preflight
from airflow_release_plugin.services.runtime.context import Context

_MOST_NAMED = 20
_SHOWN = 3


@dataclass(frozen=True, order=True)
class Placeholder:
    """Something to be filled in: its name in the bundle, and its name here."""

    kind: Kind
    there: str
    here: str


def create(
    ctx: Context,
    *,
    actor: Actor,
    import_id: int,
    connections: Iterable[str] = (),
    variables: Iterable[str] = (),
    pools: Iterable[str] = (),
) -> tuple[Placeholder, ...]:
    """
    Make what the bundle names and Airflow lacks, under the names that it has here; then look again.

    What is there already is left alone. Either all that is asked for is made, or nothing.

    :param connections: ids as the bundle has them; likewise ``variables`` and ``pools``
    :raises NotAllowedError: the actor may not make such things in Airflow
    :raises InvalidRequestError: the bundle needs no such thing, or Airflow does not accept its name
    """
    imports.require_importer(ctx, actor, Message("make placeholders"))
    row = preflight.require_waiting(imports.get_locked(ctx, actor=actor, import_id=import_id))
    needs = Needs(imports.manifest_of(row), name_table(row.mapping).here)
    names_by_kind = {Kind.CONNECTION: connections, Kind.VARIABLE: variables, Kind.POOL: pools}
    asked = {(kind, there) for kind, names in names_by_kind.items() for there in names}
    _require_needed(needs, asked)
    placeholders = tuple(_missing(ctx, needs, sorted(asked)))
    _require_rights(ctx, actor, placeholders)
    for placeholder in placeholders:
        ctx.airflow.inventory.create_placeholder(
            placeholder.kind,
            placeholder.here,
            connection_type=needs.type_of(placeholder.kind.value, placeholder.there),
            note=_note(row, needs, placeholder),
        )
    if placeholders:
        names = [f"{placeholder.kind.value} {placeholder.here}" for placeholder in placeholders]
        imports.record(ctx, row, EventTag.IMPORT_PLACEHOLDERS_MADE, actor=actor, placeholders=names)
    if row.preflight_at is not None:
        preflight.renew(ctx, row)
    return placeholders


def _require_needed(needs: Needs, asked: Iterable[tuple[Kind, str]]) -> None:
    strange = sorted(
        f"{kind.value} {there!r}" for kind, there in asked if there not in needs.named[kind.value]
    )
    if strange:
        raise InvalidRequestError(
            "The bundle needs no %(strange)s; placeholders are made only of what it needs.",
            strange=strange[:_MOST_NAMED],
            unknown=strange,
        )


def _missing(ctx: Context, needs: Needs, asked: Iterable[tuple[Kind, str]]) -> Iterator[Placeholder]:
    """Those that are not here yet; of two that have one name here, the first."""
    standings = ctx.airflow.inventory.take(needs.wanted).standings
    seen = set()
    for kind, there in asked:
        here = needs.rename(kind.value, there)
        is_there = standings[kind].get(here, Availability.UNKNOWN) is not Availability.UNKNOWN
        if not is_there and (kind, here) not in seen:
            seen.add((kind, here))
            yield Placeholder(kind, there, here)


def _require_rights(ctx: Context, actor: Actor, placeholders: Iterable[Placeholder]) -> None:
    """Whoever sits at the computer may do everything there."""
    refused = [
        f"{placeholder.kind.value} {placeholder.here!r}"
        for placeholder in placeholders
        if actor.kind is not ActorKind.SYSTEM
        and not ctx.airflow.access.may_create(actor, placeholder.kind, placeholder.here)
    ]
    if refused:
        raise NotAllowedError(
            "%(actor)r may not make %(refused)s in Airflow; ask for the right to do so, or ask "
            "somebody who has it.",
            actor=actor.name,
            refused=refused[:_MOST_NAMED],
        )


def _note(row: Import, needs: Needs, placeholder: Placeholder) -> str:
    users = needs.named[placeholder.kind.value][placeholder.there]
    return Message(
        "needed by %(users)s of %(subject)s. Fill it in, then change this description.",
        users=first_few(users, _SHOWN),
        subject=row.subject,
    )
