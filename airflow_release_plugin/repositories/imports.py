"""Queries on imports and on what is remembered of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from airflow_release_plugin.domain.bundle_places import Place
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.models import Import, NameMapping

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def name_mappings(session: Session, source_uid: str) -> list[NameMapping]:
    """What names of another installation are called here."""
    return list(session.scalars(select(NameMapping).where(NameMapping.source_uid == source_uid)))


def last_places(session: Session) -> dict[str, Place]:
    """Where the DAG file of each unit was there and here when it was imported last, by the unit's id."""
    query = select(Import.placed).where(Import.state == ImportState.APPLIED).order_by(Import.id)
    found: dict[str, Place] = {}
    for placed in session.scalars(query):
        found.update({unit: Place(path["there"], path["here"]) for unit, path in placed.items()})
    return found
