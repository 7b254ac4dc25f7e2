"""
The files of a bundle as they were signed, kept in the store beside what became of them here.

Each import has a commit of its own on top of that of the bundle it builds on, so that an incremental bundle
finds what it does not carry, and reviewers can see what was rewritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath

from airflow_release_plugin.domain.bundle.manifest import Manifest
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import BundleManifestError, ConflictError
from airflow_release_plugin.repositories import applied_imports
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import CommitMessage, import_ref
from airflow_release_plugin.store.batches import write_in_batches
from airflow_release_plugin.transfer.reader import Bundle


def base_commit(ctx: Context, manifest: Manifest) -> str | None:
    """
    Commit with the files of the bundle that this one builds on; ``None`` for a bundle that is whole.

    :raises ConflictError: that bundle was never applied here
    """
    if manifest.base is None:
        return None
    row = applied_imports.by_bundle(ctx.session, manifest.base.bundle_id)
    if row is None or (row.source_uid, row.manifest["commit"]) != (
        manifest.installation_id,
        manifest.base.commit,
    ):
        raise ConflictError(
            "The bundle holds what changed since bundle %(base)r, which was never applied "
            "here. Import that one first, or have everything exported.",
            base=manifest.base.bundle_id,
        )
    return row.commit_id


def reader(ctx: Context, bundle: Bundle, base: str | None) -> Callable[[str], bytes]:
    """
    What gives the bytes of a file by its path there: of the bundle, or else of what it builds on.

    :param base: what :func:`base_commit` returned
    """
    files = {file.path: file for file in bundle.manifest.files}
    kept = ctx.store.entries(base, (file.path for file in files.values() if not file.included))

    def read(path: str) -> bytes:
        file = files[path]
        if file.included:
            return bundle.read(path)
        entry = kept.get(path)
        data = ctx.store.read(entry.blob) if entry else b""
        if entry is None or (entry.mode, hashlib.sha256(data).hexdigest()) != (file.mode, file.sha256):
            raise BundleManifestError(
                "The bundle does not carry %(path)r, and what the bundle before it brought is not "
                "that file. Have everything exported.",
                path=path,
            )
        return data

    return read


def keep(ctx: Context, bundle: Bundle, base: str | None) -> str:
    """
    Write the files of a bundle to the store, and return the commit that has them; doing it twice is the same.

    :param base: what :func:`base_commit` returned
    """
    manifest = bundle.manifest
    files = ((file.path, file.mode, bundle.read(file.path)) for file in manifest.included)
    entries = write_in_batches(ctx.store, files)
    new = {entry.path for entry in entries}
    changes = [TreeChange(entry.path, entry) for entry in entries]
    changes += [TreeChange(path, None) for path in _in_the_way(ctx.store.files(base), new)]
    return ctx.store.commit(
        parent=base,
        changes=changes,
        message=CommitMessage(
            title=f"Bundle {manifest.bundle_id}",
            trailers=(("Installation", manifest.installation_id), ("Signed-by", bundle.key.name)),
        ),
        author=bundle.key.name,
        time=manifest.created,
    )


def name(ctx: Context, manifest: Manifest, commit: str) -> None:
    """Let the ref of the bundle point at the commit; one that a crash left is taken over."""
    ref = import_ref(manifest.bundle_id)
    ctx.store.move_ref(ref, expected=ctx.store.ref(ref), new=commit)


def _in_the_way(before: Mapping[str, FileEntry], new: Collection[str]) -> list[str]:
    """Files of the base where a new file needs a folder, or that lie in a folder that is a file now."""
    folders = {parent for path in new for parent in _folders(path)}
    return [path for path in before if path in folders or not _folders(path).isdisjoint(new)]


def _folders(path: str) -> frozenset[str]:
    return frozenset(str(parent) for parent in PurePosixPath(path).parents)
