"""Where the store keeps the source as it was when a version was submitted."""

from __future__ import annotations

from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import snapshot_ref


def snapshot_commit(ctx: Context, tree_id: str) -> str:
    """The commit that holds a snapshot. Raises ``NotFoundError`` for one that was removed from the store."""
    commit = ctx.store.ref(snapshot_ref(tree_id))
    if commit is None:
        raise NotFoundError(
            f"The snapshot {tree_id} of the source is not in the store any more; submit the version again."
        )
    return commit
