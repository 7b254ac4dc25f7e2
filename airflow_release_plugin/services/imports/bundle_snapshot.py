"""
The files of a bundle as they lie here, kept as the snapshot that the check runs its versions in.

The folder where they were written is far away, and was proven there. What can differ is what is around them:
in the bundle's own tree there is nothing else, in the target there is. Names that were changed on the way
are changed in both.
"""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.models import Submission
from airflow_release_plugin.repositories import snapshots
from airflow_release_plugin.services.imports.planning import ImportPlan
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.snapshot_commit import keep_tree
from airflow_release_plugin.store.objects import ObjectKind
from airflow_release_plugin.store.tree_memo import TreeMemo


def keep(ctx: Context, import_plan: ImportPlan, brought: Sequence[Submission]) -> None:
    """
    Store the tree of all files of a bundle, and note it with the versions that it brought.

    Their blobs are in the store already, those of its base among them.
    """
    versions = [version for version in brought if not version.is_removal]
    if not versions:
        return
    manifest = import_plan.bundle.manifest
    name = f"bundle {manifest.bundle_id}"
    files = {entry.path: entry for entry in import_plan.prepared.entries.values()}
    whole = TreeMemo().whole(files)
    there = ctx.store.objects.count_on(whole.trees, ObjectKind.TREE)
    keep_tree(ctx, name, whole.root, [tree for tree in whole.trees.values() if tree.id not in there])
    digest = files_digest(files.values())
    snapshots.create(
        ctx.session,
        {
            "source": name,
            "digest": digest,
            "tree_id": whole.root,
            "file_count": len(files),
            "size": sum(entry.size for entry in files.values()),
            "left_out": [],
            "left_out_count": 0,
            "taken_at": ctx.clock(),
        },
    )
    row = snapshots.by_digest(ctx.session, name, digest)
    if row is None:
        raise RuntimeError("a snapshot that was just made is not there")
    snapshots.give(ctx.session, row, versions)
