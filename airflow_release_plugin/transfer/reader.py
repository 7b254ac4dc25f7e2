"""Reads bundle files of strangers: limits, signature, manifest, and bytes only with their hash."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from airflow_release_plugin.domain.bundle.manifest import BundleFile, Manifest, manifest_from_bytes
from airflow_release_plugin.domain.bundle.manifest_rules import require_sound
from airflow_release_plugin.domain.bundle.trusted_keys import KeyStanding, TrustedKey
from airflow_release_plugin.exceptions import (
    BundleAlteredError,
    BundleExpiredError,
    BundleMalformedError,
    BundleManifestError,
    BundleUntrustedError,
    NotFoundError,
    TransferUnavailableError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.transfer.attestation import (
    Envelope,
    attested_manifest_digest,
    read_envelope,
    statement,
)
from airflow_release_plugin.transfer.directory import read_directory
from airflow_release_plugin.transfer.layout import ATTESTATION, FOLDER, MANIFEST, Member
from airflow_release_plugin.transfer.limits import BundleLimits

_CHUNK = 64 * 1024
_STANDINGS = {
    KeyStanding.EARLY: Message("not yet valid"),
    KeyStanding.EXPIRED: Message("expired"),
    KeyStanding.REVOKED: Message("revoked"),
}


@dataclass(frozen=True)
class Bundle:
    """
    An open bundle whose signature is good and whose manifest tells the truth about its files.

    :param key: whose signature it is
    """

    manifest: Manifest
    key: TrustedKey
    _stream: BinaryIO
    _members: Mapping[str, Member]
    _included: Mapping[str, BundleFile]

    def files(self) -> Iterator[tuple[BundleFile, Iterator[bytes]]]:
        """Every file that is included, with its bytes as :meth:`stream` gives them."""
        for file in self._included.values():
            yield file, self.stream(file.path)

    def stream(self, path: str) -> Iterator[bytes]:
        """
        Chunks of a file. What was yielded counts only when the end is reached: then the hash is known.

        :raises BundleAlteredError: the content is not what was signed
        """
        if path not in self._included:
            raise NotFoundError("The bundle holds no file %(path)r.", path=path)
        return _unpack(self._stream, self._members[f"{FOLDER}{path}"], self._included[path].sha256)

    def read(self, path: str) -> bytes:
        """All bytes of a file, checked. It is not larger than the limit for one file."""
        return b"".join(self.stream(path))

    def verify(self) -> None:
        """Check the content of every file; the bytes go nowhere."""
        for _, chunks in self.files():
            for _ in chunks:
                pass


@contextmanager
def open_bundle(
    path: Path, *, trusted: Iterable[TrustedKey], now: datetime, limits: BundleLimits | None = None
) -> Iterator[Bundle]:
    """
    Open a bundle file; nothing is written anywhere, nothing of it is run.

    The rest is as :func:`read_bundle` has it.
    """
    with ExitStack() as stack:
        with _reading(str(path)):
            stream = stack.enter_context(path.open("rb"))
        yield read_bundle(stream, trusted=trusted, now=now, limits=limits)


def read_bundle(
    stream: BinaryIO, *, trusted: Iterable[TrustedKey], now: datetime, limits: BundleLimits | None = None
) -> Bundle:
    """
    Read a bundle from a file that is open for as long as the bundle is used.

    :param trusted: keys that this installation knows, revoked ones included
    :raises BundleError: one of its kinds, for whatever is wrong with the file
    :raises TransferUnavailableError: the file cannot be read
    """
    with _reading(getattr(stream, "name", "file")):
        members = read_directory(stream, limits or BundleLimits())
    envelope = read_envelope(_document(stream, members, ATTESTATION))
    key = _signer(envelope, {key.id: key for key in trusted}, now)
    manifest = _manifest(_document(stream, members, MANIFEST), envelope)
    _require_same_files(manifest, members)
    if manifest.expires <= now:
        raise BundleExpiredError(
            "The bundle %(bundle_id)s expired at %(expires)s. Generate it again.",
            bundle_id=manifest.bundle_id,
            expires=manifest.expires.isoformat(),
        )
    return Bundle(manifest, key, stream, members, {file.path: file for file in manifest.included})


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransferUnavailableError(
            "The bundle %(name)s cannot be read: %(reason)s.", name=name, reason=error.strerror or error
        ) from error


def _document(stream: BinaryIO, members: Mapping[str, Member], name: str) -> bytes:
    if name in members:
        return b"".join(_unpack(stream, members[name]))
    if name == ATTESTATION:
        raise BundleUntrustedError("The bundle is not signed. Only signed bundles are read: export it anew.")
    raise BundleMalformedError("The file is no bundle: it has no %(name)s.", name=name)


def _signer(envelope: Envelope, trusted: Mapping[str, TrustedKey], now: datetime) -> TrustedKey:
    key = trusted.get(envelope.key_id)
    if key is None:
        raise BundleUntrustedError(
            "The bundle is signed with key %(key)s, which is not trusted here. If you know "
            "whose it is, an administrator adds it with 'airflow release keys trust'.",
            key=envelope.key_id,
        )
    standing = key.standing(now)
    if standing is not KeyStanding.VALID:
        raise BundleUntrustedError(
            Message(
                "The bundle is signed with key %(name)r (%(id)s), which is %(standing)s. Have it "
                "signed with a key that is valid.",
                name=key.name,
                id=key.id,
                standing=_STANDINGS[standing],
            ),
            key=key.id,
            standing=standing.value,
        )
    envelope.require_signature_of(key)
    return key


def _manifest(data: bytes, envelope: Envelope) -> Manifest:
    """Read the manifest, which is parsed only if its hash is signed."""
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != attested_manifest_digest(envelope.payload):
        raise BundleAlteredError("The bundle's manifest is not the one that was signed. Transfer it again.")
    manifest = manifest_from_bytes(data)
    require_sound(manifest)
    if statement(manifest, sha256) != envelope.payload:
        raise BundleManifestError("What was signed about the bundle and its manifest contradict each other.")
    return manifest


def _require_same_files(manifest: Manifest, members: Mapping[str, Member]) -> None:
    declared = {f"{FOLDER}{file.path}": file for file in manifest.included}
    undeclared = members.keys() - declared.keys() - {MANIFEST, ATTESTATION}
    missing = declared.keys() - members.keys()
    if undeclared or missing:
        reason = (
            Message("%(path)r is not declared", path=min(undeclared))
            if undeclared
            else Message("%(path)r is missing", path=min(missing))
        )
        raise BundleManifestError(
            "The manifest and the content of the bundle differ: %(reason)s.", reason=reason
        )
    if list(members) != [*declared, MANIFEST, ATTESTATION]:
        raise BundleMalformedError("The files of the bundle are not in the order of its manifest.")
    for name, file in declared.items():
        if (members[name].size, members[name].mode) != (file.size, file.mode):
            raise BundleManifestError(
                "The manifest is wrong about the size or the mode of %(path)r.", path=file.path
            )


def _unpack(stream: BinaryIO, member: Member, sha256: str = "") -> Iterator[bytes]:
    """Yield the content of a member, never more than its header says, and check it at the end."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    found, crc, size = hashlib.sha256(), 0, 0
    try:
        for packed in _packed(stream, member):
            for chunk in _inflated(unpacker, packed):
                size += len(chunk)
                if size > member.size:
                    raise _altered(member, Message("it is larger than it says"))
                crc = zlib.crc32(chunk, crc)
                found.update(chunk)
                yield chunk
            if unpacker.unused_data:
                raise _altered(member, Message("something follows its content"))
    except zlib.error as error:
        raise _altered(member, Message("it cannot be unpacked")) from error
    if not unpacker.eof or (size, crc) != (member.size, member.crc):
        raise _altered(member, Message("its content is not complete"))
    if sha256 and found.hexdigest() != sha256:
        raise _altered(member, Message("its content has another hash"))


def _inflated(unpacker: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """Yield what so many packed bytes give, in chunks, however much that is."""
    while chunk := unpacker.decompress(packed, _CHUNK):
        packed = unpacker.unconsumed_tail
        yield chunk


def _packed(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    position = member.data_offset
    while position < member.end:
        with _reading(getattr(stream, "name", "file")):
            stream.seek(position)  # others may read from the same stream between two chunks
            data = stream.read(min(_CHUNK, member.end - position))
        if not data:
            raise _altered(member, Message("it is cut off"))
        position += len(data)
        yield data


def _altered(member: Member, reason: str) -> BundleAlteredError:
    name = member.name.decode()
    return BundleAlteredError(
        "%(file)r is not what was signed: %(reason)s. Transfer the bundle again.", reason=reason, file=name
    )
