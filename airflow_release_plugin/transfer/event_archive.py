"""
The file that a part of the audit trail goes into: an event a line, and beside it what is signed about it.

Lines are JSON of one spelling, in the order of the trail, so the same events give the same bytes whoever
writes them, and however often. The signature is an in-toto statement in a DSSE envelope, as that of a bundle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow_release_plugin.domain.bundle.manifest import canonical_json
from airflow_release_plugin.domain.events import TIME_FORMAT, event_hash
from airflow_release_plugin.transfer.attestation import STATEMENT_TYPE

PREDICATE_TYPE = "urn:airflow-release:events:1"
SIGNATURE_SUFFIX = ".dsse.json"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class EventLine:
    """One event, as a line has it."""

    sequence: int
    time: datetime
    tag: str
    actor_id: str
    actor_name: str
    subject: str
    data: Any
    prev_hash: str
    hash: str

    @property
    def own_hash(self) -> str:
        """The hash that it ought to have."""
        return event_hash(
            prev_hash=self.prev_hash,
            sequence=self.sequence,
            time=self.time,
            tag=self.tag,
            actor_id=self.actor_id,
            actor_name=self.actor_name,
            subject=self.subject,
            data=self.data,
        )

    def to_bytes(self) -> bytes:
        """The line, with its end; :func:`read_line` is the inverse."""
        when = self.time.astimezone(timezone.utc).strftime(TIME_FORMAT)
        return canonical_json({**vars(self), "time": when}) + b"\n"


@dataclass(frozen=True)
class ArchiveFacts:
    """
    What is signed about a file.

    :param installation: whose trail it is
    :param prev_hash: of the event before the first
    :param hash: of the last event, from which the trail goes on
    :param sha256: of the file
    """

    installation: str
    first_sequence: int
    last_sequence: int
    prev_hash: str
    hash: str
    sha256: str

    @property
    def name(self) -> str:
        """Name of the file, which its part of the trail decides."""
        return f"events-{self.first_sequence:012d}-{self.last_sequence:012d}.jsonl"

    def statement(self) -> bytes:
        """What is signed; all of it follows from the facts, so it is compared, and not interpreted."""
        return canonical_json(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": self.name, "digest": {"sha256": self.sha256}}],
                "predicateType": PREDICATE_TYPE,
                "predicate": {
                    "installation": self.installation,
                    "firstSequence": self.first_sequence,
                    "lastSequence": self.last_sequence,
                    "previousHash": self.prev_hash,
                    "lastHash": self.hash,
                },
            }
        )


def signed_sha256(payload: bytes) -> str:
    """SHA-256 of the file, from a statement whose signature was checked; empty if it is about no archive."""
    try:
        statement = json.loads(payload)
        found = statement["subject"][0]["digest"]["sha256"]
        return str(found) if statement["predicateType"] == PREDICATE_TYPE else ""
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def read_line(line: bytes) -> EventLine:
    """Read a line whose file was found to be what was signed; ``ValueError`` for what we would not write."""
    try:
        facts = json.loads(line)
        when = datetime.strptime(facts["time"], TIME_FORMAT).replace(tzinfo=timezone.utc)
        return EventLine(**{**facts, "time": when})
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"it is no event: {error}") from error


def lines(path: Path) -> Iterator[EventLine]:
    """Events of a file, in its order."""
    with path.open("rb") as stream:
        yield from map(read_line, stream)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in chunks."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def signature_of(path: Path) -> Path:
    """The file beside an archive that has its signature."""
    return path.with_name(path.name + SIGNATURE_SUFFIX)
