"""Whether a folder holds all of a commit, and the note by which the next task sees that from its folders."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.standing import boot
from airflow_release_plugin.store.open_folders import make_folders, names_in
from airflow_release_plugin.store.served_list import manifest_of, path_of, records_of, write_manifest

SETTLED_NS = 2 * 10**9
"""Times of folders are as coarse as the kernel's tick, on some file systems as a second or two."""


def differences(folder: Path) -> list[str]:
    """Paths of a served tree whose bytes are not, or no longer, those of its commit."""
    wrong = []
    for path, file in (manifest_of(folder) or {}).items():
        try:
            intact = blob_id((folder / path).read_bytes()) == file.blob
        except OSError:
            intact = False
        if not intact:
            wrong.append(path)
    return wrong


def is_whole(folder: Path, *, note: Path | None = None) -> bool:
    """
    Whether ``folder`` holds all files of a commit.

    :param note: where to note when its folders changed last, for :func:`..standing.stands`

    A folder that is empty, foreign, or lost files to an interrupted clean-up is not whole. Names are compared
    (about a millisecond for 1,000 files), bytes once after each start of the machine: what was written just
    before a power cut may be empty.
    """
    if (found := records_of(folder)) is None:
        return False
    names: dict[str, list[str]] = {}
    for record in found[1]:
        parent, _, name = path_of(record).rpartition("/")
        names.setdefault(parent, []).append(name)
    try:
        # Before the names: what goes meanwhile changes the time
        began = time.time_ns()
        moments = moments_of(folder, {"", *names})
        if any(
            not set(names_in(f"{folder}/{parent}")).issuperset(wanted) for parent, wanted in names.items()
        ):
            return False
    except OSError:
        return False
    if found[0] != boot():
        if differences(folder):
            return False
        with suppress(OSError):  # a task under another user cannot write here, and checks again
            write_manifest(folder, manifest_of(folder) or {}, boot())
    elif note is not None:
        note_folders(note, moments, began)
    return True


Moments = dict[str, tuple[int, int]]
"""When folders changed last: as anybody may have set it, and as only the kernel does."""


def moments_of(folder: Path, parents: Iterable[str]) -> Moments:
    """When folders below ``folder`` changed last."""
    infos = {parent: os.stat(f"{folder}/{parent}") for parent in parents}  # noqa: PTH116
    return {parent: (info.st_mtime_ns, info.st_ctime_ns) for parent, info in infos.items()}


def note_folders(note: Path, moments: Moments, began: int) -> None:
    """
    Note when folders changed last, if that was so long ago that a change from then on has another time.

    :param began: when somebody began to look at them
    """
    settled = began - SETTLED_NS
    if (newest := max(changed for changed, _ in moments.values())) > settled:
        return
    records = [f"{changed} {by_kernel} {folder}" for folder, (changed, by_kernel) in moments.items()]
    beside = note.with_name(f"{note.name}.{secrets.token_hex(4)}")
    with suppress(OSError):  # a task under another user cannot write here, and looks again
        make_folders(note.parent)
        try:
            beside.write_text("\x00".join([boot(), *records]), encoding="utf-8")
            beside.chmod(0o444)
            # A file system of the network has a clock of its own
            if newest <= settled - (time.time_ns() - beside.stat().st_mtime_ns):
                beside.replace(note)
        finally:
            beside.unlink(missing_ok=True)
