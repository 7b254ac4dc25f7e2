"""
Git trees: read down to files, compared, and rewritten where a change touches them.

All of it goes level by level, so that each depth of a tree costs one reading, however many files lie there.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry
from airflow_release_plugin.store.changes import in_the_way
from airflow_release_plugin.store.objects import GitObject, ObjectKind, Objects, load_all, not_found
from airflow_release_plugin.store.paths import check_mode, check_path

Item = tuple[int, str]
"""Mode and object id of one name in a tree."""

Tree = Mapping[str, Item]
Changes = Mapping[str, "FileEntry | None"]

_OLD_GROUP_WRITABLE = 0o100664
_UTF8 = ("utf-8", "surrogateescape")


def parse(data: bytes) -> dict[str, Item]:
    """Names of a tree object with what they stand for."""
    items: dict[str, Item] = {}
    position, end = 0, len(data)
    while position < end:
        space = data.index(b" ", position)
        zero = data.index(b"\x00", space)
        name = data[space + 1 : zero].decode(*_UTF8)
        items[name] = (int(data[position:space], 8), data[zero + 1 : zero + 21].hex())
        position = zero + 21
    return items


def encode(items: Tree) -> GitObject:
    """The tree object of some names."""

    def position(item: tuple[bytes, Item]) -> bytes:
        # git sorts a folder as if its name ended in a slash
        name, (mode, _) = item
        return name + b"/" if stat.S_ISDIR(mode) else name

    named = sorted(((name.encode(*_UTF8), item) for name, item in items.items()), key=position)
    parts = [b"%o %s\x00" % (mode, name) + bytes.fromhex(object_id) for name, (mode, object_id) in named]
    return GitObject(ObjectKind.TREE, b"".join(parts))


def _load(objects: Objects, ids: Iterable[str]) -> dict[str, Tree]:
    found = load_all(objects, set(ids), ObjectKind.TREE)
    return {object_id: parse(tree.data) for object_id, tree in found.items()}


def with_sizes(objects: Objects, files: Mapping[str, Item]) -> dict[str, FileEntry]:
    """Entries of ``{path: (mode, blob)}`` in path order; ``InvalidRequestError`` for what is no file."""
    sizes = objects.sizes({blob for _, blob in files.values()})
    entries = {}
    for path, (mode, blob) in sorted(files.items()):
        plain = REGULAR if mode == _OLD_GROUP_WRITABLE else mode
        check_mode(path, plain)
        if blob not in sizes:
            raise not_found(ObjectKind.BLOB, blob, needed_by=path)
        entries[path] = FileEntry(path, plain, blob, sizes[blob])
    return entries


def walk(objects: Objects, tree_id: str) -> dict[str, Item]:
    """All files below a tree. Checks each path: a commit that another program made may hold anything."""
    found: dict[str, Item] = {}
    level = {"": tree_id}
    while level:
        trees = _load(objects, level.values())
        below: dict[str, str] = {}
        for prefix, object_id in level.items():
            for name, item in trees[object_id].items():
                path = check_path(prefix + name)
                if stat.S_ISDIR(item[0]):
                    below[f"{path}/"] = item[1]
                else:
                    found[path] = item
        level = below
    return found


def _on_the_way(objects: Objects, tree_id: str | None, paths: Iterable[str]) -> dict[str, Tree]:
    """Those folders above ``paths`` that exist, by their path (``""`` is the root)."""
    wanted = {folder for path in paths for folder in _folders(path)}
    found: dict[str, Tree] = {}
    level = {"": tree_id} if tree_id else {}
    while level:
        trees = _load(objects, level.values())
        below: dict[str, str] = {}
        for folder, object_id in level.items():
            found[folder] = trees[object_id]
        for folder in wanted:
            parent, _, name = folder.rpartition("/")
            if folder and parent in level and (item := found[parent].get(name)) and stat.S_ISDIR(item[0]):
                below[folder] = item[1]
        level = below
    return found


def _folders(path: str) -> Iterable[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def around(objects: Objects, tree_id: str, paths: Iterable[str]) -> set[str]:
    """
    Files in the folders above ``paths``; another folder in there is named with a slash at its end.

    Costs by the paths, not by the tree.
    """
    near = _on_the_way(objects, tree_id, paths)
    found: set[str] = set()
    for folder, items in near.items():
        for name, (mode, _) in items.items():
            path = f"{folder}/{name}" if folder else name
            if path not in near:
                found.add(f"{path}/" if stat.S_ISDIR(mode) else path)
    return found


def find(objects: Objects, tree_id: str, paths: Iterable[str]) -> dict[str, Item]:
    """Those of ``paths`` that are files below the tree; costs by the paths, not by the tree."""
    wanted = set(paths)
    folders = _on_the_way(objects, tree_id, wanted)
    found = {}
    for path in wanted:
        folder, _, name = path.rpartition("/")
        item = folders.get(folder, {}).get(name)
        if item and not stat.S_ISDIR(item[0]):
            found[path] = item
    return found


def compare(objects: Objects, old: str | None, new: str | None) -> dict[str, Item | None]:
    """Files that differ between two trees: what ``new`` has at each path, ``None`` if nothing."""
    found: dict[str, Item | None] = {}
    level = {"": (old, new)}
    while level:
        trees = _load(objects, {object_id for pair in level.values() for object_id in pair if object_id})
        below: dict[str, tuple[str | None, str | None]] = {}
        for prefix, pair in level.items():
            before, after = (trees[object_id] if object_id else {} for object_id in pair)
            for name in before.keys() | after.keys():
                was, now = before.get(name), after.get(name)
                if was != now:
                    _compare_one(check_path(prefix + name), was, now, found, below)
        level = below
    return found


def _compare_one(
    path: str,
    was: Item | None,
    now: Item | None,
    found: dict[str, Item | None],
    below: dict[str, tuple[str | None, str | None]],
) -> None:
    old_folder, new_folder = (item[1] if item and stat.S_ISDIR(item[0]) else None for item in (was, now))
    if old_folder or new_folder:
        below[f"{path}/"] = (old_folder, new_folder)
    if now and not new_folder:
        found[path] = now
    elif was and not old_folder:
        found[path] = None


def rewrite(objects: Objects, old: str | None, changes: Changes) -> list[GitObject]:
    """
    The trees that ``changes`` (path: entry, or ``None`` to delete) make out of ``old``, the root last.

    Reads only the trees on the way to a changed path. Empty folders vanish. What a change does not name
    stays, or it is refused (``InvalidRequestError``).
    """
    folders = _on_the_way(objects, old, changes)
    made: list[GitObject] = []
    made.append(encode(_rewritten("", folders, changes, made)))
    return made


def _rewritten(
    folder: str, folders: Mapping[str, Tree], changes: Changes, made: list[GitObject]
) -> dict[str, Item]:
    """Names of one folder after the changes, whose paths are relative to it."""
    items = dict(folders.get(folder, {}))
    here, below = _grouped(changes)
    for name, entry in here.items():
        if entry is None and name in items and not stat.S_ISDIR(items[name][0]):
            del items[name]
    for name, inner in below.items():
        _rewrite_folder(f"{folder}/{name}" if folder else name, items, folders, inner, made)
    for name, entry in here.items():
        if entry is not None:
            if name in items and stat.S_ISDIR(items[name][0]):
                raise in_the_way(entry.path)
            items[name] = (entry.mode, entry.blob)
    return items


def _rewrite_folder(
    folder: str,
    siblings: dict[str, Item],
    folders: Mapping[str, Tree],
    changes: Changes,
    made: list[GitObject],
) -> None:
    name = folder.rpartition("/")[2]
    found = siblings.get(name)
    if found and not stat.S_ISDIR(found[0]):
        for entry in changes.values():
            if entry is not None:
                raise in_the_way(entry.path)
        return
    items = _rewritten(folder, folders if found else {}, changes, made)
    if items:
        tree = encode(items)
        made.append(tree)
        siblings[name] = (stat.S_IFDIR, tree.id)
    elif found:
        del siblings[name]


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
