"""Git trees: reading them down to files, and writing the ones that a change touches."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from dulwich.objects import ObjectID, ShaFile, Tree

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.store.changes import in_the_way
from airflow_release_plugin.store.paths import check_mode, check_path

if TYPE_CHECKING:
    from dulwich.object_store import DiskObjectStore

_Object = TypeVar("_Object", bound=ShaFile)
_Entry = tuple[int, ObjectID]
Changes = Mapping[str, FileEntry | None]

_SIZES: dict[str, int] = {}
"""Bytes by blob id. Content-addressed, so it holds for every store of the process; emptied when large."""
_SIZES_LIMIT = 200_000
_OLD_GROUP_WRITABLE = 0o100664


def load(objects: DiskObjectStore, object_id: str | ObjectID, kind: type[_Object]) -> _Object:
    """Return an object of the given kind; raise ``NotFoundError`` if the store has none of that id."""
    name = object_id if isinstance(object_id, bytes) else ObjectID(object_id.encode())
    try:
        found = objects[name]
    except KeyError:
        found = None
    if not isinstance(found, kind):
        raise NotFoundError(f"The store has no {kind.type_name.decode()} {name.decode()}.")
    return found


def entry_at(objects: DiskObjectStore, path: str, mode: int, object_id: ObjectID) -> FileEntry:
    """Return the file entry of a blob; ``InvalidRequestError`` for links and whatever is no file."""
    blob = object_id.decode()
    check_mode(path, REGULAR if mode == _OLD_GROUP_WRITABLE else mode)
    if blob not in _SIZES:
        try:
            size = len(objects.get_raw(object_id)[1])
        except KeyError:
            raise NotFoundError(f"The store has no blob {blob}, which {path!r} needs.") from None
        if len(_SIZES) >= _SIZES_LIMIT:
            _SIZES.clear()
        _SIZES[blob] = size
    return FileEntry(path, REGULAR if mode == _OLD_GROUP_WRITABLE else mode, blob, _SIZES[blob])


def walk(objects: DiskObjectStore, tree_id: ObjectID, prefix: str = "") -> Iterator[FileEntry]:
    """Files below a tree. Checks each path: a commit that was pushed by hand may hold anything."""
    for name, mode, object_id in load(objects, tree_id, Tree).items():
        path = check_path(prefix + name.decode(errors="surrogateescape"))
        if stat.S_ISDIR(mode):
            yield from walk(objects, object_id, f"{path}/")
        else:
            yield entry_at(objects, path, mode, object_id)


def find(objects: DiskObjectStore, tree_id: ObjectID, paths: Iterable[str]) -> Iterator[FileEntry]:
    """Entries of those ``paths`` that are files below the tree; reads each tree on the way once."""
    seen: dict[str, Tree | None] = {"": load(objects, tree_id, Tree)}

    def tree_at(folder: str) -> Tree | None:
        if folder not in seen:
            parent, _, name = folder.rpartition("/")
            above = tree_at(parent)
            entry = _get(above, name)
            seen[folder] = load(objects, entry[1], Tree) if entry and stat.S_ISDIR(entry[0]) else None
        return seen[folder]

    for path in sorted(set(paths)):
        folder, _, name = check_path(path).rpartition("/")
        entry = _get(tree_at(folder), name)
        if entry and not stat.S_ISDIR(entry[0]):
            yield entry_at(objects, path, *entry)


def _get(tree: Tree | None, name: str) -> _Entry | None:
    if tree is None or name.encode() not in tree:
        return None
    return tree[name.encode()]


def _grouped(changes: Changes) -> tuple[dict[str, FileEntry | None], dict[str, dict[str, FileEntry | None]]]:
    here: dict[str, FileEntry | None] = {}
    below: dict[str, dict[str, FileEntry | None]] = {}
    for path, entry in changes.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = entry
        else:
            here[name] = entry
    return here, below


def rewrite(objects: DiskObjectStore, old: ObjectID | None, changes: Changes, made: list[ShaFile]) -> Tree:
    """
    Return the tree ``old`` with ``changes`` (path: entry, or ``None`` to delete) applied, not yet stored.

    Loads only the trees on the way to a changed path. Sub-trees that came out new are appended to ``made``;
    empty folders vanish. What a change does not name stays, or it is refused (``InvalidRequestError``).
    """
    tree = load(objects, old, Tree) if old else Tree()
    here, below = _grouped(changes)
    for name, entry in here.items():
        found = _get(tree, name)
        if entry is None and found and not stat.S_ISDIR(found[0]):
            del tree[name.encode()]
    for name, inner in below.items():
        _rewrite_folder(objects, tree, name, inner, made)
    for name, entry in here.items():
        if entry is not None:
            found = _get(tree, name)
            if found and stat.S_ISDIR(found[0]):
                raise in_the_way(entry.path)
            tree.add(name.encode(), entry.mode, ObjectID(entry.blob.encode()))
    return tree


def _rewrite_folder(
    objects: DiskObjectStore, tree: Tree, name: str, changes: Changes, made: list[ShaFile]
) -> None:
    found = _get(tree, name)
    if found and not stat.S_ISDIR(found[0]):
        for entry in changes.values():
            if entry is not None:
                raise in_the_way(entry.path)
        return
    folder = rewrite(objects, found[1] if found else None, changes, made)
    if len(folder):
        made.append(folder)
        tree.add(name.encode(), stat.S_IFDIR, folder.id)
    elif found:
        del tree[name.encode()]
