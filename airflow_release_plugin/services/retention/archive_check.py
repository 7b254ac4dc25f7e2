"""Whether files of the archive are what this installation signed, and follow one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_release_plugin.domain.events import GENESIS
from airflow_release_plugin.exceptions import BundleMalformedError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import EventArchive
from airflow_release_plugin.repositories import event_archives
from airflow_release_plugin.services.runtime import installation, trail_cuts
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.attestation import read_envelope
from airflow_release_plugin.transfer.event_archive import (
    ArchiveFacts,
    EventLine,
    lines,
    sha256_of,
    signature_of,
    signed_sha256,
)


@dataclass(frozen=True)
class ArchiveCheck:
    """
    What was found of one file.

    :param first: number of its first event; 0 where it cannot be relied on
    :param problem: why it cannot; empty if it can
    """

    name: str
    first: int = 0
    last: int = 0
    problem: str = ""


def check(ctx: Context, paths: Iterable[Path]) -> list[ArchiveCheck]:
    """
    What was found of each file, in their order in the trail.

    They need not be all that there are, but what lies between them is missed.
    """
    keys, uid = trail_cuts.own_keys(ctx), installation.uid(ctx)
    rows = event_archives.archives(ctx.session)
    known = {row.name: row.sha256 for row in rows}
    found = [_check(path, keys, uid, known) for path in paths]
    return sorted([*found, *_missing(found, rows)], key=lambda each: (each.first, each.name))


def _missing(found: Sequence[ArchiveCheck], rows: Iterable[EventArchive]) -> list[ArchiveCheck]:
    """Files that the database knows of between intact ones, and that were not given."""
    names, firsts = {each.name for each in found}, [each.first for each in found if not each.problem]
    problem = Message("It belongs between the others, and was not given")
    return [
        ArchiveCheck(row.name, row.first_sequence, row.last_sequence, problem)
        for row in rows
        if firsts and min(firsts) < row.first_sequence < max(firsts) and row.name not in names
    ]


def _check(path: Path, keys: dict[str, bytes], uid: str, known: dict[str, str]) -> ArchiveCheck:
    try:
        facts, problem = _read(path, keys, uid)
    except OSError as error:
        return ArchiveCheck(path.name, problem=str(error.strerror or error))
    if facts is None:
        return ArchiveCheck(path.name, problem=problem)
    if path.name != facts.name:
        problem = Message("It was signed with the name %(name)s", name=facts.name)
    elif known.get(facts.name) != facts.sha256:
        problem = Message(
            "The database knows of no such file: it is from before a restore, or a round was killed over it"
        )
    return ArchiveCheck(path.name, facts.first_sequence, facts.last_sequence, problem)


def _read(path: Path, keys: dict[str, bytes], uid: str) -> tuple[ArchiveFacts | None, str]:
    """What a file holds, once its signature was found to be right; otherwise why not."""
    if not path.is_file():
        return None, Message("It is not there, or no file")
    try:
        envelope = read_envelope(signature_of(path).read_bytes())
    except FileNotFoundError:
        return None, Message("Its signature %(name)s is not beside it", name=signature_of(path).name)
    except BundleMalformedError:
        return None, Message("What is beside it is no signature")
    if problem := trail_cuts.signature_problem(envelope, keys):
        return None, problem
    signed, sha256 = signed_sha256(envelope.payload), sha256_of(path)
    if not signed:
        return None, Message("It was not signed as a file of events")
    if sha256 != signed:
        return None, Message("It is not the file that was signed: it was changed, or cut off")
    events = lines(path)
    first = next(events)
    last = _last(first, events)
    if last is None:
        return None, Message("Its events do not follow one another")
    facts = ArchiveFacts(uid, first.sequence, last.sequence, first.prev_hash, last.hash, sha256)
    if facts.statement() != envelope.payload:
        return None, Message("It is the trail of another installation")
    return facts, ""


def _last(first: EventLine, others: Iterator[EventLine]) -> EventLine | None:
    """The last of events that follow one another; ``None`` where one does not."""
    if first.hash != first.own_hash or (first.sequence == 1) != (first.prev_hash == GENESIS):
        return None
    last = first
    for event in others:
        if (event.sequence, event.prev_hash, event.hash) != (last.sequence + 1, last.hash, event.own_hash):
            return None
        last = event
    return last
