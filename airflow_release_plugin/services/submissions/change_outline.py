"""What a version would change, in short: tasks, schedules, files and lines, as texts tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_release_plugin.analysis.written_structure import WrittenStructure, read_structure
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.source_units import Content
from airflow_release_plugin.services.submissions.workspace import SourceWorkspace
from airflow_release_plugin.services.versions.changed_lines import NONE, blobs_of, count_lines
from airflow_release_plugin.services.versions.file_diffs import FilePair


@dataclass(frozen=True)
class OutlinedFile:
    """One changed file; without lines if it is binary or huge."""

    path: str
    change: ChangeKind
    added: int
    removed: int


@dataclass(frozen=True)
class ScheduleChange:
    """The schedule of a DAG as its file writes it; empty for none."""

    dag_id: str
    old: str
    new: str


@dataclass(frozen=True)
class ChangeOutline:
    """
    What changed since the target, or since the version that waits if the target has none.

    :param renamed_from: where the target has the file
    :param tasks_added: that the text names now and did not before; ``tasks_removed`` the other way round.
        None of a file that is new, as all of it is
    :param files: by path
    """

    change: ChangeKind
    renamed_from: str
    tasks_added: tuple[str, ...]
    tasks_removed: tuple[str, ...]
    schedules: tuple[ScheduleChange, ...]
    files: tuple[OutlinedFile, ...]


@dataclass(frozen=True)
class OutlinedUnit:
    """
    A unit of which an outline is wanted.

    :param pairs: its files that differ from what it is compared with
    :param before: the DAG file there
    """

    content: Content
    renamed_from: str
    pairs: tuple[FilePair, ...]
    before: FileEntry | None


def compared_with(pairs: list[FilePair], waiting: Submission | None, *, is_live: bool) -> list[FilePair]:
    """
    The same files against the version that waits, for a unit that the target does not have.

    :param pairs: against the target
    """
    if is_live or waiting is None:
        return pairs
    old = {entry.path: entry for entry in waiting.entries}
    again = [FilePair(pair.path, old.pop(pair.path, pair.old), pair.new) for pair in pairs]
    return [pair for pair in again if pair.old != pair.new]


def as_moved(pairs: list[FilePair], old: str, new: str) -> list[FilePair]:
    """The same where what goes at ``old`` and comes at ``new`` is one file; left out if it is equal."""
    sides = {pair.path: pair for pair in pairs}
    gone, come = sides.pop(old, None), sides.get(new)
    if gone is None or come is None or gone.old is None or come.new is None:
        return pairs
    if gone.old.blob == come.new.blob:
        del sides[new]
    else:
        sides[new] = FilePair(new, gone.old, come.new)
    return list(sides.values())


def outlines(
    ctx: Context, workspace: SourceWorkspace, units: Mapping[str, OutlinedUnit]
) -> dict[str, ChangeOutline]:
    """Outlines by path of the unit; what is stored of all of them is read together."""
    files = workspace.source.files if ctx.settings.has_source else None
    pairs = [pair for unit in units.values() for pair in unit.pairs]
    lines = count_lines(ctx, pairs, read_new=files.read_as if files else None)
    before = {unit.before.blob for unit in units.values() if unit.before}
    texts = dict(ctx.store.read_all(before))
    found = {}
    for path, unit in units.items():
        old = read_structure(texts[unit.before.blob]) if unit.before else None
        found[path] = _outline(unit, old, _structure_now(workspace, unit), lines)
    return found


def _structure_now(workspace: SourceWorkspace, unit: OutlinedUnit) -> WrittenStructure | None:
    if unit.content.closure is None or unit.before is None:
        return None
    try:
        return read_structure(workspace.source.files.read(unit.content.path))
    except UnitError:
        return None


def _outline(
    unit: OutlinedUnit,
    old: WrittenStructure | None,
    new: WrittenStructure | None,
    lines: Mapping[tuple[str, str], tuple[int, int]],
) -> ChangeOutline:
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    schedules: tuple[ScheduleChange, ...] = ()
    if old is not None and new is not None:
        added, removed = tuple(sorted(new.tasks - old.tasks)), tuple(sorted(old.tasks - new.tasks))
        schedules = tuple(
            ScheduleChange(dag_id, old.schedules[dag_id], schedule)
            for dag_id, schedule in sorted(new.schedules.items())
            if old.schedules.get(dag_id, schedule) != schedule
        )
    files = tuple(
        OutlinedFile(pair.path, pair.change, *lines.get(blobs_of(pair), NONE)) for pair in unit.pairs
    )
    return ChangeOutline(unit.content.change, unit.renamed_from, added, removed, schedules, files)
