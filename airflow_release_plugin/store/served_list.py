"""
The list of files that a served tree was built from: a name in its folder that no file of a commit has.

It says which run of the machine last compared all bytes. Compressed, it takes a third, and a list that a
power cut left incomplete is told from a whole one.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Mapping
from pathlib import Path

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.exceptions import UnavailableError

_UP_TO_SIZE = len("100644 ") + 40
_LEVEL = 1


def write_manifest(folder: Path, files: Mapping[str, FileEntry], run: str) -> None:
    """Write the list of a tree whose bytes were found to be those of its files in this run of the machine."""
    records = [f"{file.mode:o} {file.blob} {file.size} {file.path}" for file in files.values()]
    beside = folder / f"{MANIFEST}.{secrets.token_hex(4)}"
    beside.write_bytes(zlib.compress("\x00".join([run, *records]).encode(), _LEVEL))
    beside.chmod(0o444)
    beside.replace(folder / MANIFEST)


def records_of(folder: Path) -> tuple[str, list[str]] | None:
    """
    The run of the machine and what is known of each file; ``None`` if the folder has no list, or half of one.

    :raises UnavailableError: this user may not read it
    """
    try:
        run, *records = zlib.decompress((folder / MANIFEST).read_bytes()).decode().split("\x00")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, zlib.error, UnicodeDecodeError):
        return None
    except PermissionError as error:
        raise UnavailableError(
            "%(folder)r cannot be read by the user with id %(user_id)s. What releases serve is "
            "readable by all, but a folder above it is not: let its owner run `chmod o+rx` on "
            "[dag_processor] dag_bundle_storage_path and on what is above it.",
            folder=str(folder),
            user_id=os.geteuid(),
        ) from error
    return run, records


def path_of(record: str) -> str:
    """Path of the file that a record is of."""
    return record.split(" ", 3)[3]


def content_of(record: str) -> str:
    """Mode and blob of the file that a record is of, as :func:`content` writes them."""
    return record[:_UP_TO_SIZE]


def content(mode: int, blob: str) -> str:
    """Mode and blob as one text."""
    return f"{mode:o} {blob}"


def manifest_of(folder: Path) -> dict[str, FileEntry] | None:
    """Files that a served tree was built from, by path; ``None`` if the folder is not one of ours."""
    if (found := records_of(folder)) is None:
        return None
    fields = (record.split(" ", 3) for record in found[1])
    files = (FileEntry(path, int(mode, 8), blob, int(size)) for mode, blob, size, path in fields)
    return {file.path: file for file in files}
