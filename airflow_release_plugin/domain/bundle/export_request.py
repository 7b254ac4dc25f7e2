"""What somebody wants exported, and how what they typed is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from airflow_release_plugin.exceptions import InvalidRequestError

MAX_NAMES = 200
_INVISIBLE = "\ufeff\u200b\u2060"
"""Byte order mark and spaces without width, which spreadsheets and mails leave behind."""


class ExportOrigin(str, Enum):
    """Where the code of an export comes from."""

    TARGET = "target"
    """What was released, with the evidence of its approval."""
    SOURCE = "source"
    """What people work on; nobody approved it."""


@dataclass(frozen=True)
class ExportRequest:
    """
    Which DAGs; the choices add up, and an incremental export without any is of everything.

    :param names: DAG ids in the target, see :func:`read_names`
    :param tag: every DAG that has it
    :param release_ids: every DAG of these releases that is still there
    :param base_bundle_id: only what has changed since that bundle; empty for a whole one
    :param with_upstream: also the DAGs that these wait for, start, or take assets from
    """

    names: tuple[str, ...] = ()
    tag: str = ""
    release_ids: tuple[int, ...] = ()
    base_bundle_id: str = ""
    origin: ExportOrigin = ExportOrigin.TARGET
    with_upstream: bool = False

    @property
    def chooses(self) -> bool:
        """Whether it names DAGs in any way."""
        return bool(self.names or self.tag or self.release_ids)


def read_names(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Names out of texts with one on each line, in their order, without repeats.

    Blank lines, blanks around a name, any kind of line end and byte order marks do not matter.

    :raises InvalidRequestError: more than :data:`MAX_NAMES`
    """
    lines = (line for text in texts for line in text.splitlines())
    names = tuple(dict.fromkeys(name for line in lines if (name := _plain(line))))
    if len(names) > MAX_NAMES:
        raise InvalidRequestError(
            "%(amount)s Dags are named; one export takes at most %(limit)s. Make several "
            "exports, or choose by tag.",
            limit=MAX_NAMES,
            amount=len(names),
        )
    return names


def _plain(line: str) -> str:
    return line.strip().strip(_INVISIBLE).strip()
