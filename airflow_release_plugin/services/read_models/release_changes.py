"""What a release changes, against what people choose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.models import Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import viewed_files
from airflow_release_plugin.services.imports import evidence as import_evidence
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import (
    PLAIN,
    ChangedFile,
    DiffOptions,
    FilePair,
    changed_pairs,
    diff_pairs,
    differing,
)

FILES_AT_ONCE = 100
"""Files whose lines a page brings; the others are on its further pages."""


class Against(str, Enum):
    """What the changes of a release are shown against."""

    BASE = ""
    """The target that it was checked on."""
    MY_APPROVAL = "since-my-approval"
    """Its units as the actor last approved them, where they did."""
    SIGNED = "since-signed"
    """Imported files as they were signed where they come from: what the names of this side changed."""


@dataclass(frozen=True)
class FileToReview:
    """
    A changed file, as a reviewer goes through them.

    :param number: its place among all that changed, from 1
    :param content: what :attr:`.FilePair.content` says
    :param is_viewed: whether the reader has ticked exactly this change off
    """

    number: int
    path: str
    change: ChangeKind
    content: str
    is_viewed: bool


@dataclass(frozen=True)
class ReleaseChanges:
    """
    What a release changes, as a reviewer reads it.

    :param files: all of them, by path; their lines are not read
    :param shown: those of one page with their lines
    :param offset: files before the page
    """

    files: tuple[FileToReview, ...]
    shown: list[ChangedFile]
    against: Against
    offset: int

    @property
    def by_path(self) -> dict[str, FileToReview]:
        """The files by their paths."""
        return {file.path: file for file in self.files}

    @property
    def viewed(self) -> int:
        """How many the reader has ticked off."""
        return sum(file.is_viewed for file in self.files)

    @property
    def may_tick(self) -> bool:
        """Whether files can be ticked off: those of the change that is approved."""
        return self.against is Against.BASE


def get_changes(
    ctx: Context,
    *,
    actor: Actor,
    release_id: int,
    against: Against = Against.BASE,
    options: DiffOptions = PLAIN,
) -> list[ChangedFile]:
    """
    What the release changes, file by file.

    :raises NotAllowedError: the actor may not read the code of all its DAGs
    """
    release = releases.get(ctx, actor=actor, release_id=release_id)
    access.require_code(ctx, actor, release.dag_ids)
    return changes_of(ctx, release, against, options, actor=actor)


def changes_of(
    ctx: Context, release: Release, against: Against, options: DiffOptions, *, actor: Actor
) -> list[ChangedFile]:
    """The same of a release whose code the actor may read."""
    return diff_pairs(ctx, _pairs(ctx, release, against, actor=actor), options)


def review_of(
    ctx: Context,
    release: Release,
    against: Against,
    options: DiffOptions,
    *,
    actor: Actor,
    offset: int = 0,
) -> ReleaseChanges:
    """
    What a reviewer reads of a release whose code they may read; a fixed number of queries.

    :param offset: files that come before those whose lines are wanted
    """
    pairs = _pairs(ctx, release, against, actor=actor)
    wanted = pairs if options.only else pairs[offset : offset + FILES_AT_ONCE]
    is_marked = against is Against.BASE
    seen = viewed_files.of_reader(ctx.session, actor.id, release.id) if is_marked else frozenset()
    return ReleaseChanges(
        files=tuple(
            FileToReview(number, pair.path, pair.change, pair.content, pair.content in seen)
            for number, pair in enumerate(pairs, 1)
        ),
        shown=diff_pairs(ctx, wanted, options),
        against=against,
        offset=offset,
    )


def _pairs(ctx: Context, release: Release, against: Against, *, actor: Actor) -> list[FilePair]:
    if against is Against.BASE:
        return changed_pairs(ctx, release.base_commit, release.changes)
    if against is Against.SIGNED:
        return differing(*import_evidence.replaced_names(ctx, release))
    seen = approval_queries.last_approved(ctx.session, actor.id, before_release=release.id)
    old: dict[str, FileEntry] = {}
    new: dict[str, FileEntry] = {}
    for item in release.items:
        last = seen.get(item.submission.unit_id)
        if last is not None:
            old.update({entry.path: entry for entry in last.entries})
            new.update({entry.path: entry for entry in item.submission.entries})
    return differing(old, new)
