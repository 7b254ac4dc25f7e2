"""Writes bundle files: one pass over the content, in little memory, whole or not at all."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from airflow_release_plugin.domain.bundle.manifest import BundleFile, Manifest, manifest_from_bytes
from airflow_release_plugin.domain.bundle.manifest_rules import require_safe_path, require_sound
from airflow_release_plugin.durable import appearing
from airflow_release_plugin.exceptions import BundleManifestError, TransferUnavailableError
from airflow_release_plugin.transfer.attestation import SigningKey, attest
from airflow_release_plugin.transfer.layout import (
    ATTESTATION,
    DOCUMENT_MODE,
    FOLDER,
    MANIFEST,
    Member,
    end_record,
)
from airflow_release_plugin.transfer.limits import BundleLimits

UNFINISHED = ".partial"
"""How the names of files end that are still being written. One that nobody writes any more may be deleted."""


@dataclass(frozen=True)
class SourceFile:
    """A file to put into a bundle; ``chunks`` is read once."""

    path: str
    mode: int
    chunks: Iterable[bytes]


def write_bundle(
    path: Path,
    *,
    files: Iterable[SourceFile],
    manifest: Callable[[tuple[BundleFile, ...]], Manifest],
    key: SigningKey,
    limits: BundleLimits | None = None,
) -> Manifest:
    """
    Write a signed bundle to ``path`` and return its manifest. The same input gives the same bytes.

    :param files: sorted by path
    :param manifest: makes the manifest when all files are written; gets them, with their SHA-256
    :raises BundleTooLargeError: the limits are those of the reader
    :raises BundleUnsafeError, BundleManifestError: a reader would refuse it
    :raises TransferUnavailableError: it cannot be written there; nothing is left behind
    """
    try:
        with appearing(path, suffix=UNFINISHED) as stream:
            archive = _Archive(stream, limits or BundleLimits())
            written = tuple(archive.add_file(file) for file in files)
            data = manifest(written).to_bytes()
            made = _checked(data, written)
            archive.add_document(MANIFEST, data)
            sha256 = hashlib.sha256(data).hexdigest()
            archive.add_document(ATTESTATION, attest(made, sha256, key).to_bytes())
            archive.finish()
    except OSError as error:
        raise TransferUnavailableError(
            "The bundle %(path)s cannot be written: %(reason)s. Mend that and generate it again.",
            path=str(path),
            reason=error.strerror or error,
        ) from error
    return made


def _checked(data: bytes, written: tuple[BundleFile, ...]) -> Manifest:
    """The manifest as a reader of these bytes has it."""
    read_back = manifest_from_bytes(data)
    require_sound(read_back)
    if tuple(read_back.included) != written:
        raise BundleManifestError("The manifest names other files than were written into the bundle.")
    return read_back


class _Archive:
    """A zip in the making."""

    def __init__(self, stream: BinaryIO, limits: BundleLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._members: list[Member] = []
        self._total = 0

    def add_file(self, file: SourceFile) -> BundleFile:
        require_safe_path(file.path)
        name = f"{FOLDER}{file.path}"
        if self._members and self._members[-1].name >= name.encode():
            raise ValueError(f"{file.path!r} comes too late: files must be sorted by path, once each")
        sha256 = self._add(name, file.mode, file.chunks, self._limits.require_file)
        return BundleFile(file.path, sha256, self._members[-1].size, file.mode)

    def add_document(self, name: str, data: bytes) -> None:
        self._add(name, DOCUMENT_MODE, [data], self._limits.require_document)

    def finish(self) -> None:
        start = self._stream.tell()
        self._stream.writelines(member.central_header() for member in self._members)
        end = self._stream.tell()
        self._stream.write(end_record(len(self._members), end - start, start))
        self._limits.require_archive(self._stream.tell())
        self._limits.require_ratio(self._total, self._stream.tell())

    def _add(self, name: str, mode: int, chunks: Iterable[bytes], require: Callable[[str, int], None]) -> str:
        """Append a member and return the SHA-256 of its content."""
        self._limits.require_members(len(self._members) + 1)
        blank = Member(name.encode(), mode, crc=0, packed=0, size=0, offset=self._stream.tell())
        self._stream.write(blank.local_header())
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        sha256, crc, size = hashlib.sha256(), 0, 0
        for chunk in chunks:
            size += len(chunk)
            require(name, size)
            self._limits.require_total(self._total + size)
            sha256.update(chunk)
            crc = zlib.crc32(chunk, crc)
            self._stream.write(packer.compress(chunk))
            self._limits.require_archive(self._stream.tell())
        self._stream.write(packer.flush())
        packed = self._stream.tell() - blank.data_offset
        member = replace(blank, crc=crc, packed=packed, size=size)
        self._stream.seek(member.offset)
        self._stream.write(member.local_header())
        self._stream.seek(member.end)
        self._members.append(member)
        self._total += size
        return sha256.hexdigest()
