"""Where the store keeps the source as it was when a version was submitted, or the bundle that brought it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from airflow_release_plugin.exceptions import NotFoundError, StoreConflictError
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import CommitMessage, snapshot_ref
from airflow_release_plugin.store.objects import GitObject


def keep_tree(ctx: Context, name: str, tree: str, new: Sequence[GitObject]) -> None:
    """
    Keep a tree with a commit and a ref of its own; nothing happens where it is kept already.

    :param name: of what it is a snapshot
    :param new: objects that the store lacks
    """
    ref = snapshot_ref(tree)
    there = ctx.store.ref(ref)
    if there is not None:
        # Touched, so that whoever clears out refs that keep nothing leaves it
        with contextlib.suppress(StoreConflictError):
            ctx.store.move_ref(ref, expected=there, new=there)
            return
    message = CommitMessage(f"Snapshot of {name}")
    commit = ctx.store.commit_tree(tree, new, message=message, author=name, time=ctx.clock())
    # Another request may have kept the same files meanwhile: then its commit of them is as good.
    with contextlib.suppress(StoreConflictError):
        ctx.store.move_ref(ref, expected=None, new=commit)


def snapshot_commit(ctx: Context, tree_id: str) -> str:
    """The commit that holds a snapshot. Raises ``NotFoundError`` for one that was removed from the store."""
    commit = ctx.store.ref(snapshot_ref(tree_id))
    if commit is None:
        raise NotFoundError(
            "The snapshot %(tree_id)s of the source is not in the store any more; submit the version again.",
            tree_id=tree_id,
        )
    return commit
