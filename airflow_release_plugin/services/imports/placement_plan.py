"""Which units of a bundle are here already, where each goes, and what stands in the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from airflow_release_plugin.domain.bundle.manifest import BundleRemoval, BundleUnit, Manifest
from airflow_release_plugin.domain.bundle.placement import (
    KnownPlacement,
    file_places,
    folder_problem,
    moved_path,
    new_path,
    upstream_first,
)
from airflow_release_plugin.domain.bundle.preflight import Finding, Item, Reason
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.states import SubmissionState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Import, Submission, Unit
from airflow_release_plugin.repositories import exports, imports, submissions
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class Placement:
    """
    A unit of a bundle and where it goes.

    :param unit: the same unit here; ``None`` for one that was never here
    :param live: what the target holds of it
    :param path: of the DAG file here
    :param files: path here of every file, by the path there
    """

    bundled: BundleUnit
    unit: Unit | None
    live: Submission | None
    path: str
    files: Mapping[str, str]

    @property
    def change(self) -> ChangeKind:
        """What it does to the target."""
        if self.live is None:
            return ChangeKind.NEW
        return ChangeKind.MODIFIED if self.live.path == self.path else ChangeKind.RENAMED

    @property
    def is_moved(self) -> bool:
        """Whether the DAG file is elsewhere here than there."""
        return self.path != self.bundled.path


@dataclass(frozen=True)
class Removal:
    """A unit that is gone there and still in the target here."""

    gone: BundleRemoval
    unit: Unit
    live: Submission


@dataclass(frozen=True)
class Placements:
    """
    Where everything goes.

    :param units: upstream first
    :param findings: what stands in the way, as far as paths and units are concerned
    """

    units: tuple[Placement, ...]
    removals: tuple[Removal, ...]
    findings: tuple[Finding, ...]

    @property
    def unit_ids(self) -> set[int]:
        """Ids of the units here that the bundle changes or takes away."""
        changed = {each.unit.id for each in self.units if each.unit}
        return changed | {each.unit.id for each in self.removals}

    @property
    def live(self) -> tuple[Submission, ...]:
        """What the target holds of them."""
        return (*(each.live for each in self.units if each.live), *(each.live for each in self.removals))

    def of_files(self) -> dict[str, str]:
        """Path here of every file, by the path there."""
        return {there: here for placement in self.units for there, here in placement.files.items()}


def place(ctx: Context, manifest: Manifest, *, folder: str = "", take_over: bool = False) -> Placements:
    """
    Find the place of every unit; a fixed number of queries, nothing is stored.

    :param folder: where DAG files go that were never here
    :param take_over: whether a unit that was made here may become the one of the bundle that has its DAGs
    """
    here = LocalState(ctx)
    units: list[Placement] = []
    findings: list[Finding] = []
    folder = folder.strip().strip("/")
    problem = folder_problem(folder)
    if problem:
        findings.append(
            (Reason.BAD_FOLDER, Item(folder, Message("It cannot be used: %(problem)s.", problem=problem)))
        )
        folder = ""
    for bundled in upstream_first(manifest.units):
        unit = here.units.get(bundled.unit_id)
        if unit is None and take_over:
            unit = here.made_here_with(bundled.dag_ids)
        path = here.path(bundled, unit, folder)
        units.append(
            Placement(
                bundled=bundled,
                unit=unit,
                live=here.live.get(unit.id) if unit else None,
                path=path,
                files=file_places(bundled, path),
            )
        )
    placements = Placements(tuple(units), tuple(here.removals(manifest.removed)), ())
    findings += [
        *_cannot_move(placements),
        *_paths_taken(here, placements),
        *_dag_ids_taken(here, placements),
        *_busy(ctx, placements),
    ]
    return replace(placements, findings=tuple(findings))


def place_import(ctx: Context, row: Import, manifest: Manifest) -> Placements:
    """The same, with the folder and the choice that the import was asked for with last."""
    return place(ctx, manifest, folder=row.folder, take_over=bool(row.options.get("take_over")))


class LocalState:
    """What there is here."""

    def __init__(self, ctx: Context) -> None:
        self._source = ctx.settings.source
        units = submissions.units(ctx.session, self._source)
        own = exports.installation(ctx.session)
        # Without an identity nothing of ours can have travelled.
        self.units = {unit.origin or f"{own.uid if own else ''}:{unit.id}": unit for unit in units}
        self.live = submissions.live_by_unit(ctx.session, self._source)
        waiting = {SubmissionState.PENDING, SubmissionState.IN_RELEASE}
        self._waiting = submissions.latest_by_unit(ctx.session, self._source, waiting, listed=True)
        self._places = imports.places(ctx.session)
        self._all = units
        self.at_path = {unit.path: unit for unit in units}

    def counts(self, unit: Unit) -> Submission | None:
        """The newest version that is in the target or on its way there."""
        return self._waiting.get(unit.id) or self.live.get(unit.id)

    def path(self, bundled: BundleUnit, unit: Unit | None, folder: str) -> str:
        """Where the DAG file of a unit goes."""
        if unit is None:
            return new_path(bundled.path, folder)
        now = self.live.get(unit.id)
        path = now.path if now else unit.path
        # What was never imported, and so is ours, was in the same place there before it was renamed.
        known = self._places.get(bundled.unit_id) or {path: bundled.previous_path or bundled.path}
        # A rename that was rolled back or never released is not what put it where it is now.
        there = known.get(path) or list(known.values())[-1]
        return moved_path(bundled.path, KnownPlacement(there, path))

    def made_here_with(self, dag_ids: Iterable[str]) -> Unit | None:
        """The unit that defines these DAGs here, if it is one alone, and was not imported itself."""
        ids = set(dag_ids)
        rows = [row for unit in self._all if (row := self.counts(unit)) is not None]
        rows_by_unit = {row.unit_id: row for row in rows if ids.intersection(row.dag_ids)}
        if len(rows_by_unit) != 1:
            return None
        (row,) = rows_by_unit.values()
        return row.unit if row.unit.origin is None else None

    def removals(self, gone: Iterable[BundleRemoval]) -> Iterator[Removal]:
        """Those units of the bundle's base that are still in the target."""
        for each in gone:
            unit = self.units.get(each.unit_id)
            if unit is not None and unit.id in self.live:
                yield Removal(each, unit, self.live[unit.id])

    def others(self, placements: Placements) -> dict[int, Submission]:
        """What stays of units that the bundle does not touch: in the target, or on its way there."""
        touched, rows = placements.unit_ids, {**self.live, **self._waiting}
        return {unit: row for unit, row in rows.items() if unit not in touched and not row.is_removal}


def _cannot_move(placements: Placements) -> Iterator[Finding]:
    """A DAG file that others import can only stay where its module name says."""
    moved = {place.bundled.path: place for place in placements.units if place.is_moved}
    for place in placements.units:
        for file in place.files:
            if file in moved and file != place.bundled.path:
                yield (
                    Reason.CANNOT_MOVE,
                    Item(
                        file,
                        Message(
                            "%(path)r imports it by its path from the root. Choose no folder, or the "
                            "root, for this bundle.",
                            path=place.bundled.path,
                        ),
                        moved[file].bundled.dag_ids,
                    ),
                )
        outside = sorted(here for here in place.files.values() if here.startswith("../") or here == "..")
        if outside:
            yield (
                Reason.BAD_FOLDER,
                Item(outside[0], Message("It would be outside of the root."), place.bundled.dag_ids),
            )


def _paths_taken(here: LocalState, placements: Placements) -> Iterator[Finding]:
    dag_files_by_path: dict[str, set[str]] = defaultdict(set)
    for place in placements.units:
        for there, path in place.files.items():
            dag_files_by_path[path].add(there)
    units = {row.path: row.unit for row in here.others(placements).values()}
    leaving = {place.unit.id for place in placements.units if place.unit and place.unit.path != place.path}
    for place in placements.units:
        other = units.get(place.path) or _namesake(here, place, leaving)
        both = sorted(dag_files_by_path[place.path])
        if other is not None:
            detail = Message("%(other)r has its DAG file there.", other=other.name)
        elif len(both) > 1:
            detail = Message(
                "%(first)r and %(second)r of the bundle would both go there.", first=both[0], second=both[1]
            )
        else:
            continue
        yield (
            Reason.PATH_TAKEN,
            Item(
                place.path, Message("%(detail)s Choose another folder.", detail=detail), place.bundled.dag_ids
            ),
        )


def _namesake(here: LocalState, place: Placement, leaving: Collection[int]) -> Unit | None:
    """A unit of which nothing counts any more keeps its path all the same: no two units share one."""
    unit = here.at_path.get(place.path)
    is_own = unit is not None and place.unit is not None and unit.id == place.unit.id
    return None if unit is None or is_own or unit.id in leaving else unit


def _dag_ids_taken(here: LocalState, placements: Placements) -> Iterator[Finding]:
    owners = {dag_id: row for row in here.others(placements).values() for dag_id in row.dag_ids}
    for place in placements.units:
        for dag_id in place.bundled.dag_ids:
            row = owners.get(dag_id)
            if row is not None:
                whose = (
                    Message("which was imported as another unit")
                    if row.unit.origin
                    else Message("which was made here; take it over if the bundle's is to replace it")
                )
                yield (
                    Reason.DAG_ID_OF_OTHER_UNIT,
                    Item(
                        dag_id,
                        Message(
                            "It is in %(path)r v%(version)s here, %(whose)s.",
                            path=row.path,
                            version=row.version,
                            whose=whose,
                        ),
                        (dag_id,),
                    ),
                )


def _busy(ctx: Context, placements: Placements) -> Iterator[Finding]:
    for row in submissions.with_state(ctx.session, placements.unit_ids, SubmissionState.IN_RELEASE):
        told = (
            Message(
                "v%(version)s is in open release %(number)s. Wait until that is through, or revoke it.",
                version=row.version,
                number=row.release_id,
            )
            if row.release_id
            else Message(
                "v%(version)s is in open release. Wait until that is through, or revoke it.",
                version=row.version,
            )
        )
        yield (
            Reason.IN_OPEN_RELEASE,
            Item(
                row.path,
                told,
                tuple(row.dag_ids),
            ),
        )


def move_units(ctx: Context, placements: Iterable[Placement]) -> None:
    """Give the units that are here already their new paths; they may go where another of them was."""
    moving = [
        (place.unit, place.path) for place in placements if place.unit and place.unit.path != place.path
    ]
    for unit, path in moving:
        unit.path = f"{path} (moving {unit.id})"
    # Two units must not have one path at any moment.
    ctx.session.flush()
    for unit, path in moving:
        unit.path = path
    # New units may take the paths that are free now.
    ctx.session.flush()
