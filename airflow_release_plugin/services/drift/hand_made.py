"""What somebody changed by hand, as one tree: that of the branch, under what this machine serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_release_plugin.analysis.source_files import FolderFiles, TreeFiles
from airflow_release_plugin.domain.tree.files import FileEntry, TreeChange
from airflow_release_plugin.exceptions import ConflictError, TooLargeError, UnitError
from airflow_release_plugin.services.drift import served_trees
from airflow_release_plugin.services.promotion.environments import EnvironmentDetail
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.tree_check import TreeChecker, Wrong


@dataclass(frozen=True)
class HandMade:
    """
    The tree with the changes, and what they are against the last promotion.

    :param base: commit of the last promotion
    :param found: commit that the branch is at; another one than ``base`` if the branch was moved
    :param local: what only this machine has: bytes by path, for the store
    :param problems: sentences that say why a change cannot be taken as it is
    """

    base: str
    found: str
    files: TreeFiles
    changes: tuple[TreeChange, ...]
    local: Mapping[str, tuple[int, bytes]]
    problems: tuple[str, ...]


@dataclass
class _Disk:
    """What differs on this machine from the commit that it serves."""

    entries: dict[str, FileEntry] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def look(ctx: Context, view: EnvironmentDetail) -> HandMade:
    """
    Read what was changed. Nothing is written, and nothing of it is run.

    :raises ConflictError: nothing was changed, nothing was released yet, or this machine is behind the branch
    :raises TooLargeError: more served files differ than a unit may have
    """
    if view.recorded_commit is None or view.commit is None:
        raise ConflictError(
            "Nothing was released to %(environment)r yet, or its branch is gone: there is nothing that "
            "a change by hand could be compared with.",
            environment=view.name,
        )
    base, entries = ctx.store.files(view.recorded_commit), ctx.store.files(view.commit)
    disk = _served(ctx, view.name, view.commit)
    entries = {**{path: e for path, e in entries.items() if path not in disk.gone}, **disk.entries}
    changes = tuple(
        TreeChange(path, entries.get(path))
        for path in sorted(base.keys() | entries.keys())
        if base.get(path) != entries.get(path)
    )
    if not changes and not disk.problems:
        raise ConflictError(
            "Nothing in %(environment)r was changed by hand, as far as %(host)s can see. Each machine "
            "keeps its own copy: adopt a change on the machine that has it.",
            environment=view.name,
            host=served_trees.host(),
        )
    by_blob = {entry.blob: disk.data[path] for path, entry in disk.entries.items()}
    return HandMade(
        base=view.recorded_commit,
        found=view.commit,
        files=TreeFiles(entries, lambda blob: by_blob[blob] if blob in by_blob else ctx.store.read(blob)),
        changes=changes,
        local={path: (entry.mode, disk.data[path]) for path, entry in disk.entries.items()},
        problems=tuple(disk.problems),
    )


def _served(ctx: Context, environment: str, head: str) -> _Disk:
    """The differences in the tree that the dag processor of this machine follows; none if it follows none."""
    found = _Disk()
    folders = ctx.airflow.bundles.serving_folders(environment)
    served = served_trees.served_commit(folders) if folders else None
    if folders is None or served is None:
        return found
    tree = folders.tracking / served
    faults = TreeChecker().faults(tree, ctx.store.files(served))
    if faults and served != head:
        raise ConflictError(
            "This machine serves %(served)s, and not as it was released, while the branch is at "
            "%(head)s. Wait until its dag processor has followed, or repair it.",
            served=served[:12],
            head=head[:12],
        )
    if len(faults) > ctx.settings.max_unit_files:
        raise TooLargeError(
            "%(number)s served files differ; %(most)s can be adopted ([release] "
            "max_unit_files). Repair, and make the change in the source.",
            number=len(faults),
            most=ctx.settings.max_unit_files,
        )
    disk = FolderFiles(tree, max_file_bytes=ctx.settings.max_file_bytes)
    for fault in faults:
        if fault.wrong is Wrong.MISSING:
            found.gone.add(fault.path)
            continue
        try:
            found.entries[fault.path] = disk.entry(fault.path)
            found.data[fault.path] = disk.read(fault.path)
        except UnitError as error:
            found.problems.append(error.message)
    return found
