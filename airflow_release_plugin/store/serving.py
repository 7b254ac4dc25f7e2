"""
Commits as folders on this machine: complete or absent, sharing their files (ADR 0003).

A tree is built beside its place and renamed into it. Directories are real; files are hard links to read-only
copies in a cache by content, so that a further version costs only what is new. This imports no git library.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR, FileEntry, blob_id
from airflow_release_plugin.domain.tree.paths import MANIFEST
from airflow_release_plugin.durable import exclusive
from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.standing import boot
from airflow_release_plugin.store.open_folders import make_each, make_folder, make_folders, names_in
from airflow_release_plugin.store.paths import check_path
from airflow_release_plugin.store.reuse import BYTE_CODE, keep_same
from airflow_release_plugin.store.served_list import (
    content,
    content_of,
    manifest_of,
    records_of,
    write_manifest,
)
from airflow_release_plugin.store.whole import SETTLED_NS, moments_of, note_folders

log = logging.getLogger(__name__)

Files = Mapping[str, FileEntry]
ReadBlobs = Callable[[Iterable[str]], Iterator[tuple[str, bytes]]]
"""Gives ``(blob, bytes)`` of many blobs, in any order."""

# Another file system, somebody else's file (fs.protected_hardlinks), too many links, or links unknown
_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}


class ServedTrees:
    """
    The trees of one bundle below ``base``, with the cache that they share.

    :param base: folder of the bundle; everything below it lies on one file system
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self._cache = base / "blobs"
        self._building = base / "building"
        self._has_left_overs = False

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the right to write below ``base``. What a crashed holder left behind is removed."""
        try:
            make_folders(self.base)
            make_folders(self._building)
            make_folders(self._cache)
            with exclusive(self.base / ".lock"):
                for leftover in self._building.iterdir():
                    _remove(leftover)
                yield
        except OSError as error:
            raise UnavailableError(
                "%(folder)r cannot be written (%(reason)s). Check owner, permissions and free space "
                "of [dag_processor] dag_bundle_storage_path.",
                folder=str(self.base),
                reason=error.strerror or error,
            ) from error

    def place(
        self,
        folder: Path,
        files: Files,
        read_blobs: ReadBlobs,
        *,
        previous: Path | None,
        note: Path | None = None,
        reuse: Path | None = None,
    ) -> None:
        """
        Put a tree of ``files`` at ``folder``, replacing what is there. The caller holds the lock.

        ``read_blobs`` is asked for what the cache lacks; what came stays there if the rest does not come.
        Byte code of files that ``previous`` has too comes along.

        :param note: as :func:`.whole.is_whole` writes it
        :param reuse: a tree that nobody is served any more, which this one is made of as far as it goes
        :raises InvalidRequestError: a file has a name that cannot travel
        """
        for path in files:
            check_path(path)
        self._check_cache()
        built = self._building / secrets.token_hex(8)
        folders = _parents(files)
        here = self._take(reuse, built, files, folders) if reuse else set()
        if not here:
            make_each(built, folders)
        missing = [file for path, file in files.items() if path not in here and not self._link(file, built)]
        if missing:
            self._fetch(missing, read_blobs, built)
        for file in missing:
            if not (os.path.lexists(f"{built}/{file.path}") or self._link(file, built)):
                raise FileNotFoundError(errno.ENOENT, f"cached copy of {file.path!r} vanished")
        if previous is not None:
            _link_byte_code(previous, built, files)
        write_manifest(built, files, boot())
        # Whatever comes or goes from here on gives a folder another time, be it within the same tick
        settled = time.time_ns() - 2 * SETTLED_NS
        for parent in folders:
            os.utime(f"{built}/{parent}", ns=(settled, settled))
        make_folders(folder.parent)
        self._put_away(folder)
        built.rename(folder)
        if note is not None:
            began = time.time_ns()
            note_folders(note, moments_of(folder, folders), began)

    def _take(self, reuse: Path, built: Path, files: Files, folders: Collection[str]) -> set[str]:
        """Move a tree to where the next one is built, with what both have; the paths of that."""
        self._has_left_overs = True
        if reuse.is_symlink():  # what lies behind it is not ours to change
            return set()
        inodes = dict(self._cached_inodes())

        def is_same(path: str, inode: int) -> bool:
            file = files.get(path)
            return file is not None and inodes.get(self._cached(file.blob, file.mode)) == inode

        try:
            reuse.rename(built)
            same = keep_same(str(built), is_same, set(folders))
            make_each(built, folders)
        except OSError:  # somebody else's, or gone: all is built anew
            self._put_away(built)
            return set()
        return same

    def _put_away(self, place: Path) -> None:
        """Make room at a place, whatever stands there."""
        if os.path.lexists(place):
            place.rename(self._building / secrets.token_hex(8))

    def switch(self, link: Path, folder: Path) -> None:
        """Make ``link`` point at ``folder``, beside or below it, in one moment. The caller holds the lock."""
        beside = self._building / secrets.token_hex(8)
        beside.symlink_to(folder.relative_to(link.parent))
        if link.is_dir() and not link.is_symlink():  # a copy that followed links: nothing replaces a folder
            self._put_away(link)
        beside.replace(link)

    def prune(self, trees: Path, *, keep: Iterable[Path]) -> None:
        """Remove the trees in ``trees`` that are not kept, and cached files of no tree. Needs the lock."""
        kept = set(keep)
        gone = set(trees.iterdir()) - kept
        for folder in gone:
            folder.rename(self._building / secrets.token_hex(8))
        for leftover in self._building.iterdir():
            _remove(leftover)
        if gone or self._has_left_overs:
            self.drop_unused(kept)
            self._has_left_overs = False

    def drop_unused(self, trees: Iterable[Path]) -> None:
        """Remove cached files that none of the trees has. Needs the lock."""
        if unlinked := {name for name in self._cached_names() if os.lstat(name).st_nlink == 1}:
            # Where links are impossible, each cached file has one link and a tree may still be its copy
            for folder in trees:
                _, records = records_of(folder) or ("", [])
                used = set(map(content_of, records))
                unlinked = {name for name in unlinked if _key(name) not in used}
        for name in unlinked:
            Path(name).unlink()

    # Text instead of Path objects where something is done for each file: they would take half of the time.

    def _cached(self, blob: str, mode: int) -> str:
        # One inode has one mode, so an executable file and its plain twin are two entries
        return f"{self._cache}/{blob[:1]}/{blob[1:]}{'x' if mode == EXECUTABLE else ''}"

    def _cached_names(self) -> Iterator[str]:
        return (name for name, _ in self._cached_inodes())

    def _cached_inodes(self) -> Iterator[tuple[str, int]]:
        for folder in os.scandir(self._cache):
            if folder.is_dir():
                yield from ((entry.path, entry.inode()) for entry in os.scandir(folder))

    def _link(self, file: FileEntry, tree: Path) -> bool:
        cached, target = self._cached(file.blob, file.mode), f"{tree}/{file.path}"
        try:
            try:
                os.link(cached, target)
            except OSError as error:
                if error.errno not in _CANNOT_LINK:
                    raise
                shutil.copy2(cached, target)
        except FileNotFoundError:
            return False
        return True

    def _fetch(self, wanted: Iterable[FileEntry], read_blobs: ReadBlobs, built: Path) -> None:
        """Write what the cache lacks: into the tree, each where it belongs, and from there into the cache."""
        places: dict[str, dict[int, str]] = {}
        for file in wanted:
            places.setdefault(file.blob, {}).setdefault(file.mode, file.path)
        for start in {blob[:1] for blob in places}:
            make_folder(self._cache / start)
        for blob, data in read_blobs(tuple(places)):  # it may read lazily, and places go
            if blob_id(data) != blob:
                raise UnavailableError(
                    "Blob %(blob)s came damaged; it is not served. What gave it has to be repaired.",
                    blob=blob,
                )
            for mode, path in places.pop(blob).items():
                # Not one after the other under one name: a kernel can take a millisecond to find each a
                # place on the disk that is near the same folder
                _write(f"{built}/{path}", data, 0o555 if mode == EXECUTABLE else 0o444)
                self._keep(f"{built}/{path}", self._cached(blob, mode), built)

    def _keep(self, written: str, cached: str, built: Path) -> None:
        try:
            os.link(written, cached)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            beside = f"{built}/{MANIFEST}.new"
            shutil.copy2(written, beside)
            os.rename(beside, cached)  # noqa: PTH104 - a copy that was cut short has no name in the cache

    def _check_cache(self) -> None:
        """Once after each start of the machine, drop cached files that a power cut left incomplete."""
        marker = self._cache / "boot"
        if marker.exists() and marker.read_text() == boot():
            return
        self.drop_damaged()
        marker.write_text(boot())

    def drop_damaged(self) -> None:
        """Remove cached files whose bytes are not those that they stand for. Needs the lock."""
        for cached in map(Path, self._cached_names()):
            if blob_id(cached.read_bytes()) != cached.parent.name + cached.name.removesuffix("x"):
                log.warning("Removing damaged file from the release cache: %s", cached)
                cached.unlink()


def _key(cached: str) -> str:
    """Mode and blob of what is cached there."""
    start, name = cached.rsplit("/", 2)[1:]
    return content(EXECUTABLE if name.endswith("x") else REGULAR, start + name.removesuffix("x"))


def _write(file: str, data: bytes, mode: int) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def _parents(paths: Iterable[str]) -> list[str]:
    """Folders of the paths and of those folders, the outermost (``""``) first."""
    found = {""}
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return sorted(found)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _link_byte_code(previous: Path, tree: Path, files: Files) -> None:
    """
    Share the byte code of unchanged files; that of changed ones could look valid within the same second.

    It is a convenience: what cannot be linked is compiled again.
    """
    parents = {path.rpartition("/")[0] for path in files if path.endswith(".py")}
    if not any(os.path.isdir(f"{previous}/{parent}/__pycache__") for parent in parents):  # noqa: PTH112
        return  # nobody has run any of it there
    before = manifest_of(previous) or {}
    unchanged: dict[str, set[str]] = {}
    for path, file in files.items():
        old = before.get(path)
        if path.endswith(".py") and old is not None and old.blob == file.blob:
            parent, _, name = path.rpartition("/")
            unchanged.setdefault(parent, set()).add(name.removesuffix(".py"))
    for parent, stems in unchanged.items():
        source, target = previous / parent / "__pycache__", tree / parent / "__pycache__"
        with suppress(OSError):
            matches = [match for name in names_in(str(source)) if (match := BYTE_CODE.fullmatch(name))]
            names = [match[0] for match in matches if match[1] in stems]
            if names:
                make_folder(target)
                names = sorted(set(names).difference(names_in(str(target))))
            for name in names:
                os.link(source / name, target / name)
