"""
Where the audit trail begins in the database: behind the last event that went into an archive.

What is written down of an archive is signed. So whoever cuts the trail off by SQL needs the key as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.bundle.trusted_keys import key_id
from airflow_release_plugin.domain.events import GENESIS
from airflow_release_plugin.exceptions import BundleMalformedError, TransferUnavailableError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Event, EventArchive
from airflow_release_plugin.repositories import event_archives
from airflow_release_plugin.services.runtime import installation
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.transfer.attestation import Envelope, read_envelope
from airflow_release_plugin.transfer.event_archive import ArchiveFacts, EventLine
from airflow_release_plugin.transfer.keys import KeyFolder


@dataclass(frozen=True)
class BrokenLink:
    """
    Where the trail does not hold.

    :param sequence: number of the first event that does not fit what is before it
    """

    sequence: int
    reason: str


@dataclass(frozen=True)
class Cut:
    """The last event that went into an archive; where none did, what is before the first event."""

    sequence: int = 0
    hash: str = GENESIS


def newest(ctx: Context) -> Cut:
    """The last cut."""
    row = event_archives.newest(ctx.session)
    return Cut() if row is None else Cut(row.last_sequence, row.hash)


def first_broken(ctx: Context) -> BrokenLink | None:
    """The first archive that does not follow the one before, or that this installation did not sign."""
    rows = event_archives.archives(ctx.session)
    if not rows:
        return None
    keys, uid = own_keys(ctx), installation.uid(ctx)
    cut = Cut()
    for row in rows:
        if row.first_sequence != cut.sequence + 1:
            reason = Message("The archive before %(name)s is not written down", name=row.name)
            return BrokenLink(cut.sequence + 1, reason)
        if why_not := _why_not(uid, row, cut, keys):
            return BrokenLink(row.first_sequence, why_not)
        cut = Cut(row.last_sequence, row.hash)
    return None


def own_keys(ctx: Context) -> dict[str, bytes]:
    """Public keys that ever signed here, by id; none where the folder cannot be read."""
    folder = KeyFolder(ctx.settings.keys_path)
    try:
        present = folder.signing_key_if_any()
        former = [public_key for public_key, _ in folder.former()]
    except TransferUnavailableError:
        return {}
    return {key_id(key): key for key in [*former, *([present.public_key] if present else [])]}


def signature_problem(envelope: Envelope, keys: dict[str, bytes]) -> str:
    """Why a signature does not count; empty if it does."""
    public_key = keys.get(envelope.key_id)
    if public_key is None:
        return Message(
            "It is signed with key %(key)s, which this server does not have. Bring the folder of keys here "
            "from another API server or from the backup.",
            key=envelope.key_id[:16],
        )
    return "" if envelope.is_signed_with(public_key) else Message("The signature does not fit")


def _why_not(uid: str, row: EventArchive, before: Cut, keys: dict[str, bytes]) -> str:
    """Why what is written down of an archive does not count; empty if it does."""
    facts = ArchiveFacts(
        installation=uid,
        first_sequence=row.first_sequence,
        last_sequence=row.last_sequence,
        prev_hash=before.hash,
        hash=row.hash,
        sha256=row.sha256,
    )
    try:
        envelope = read_envelope(row.envelope.encode())
    except BundleMalformedError:
        return Message("What is written down of the archive %(name)s is no signature", name=row.name)
    if problem := signature_problem(envelope, keys):
        return Message("Archive %(name)s: %(problem)s", name=row.name, problem=problem)
    if (envelope.payload, row.name) != (facts.statement(), facts.name):
        return Message("What is written down of the archive %(name)s is not what was signed", name=row.name)
    return ""


def line_of(row: Event) -> EventLine:
    """An event as a line of an archive has it, which knows the hash that it ought to have."""
    return EventLine(
        sequence=row.sequence,
        time=row.time,
        tag=row.tag.value,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        subject=row.subject,
        data=row.data,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )
