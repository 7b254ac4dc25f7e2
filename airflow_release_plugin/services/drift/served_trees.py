"""The trees that this machine serves, against the commits that they stand for; putting them back."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_release_plugin.domain.bundle_folders import ServingFolders
from airflow_release_plugin.domain.release.drift import Finding, FindingKind
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.serving import ServedTrees
from airflow_release_plugin.store.tree_check import TreeChecker, TreeFault, Wrong

_COMMIT = re.compile(r"[0-9a-f]{40}")
_KINDS = {
    Wrong.EDITED: FindingKind.EDITED,
    Wrong.MISSING: FindingKind.GONE,
    Wrong.EXTRA: FindingKind.EXTRA,
}


@dataclass(frozen=True)
class Tree:
    """
    A served tree.

    :param is_known: its commit is in the store; of another one nobody can tell what it should hold
    """

    folder: Path
    commit: str
    files: dict[str, FileEntry]
    is_known: bool
    faults: tuple[TreeFault, ...]


@dataclass(frozen=True)
class Machine:
    """What one machine serves; ``served`` is the commit that its dag processor follows, if it has one."""

    host: str
    folder: str
    served: str | None
    trees: tuple[Tree, ...]

    @property
    def wrong(self) -> tuple[Tree, ...]:
        """Trees that are not what they should be."""
        return tuple(tree for tree in self.trees if tree.faults or not tree.is_known)


def host() -> str:
    """Name of this machine."""
    return socket.gethostname()


def served_commit(folders: ServingFolders) -> str | None:
    """The commit that the dag processor of this machine follows."""
    try:
        return folders.current.readlink().name
    except OSError:
        return None


def look(ctx: Context, environment: str) -> Machine | None:
    """Read every byte that this machine serves; ``None`` when no bundle here serves the environment."""
    folders = ctx.airflow.bundles.serving_folders(environment)
    if folders is None:
        return None
    checker = TreeChecker()
    trees = tuple(_tree(ctx, checker, folder) for folder in _folders(folders))
    return Machine(host(), str(folders.base), served_commit(folders), trees)


def _folders(folders: ServingFolders) -> list[Path]:
    return sorted(
        folder
        for parent in (folders.tracking, folders.pinned)
        if parent.is_dir()
        for folder in parent.iterdir()
        if folder.is_dir() and _COMMIT.fullmatch(folder.name)
    )


def _tree(ctx: Context, checker: TreeChecker, folder: Path) -> Tree:
    try:
        files = ctx.store.files(folder.name)
    except NotFoundError:
        return Tree(folder, folder.name, {}, is_known=False, faults=())
    return Tree(folder, folder.name, files, is_known=True, faults=checker.faults(folder, files))


def findings(machine: Machine, head: str | None, *, is_settled: bool) -> Iterator[Finding]:
    """
    What is wrong on a machine.

    :param is_settled: the branch was moved long enough ago for every dag processor to have followed
    """
    for tree in machine.trees:
        place = f"{machine.host}:{tree.folder}"
        if not tree.is_known:
            yield Finding(
                FindingKind.UNAPPROVED,
                place,
                Message("The store has no commit %(commit)s", commit=tree.commit),
            )
        for fault in tree.faults:
            yield Finding(_KINDS[fault.wrong], place, _sentence(fault), fault.path)
    if machine.served is not None and head is not None and machine.served != head and is_settled:
        yield Finding(
            FindingKind.NOT_SERVED,
            f"{machine.host}:{machine.folder}",
            Message(
                "Serves %(served)s; the branch is at %(head)s. Is the dag processor running?",
                served=machine.served[:12],
                head=head[:12],
            ),
        )


def _sentence(fault: TreeFault) -> str:
    if fault.wrong is Wrong.EDITED:
        return Message("%(path)s is not as it was released", path=fault.path)
    if fault.wrong is Wrong.MISSING:
        return Message("%(path)s was released and is gone", path=fault.path)
    return Message("%(path)s was never released", path=fault.path)


def repair(ctx: Context, environment: str, head: str | None) -> list[str]:
    """
    Build what is wrong anew, from the store, and follow the branch; return the paths that were wrong.

    What the trees share is looked through first: an edit through a hard link changes the shared copy, too.
    """
    folders = ctx.airflow.bundles.serving_folders(environment)
    machine = look(ctx, environment)
    if folders is None or machine is None or not (machine.wrong or machine.served not in {None, head}):
        return []
    served = ServedTrees(folders.base)
    with served.locked():
        served.drop_damaged()
        for tree in machine.wrong:
            if tree.is_known:
                served.place(tree.folder, tree.files, ctx.store.read_all, previous=None)
        target = folders.tracking / str(head)
        if head is not None and machine.served not in {None, head}:
            if not target.is_dir():
                served.place(target, ctx.store.files(head), ctx.store.read_all, previous=None)
            served.switch(folders.current, target)
    return sorted({fault.path for tree in machine.trees for fault in tree.faults})
