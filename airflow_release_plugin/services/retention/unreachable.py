"""
Content that nothing needs: snapshots that went, and what requests left that came to nothing.

What is needed is found first, from all that names anything, and only what is old beside it goes. Reading
takes many short transactions; whoever begins to need something meanwhile marks it as written anew.
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from airflow_release_plugin.exceptions import StoreUnavailableError
from airflow_release_plugin.repositories import objects, reachable
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.objects import ObjectKind
from airflow_release_plugin.store.trees import parse

_AT_ONCE = 500


class Needed:
    """
    Ids of all objects that anything reaches; about 100 bytes of memory each.

    :param work: opens a transaction
    :param loose_before: refs that keep nothing since then reach nothing
    :raises StoreUnavailableError: something that is needed is not there: who knows what that reaches
    """

    def __init__(self, work: Work, loose_before: datetime) -> None:
        self._work = work
        self._found: set[bytes] = set()
        with work() as (ctx, _):
            refs = set(reachable.ref_commits(ctx.session, loose_before))
            named = set(reachable.named_commits(ctx.session)) - refs
            trees = set(reachable.named_trees(ctx.session))
            self._add(reachable.named_blobs(ctx.session))
        trees |= self._walk_commits(refs, must_exist=True) | self._walk_commits(named, must_exist=False)
        self._walk_trees(trees)

    def __contains__(self, object_id: str) -> bool:
        return bytes.fromhex(object_id) in self._found

    def _add(self, ids: Iterable[str]) -> None:
        self._found.update(map(bytes.fromhex, ids))

    def _walk_commits(self, commits: set[str], *, must_exist: bool) -> set[str]:
        """Note commits and their ancestors; return their trees."""
        trees: set[str] = set()
        level = {commit for commit in commits if commit not in self}
        while level:
            below: set[str] = set()
            for data in self._load(level, ObjectKind.COMMIT, must_exist=must_exist):
                facts = decode_commit(data)
                trees.add(facts.tree)
                below.update(facts.parents)
            self._add(level)
            level, must_exist = {commit for commit in below if commit not in self}, True
        return trees

    def _walk_trees(self, level: set[str]) -> None:
        while level:
            below: set[str] = set()
            for data in self._load(level, ObjectKind.TREE, must_exist=True):
                for mode, object_id in parse(data).values():
                    if stat.S_ISDIR(mode):
                        below.add(object_id)
                    else:
                        self._found.add(bytes.fromhex(object_id))
            self._add(level)
            level = {tree for tree in below if tree not in self}

    def _load(self, ids: Iterable[str], kind: ObjectKind, *, must_exist: bool) -> Iterator[bytes]:
        for batch in _pieces(ids):
            with self._work() as (ctx, _):
                rows = dict(objects.load(ctx.session, batch, kind.value))
            if must_exist and (missing := next((name for name in batch if name not in rows), None)):
                raise StoreUnavailableError(
                    "The store lacks %(kind)s %(object_id)s, which something needs, so nobody knows what "
                    "else is needed: no content was removed. Restore it from a backup or a mirror.",
                    kind=kind.value,
                    object_id=missing,
                )
            yield from map(zlib.decompress, rows.values())


def unneeded(work: Work, needed: Needed, before: datetime) -> Iterator[list[str]]:
    """Ids of objects written before a moment that nothing needs, some at a time."""
    after = ""
    while True:
        with work() as (ctx, _):
            ids = reachable.old_objects(ctx.session, after, before)
        if not ids:
            return
        yield from _pieces(object_id for object_id in ids if object_id not in needed)
        after = ids[-1]


def _pieces(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while piece := list(islice(rest, _AT_ONCE)):
        yield piece
