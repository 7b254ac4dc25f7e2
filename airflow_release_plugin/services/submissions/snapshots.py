"""
The whole source as it is when something of it is submitted, kept in the store: the folder is not read again.

Reading it comes before anything is locked (:func:`take`), writing after the versions are made (:func:`keep`);
both cost by what changed since the last snapshot that this process took, but for one look at each file.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_release_plugin.analysis import tree_scan
from airflow_release_plugin.analysis.closure import Closure
from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.analysis.stat_memo import is_settled
from airflow_release_plugin.analysis.tree_scan import ScanLimits, TreeScan
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Snapshot, Submission
from airflow_release_plugin.repositories import snapshots
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.snapshot_commit import keep_tree
from airflow_release_plugin.services.versions.source import Source, changed_meanwhile
from airflow_release_plugin.store.objects import GitObject, ObjectKind
from airflow_release_plugin.store.tree_memo import TreeMemo

_ATTEMPTS = 3
_HELD_BYTES = 32 * 1024 * 1024
"""So much that the store lacks waits in memory until versions are made; the rest is written at once."""
_LISTED = 1000
"""So many of what was left out are named."""


@dataclass
class TakenSnapshot:
    """
    What was read of the source.

    :param files: by path
    :param left_out: reason by path
    :param new: blobs that the store lacks
    """

    files: dict[str, FileEntry]
    left_out: dict[str, str]
    new: list[GitObject] = field(default_factory=list)

    def require_same(self, closure: Closure) -> None:
        """Raise ``ConflictError`` if a file of the closure is another one than was read."""
        for file in closure.files:
            known = self.files.get(file.path)
            if known is not None and (known.mode, known.blob) != (file.mode, file.blob):
                raise changed_meanwhile(closure, file.path)


@dataclass
class _Last:
    """The newest snapshot of a folder that this process wrote, and what its trees were made of."""

    trees: TreeMemo = field(default_factory=TreeMemo)
    digest: str = ""
    objects: frozenset[str] = frozenset()


_LAST: dict[str, _Last] = {}


def take(ctx: Context, source: Source) -> TakenSnapshot:
    """
    Read what the store lacks of the source. Nothing is locked; little is written, and no row.

    A file that changes meanwhile is read again, with all others; one that does so each time is left out.
    """
    stored = _stored_objects(ctx)
    limits = scan_limits(ctx)
    for attempt in range(_ATTEMPTS):
        found = tree_scan.scan(source.files, limits)
        taken = TakenSnapshot(tree_scan.entries(source.files, found), found.left_out)
        changed = _read_missing(ctx, source.files, taken, stored)
        if not found.is_settled:
            changed |= _changed_since(source.files, limits, found, taken.files)
        if not changed:
            break
        if attempt == _ATTEMPTS - 1:
            for path in changed & taken.files.keys():
                del taken.files[path]
                taken.left_out[path] = Message("it changed each time that it was read")
    return taken


def scan_limits(ctx: Context) -> ScanLimits:
    """What snapshots leave out, as it is configured."""
    return ScanLimits(tuple(sorted(ctx.settings.snapshot_ignore)), ctx.settings.max_snapshot_bytes)


def keep(ctx: Context, taken: TakenSnapshot, submissions: Sequence[Submission]) -> None:
    """Store the snapshot, and note it with the versions that were made of the same files; once a request."""
    made = [submission for submission in submissions if not submission.is_removal]
    if not made:
        return
    files = dict(taken.files)
    for entry in (entry for submission in made for entry in submission.entries):
        # Code names it, whatever the rules say; its blob came with the version
        files.setdefault(entry.path, entry)
        taken.left_out.pop(entry.path, None)
    snapshots.give(ctx.session, _stored(ctx, taken, files), made)


def _stored(ctx: Context, taken: TakenSnapshot, files: Mapping[str, FileEntry]) -> Snapshot:
    source = ctx.settings.source
    last = _LAST.setdefault(source, _Last())
    whole = last.trees.whole(files)
    digest = _digest(whole.root, taken.left_out)
    row = snapshots.by_digest(ctx.session, source, digest)
    if row is None:
        stored = _stored_objects(ctx)
        new = [tree for object_id, tree in whole.trees.items() if object_id not in stored]
        there = ctx.store.objects.count_on([tree.id for tree in new], ObjectKind.TREE)
        # The same files may be there already, while something else was left out.
        written = [*taken.new, *(tree for tree in new if tree.id not in there)]
        keep_tree(ctx, source, whole.root, written)
        snapshots.create(ctx.session, _values(ctx, taken, files, tree=whole.root, digest=digest))
        row = snapshots.by_digest(ctx.session, source, digest)
    if row is None:
        raise RuntimeError("a snapshot that was just made is not there")
    objects = frozenset({*(entry.blob for entry in files.values()), *whole.trees})
    _LAST[source] = _Last(last.trees, digest, objects)
    return row


def _values(
    ctx: Context, taken: TakenSnapshot, files: Mapping[str, FileEntry], *, tree: str, digest: str
) -> dict[str, object]:
    left_out = [{"path": path, "reason": reason} for path, reason in sorted(taken.left_out.items())]
    return {
        "source": ctx.settings.source,
        "digest": digest,
        "tree_id": tree,
        "file_count": len(files),
        "size": sum(entry.size for entry in files.values()),
        "left_out": left_out[:_LISTED],
        "left_out_count": len(left_out),
        "taken_at": ctx.clock(),
    }


def _digest(tree: str, left_out: Mapping[str, str]) -> str:
    text = json.dumps([tree, sorted(left_out.items())], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _stored_objects(ctx: Context) -> frozenset[str]:
    """Objects that the store has for sure, without asking for each."""
    last = _LAST.get(ctx.settings.source)
    if last and snapshots.is_stored(ctx.session, ctx.settings.source, last.digest):
        return last.objects
    return frozenset()


def _read_missing(ctx: Context, files: FolderFiles, taken: TakenSnapshot, stored: frozenset[str]) -> set[str]:
    """Read the blobs that the store lacks; return the paths of files that are not as they were."""
    unknown = {entry.blob: entry for entry in taken.files.values() if entry.blob not in stored}
    there = ctx.store.objects.count_on(unknown, ObjectKind.BLOB) if unknown else set()
    changed = set()
    held = 0
    for blob in unknown.keys() - there:
        try:
            data = files.read_as(unknown[blob])
        except UnitError:
            changed.add(unknown[blob].path)
            continue
        taken.new.append(GitObject(ObjectKind.BLOB, data))
        held += len(data)
        if held > _HELD_BYTES:
            ctx.store.objects.add(taken.new)
            taken.new.clear()
            held = 0
    return changed


def _changed_since(
    files: FolderFiles, limits: ScanLimits, before: TreeScan, entries: Mapping[str, FileEntry]
) -> set[str]:
    """Files that are others now than they were: all were there together if none is."""
    now = tree_scan.scan(files, limits)
    old, new = before.stamps(), now.stamps()
    changed = set()
    if old != new:
        changed = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    moment = time.time_ns()
    unsettled = [path for path, info in before.files.items() if not is_settled(info, moment)]
    return changed.union(
        path for path in unsettled if path not in changed and not _is_intact(files, entries[path])
    )


def _is_intact(files: FolderFiles, entry: FileEntry) -> bool:
    try:
        files.read_as(entry)
    except UnitError:
        return False
    return True
