"""Files of the source of which Airflow knows no DAG: not parsed yet, without one, or another file has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from airflow_release_plugin.domain.ports import KnownDag
from airflow_release_plugin.messages import Message

_LISTED_AFTER = timedelta(minutes=10)
"""Airflow looks for new files every five minutes by default; until then it may not have seen one."""


class DaglessFiles:
    """
    Tells them apart.

    :param root: folder of the source
    :param known: the source's DAGs that Airflow knows, by path
    """

    def __init__(self, root: Path, known: Mapping[str, tuple[KnownDag, ...]]) -> None:
        self._root = root
        self._known = known

    @cached_property
    def _all_parsed_since(self) -> datetime | None:
        """Every known DAG file was parsed at this moment or later; ``None`` where nothing is known."""
        moments = [dag.last_parsed for dags in self._known.values() for dag in dags]
        return (
            min((moment for moment in moments if moment is not None), default=None) if all(moments) else None
        )

    @cached_property
    def _owners(self) -> dict[str, str]:
        return {dag.dag_id: path for path, dags in self._known.items() for dag in dags}

    def holds_none(self, path: str) -> bool:
        """
        Whether Airflow has parsed a file in its present form and found no DAG in it.

        It does not say so, but parses all files in turn: one that lay there when all others were parsed was
        parsed, too.
        """
        if self._known.get(path) or self._all_parsed_since is None:
            return False
        try:
            info = (self._root / path).stat()
        except OSError:
            return False
        changed = datetime.fromtimestamp(max(info.st_mtime, info.st_ctime), timezone.utc)
        return changed + _LISTED_AFTER < self._all_parsed_since

    def twin(self, path: str, source_ids: tuple[str, ...]) -> tuple[str, str] | None:
        """A DAG that a file names, and the other file that Airflow has it from; ``None`` for none."""
        if self._known.get(path):
            return None
        owners = ((name, self._owners.get(name, path)) for name in source_ids)
        return next(((name, owner) for name, owner in owners if owner != path), None)


def twin_sentence(dag_id: str, other: str) -> str:
    """What is said of a file whose DAG Airflow has from another file."""
    return Message(
        "Dag %(dag_id)r is in %(other)r, too, and Airflow keeps the one that it parsed "
        "last. Take it out of one of the two files, or give it another id.",
        dag_id=dag_id,
        other=other,
    )
