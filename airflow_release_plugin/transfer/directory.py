"""Reads the directory of a bundle file, and believes nothing of it."""

from __future__ import annotations

import os
from typing import BinaryIO

from airflow_release_plugin.domain.bundle.manifest_rules import require_no_clash, require_safe_path
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR
from airflow_release_plugin.exceptions import BundleMalformedError, BundleUnsafeError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.transfer.layout import (
    ATTESTATION,
    CENTRAL_SIZE,
    END_SIZE,
    FOLDER,
    MANIFEST,
    Member,
    end_record,
    name_length,
    read_central,
    read_end,
)
from airflow_release_plugin.transfer.limits import BundleLimits

_FIRST_BYTES = b"PK\x03\x04"


def read_directory(stream: BinaryIO, limits: BundleLimits) -> dict[str, Member]:
    """
    Members by name, in the order in which they lie in the file. Nothing is unpacked.

    :raises BundleTooLargeError: number, sizes or ratio, by what the headers say
    :raises BundleUnsafeError: names that lead elsewhere or clash; links, folders, devices
    :raises BundleMalformedError: anything that our writer would not have written
    """
    size = stream.seek(0, os.SEEK_END)
    count, length, offset = _read_end(stream, size, limits)
    stream.seek(offset)
    members = _read_members(stream, count, limits)
    if stream.tell() != offset + length:
        raise _foreign(Message("its directory is longer or shorter than it says"))
    limits.require_ratio(sum(member.size for member in members), size)
    require_no_clash(member.name.decode() for member in members)
    _require_layout(stream, members, offset)
    return {member.name.decode(): member for member in members}


def _read_end(stream: BinaryIO, size: int, limits: BundleLimits) -> tuple[int, int, int]:
    stream.seek(0)
    if not size:
        raise BundleMalformedError("The file is empty (0 bytes). Transfer it again.")
    if not stream.read(len(_FIRST_BYTES)).startswith(_FIRST_BYTES):
        raise BundleMalformedError("The file is no bundle: it is not even a zip. Choose a .dagbundle file.")
    limits.require_archive(size)
    stream.seek(max(size - END_SIZE, 0))
    last = stream.read(END_SIZE)
    found = read_end(last) if len(last) == END_SIZE else None
    if found is None:
        raise BundleMalformedError(
            "The bundle is cut off, or something is appended to it: it does not end as bundles "
            "do. Transfer it again."
        )
    limits.require_members(found[0])
    if end_record(*found) != last or found[1] + found[2] + END_SIZE != size:
        raise _foreign(Message("its last bytes do not fit its size"))
    return found


def _read_members(stream: BinaryIO, count: int, limits: BundleLimits) -> list[Member]:
    members: list[Member] = []
    total = 0
    for _ in range(count):
        header = stream.read(CENTRAL_SIZE)
        if len(header) < CENTRAL_SIZE:
            raise _foreign(Message("its directory ends too early"))
        member = read_central(header, stream.read(name_length(header)))
        name = _name(member)
        if name in {MANIFEST, ATTESTATION}:
            limits.require_document(name, member.size)
        else:
            limits.require_file(name, member.size)
        total += member.size
        limits.require_total(total)
        require_safe_path(name.removeprefix(FOLDER))
        if member.central_header() != header + member.name:
            raise _foreign(
                Message(
                    "the entry of %(name)r in its directory has parts that bundles do not have",
                    name=name[:200],
                )
            )
        if member.mode not in {REGULAR, EXECUTABLE}:
            raise BundleUnsafeError(
                "%(name)r is no plain file: links, folders and devices do not travel.", name=name[:200]
            )
        members.append(member)
    return members


def _name(member: Member) -> str:
    try:
        return member.name.decode()
    except UnicodeDecodeError as error:
        raise BundleUnsafeError("The name %(name)s is not UTF-8.", name=repr(member.name[:200])) from error


def _require_layout(stream: BinaryIO, members: list[Member], end: int) -> None:
    """Refuse members that overlap or leave gaps, and local headers that say something else."""
    position = 0
    for member in members:
        expected = member.local_header()
        stream.seek(position)
        if member.offset != position or stream.read(len(expected)) != expected:
            raise _foreign(
                Message(
                    "the header of %(name)s and the directory contradict each other",
                    name=repr(member.name[:200]),
                )
            )
        position = member.end
    if position != end:
        raise _foreign(Message("there are bytes that belong to no file"))


def _foreign(reason: str) -> BundleMalformedError:
    return BundleMalformedError(
        "The file is a zip, but not as Airflow Release writes them, or it was changed: "
        "%(reason)s. Transfer it again.",
        reason=reason,
    )
