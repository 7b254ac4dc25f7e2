"""How far each item of a release is: told while it is checked and verified, by reports afterwards (R8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, CheckItem, ReportKind, failed
from airflow_release_plugin.domain.release.progress import ItemProgress, ItemState, OtherProgress
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.tasks import TaskRole
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release, Report
from airflow_release_plugin.services.releases import releases, task_claims
from airflow_release_plugin.services.runtime.context import Context

_IN_TARGET = frozenset({ReleaseState.RELEASED, ReleaseState.ROLLED_BACK})


def note(
    ctx: Context, *, actor: Actor, release_id: int, attempt: int, files: Iterable[ItemProgress]
) -> tuple[ItemProgress, ...]:
    """
    Write down how far a check is. No event and no row for each file: one value, gone with the report.

    :raises ConflictError: the release is not being checked, or in another attempt
    """
    release = releases.get_locked(ctx, actor=actor, release_id=release_id)
    task_claims.require_task(
        ctx, release, TaskRole.CHECK, actor=actor, deed=Message("report on releases"), by_hand=False
    )
    if release.state is not ReleaseState.CHECKING or attempt != release.attempt:
        raise ConflictError(
            "%(release)s is %(state)r in attempt %(attempt)s; the progress of attempt "
            "%(reported)s is not wanted any more.",
            release=release.subject,
            state=release.state.value,
            attempt=release.attempt,
            reported=attempt,
        )
    known = _told(release, _check_of(release))
    release.progress_json = {
        "of": _check_of(release),
        "files": {**known, **{file.path: _written(file) for file in files}},
    }
    return items(release, release.state, ())


def note_served(release: Release, paths: Iterable[str], *, now: datetime) -> None:
    """Write down which files the verification has seen served by now; gone with its report, too."""
    files = {path: _written(ItemProgress(path, ItemState.SERVED)) for path in paths}
    is_more = len(files) > len(_told(release, _verification_of(release)))
    since = now if is_more else last_served(release)
    release.progress_json = {
        "of": _verification_of(release),
        "files": files,
        "since": since.isoformat() if since else None,
    }


def last_served(release: Release) -> datetime | None:
    """When the verification last saw a further file served; before that, when the release was released."""
    told = release.progress_json or {}
    if told.get("of") == _verification_of(release) and told.get("since"):
        return datetime.fromisoformat(told["since"])
    return release.released_at


def _check_of(release: Release) -> str:
    """Names one check: an attempt may be checked again when the target moved on."""
    return f"{release.attempt} on {release.base_commit or 'empty'}"


def _verification_of(release: Release) -> str:
    return f"{release.attempt} in {release.target_commit}"


def _told(release: Release, of: str) -> Mapping[str, Mapping[str, Any]]:
    told = release.progress_json or {}
    return told["files"] if told.get("of") == of else {}


def items(release: Release, state: ReleaseState, reports: Sequence[Report]) -> tuple[ItemProgress, ...]:
    """Each item in the order of the release; needs no query."""
    if state is ReleaseState.CHECKING:
        told = _told(release, _check_of(release))
        return tuple(
            _read(item.path, told[item.path])
            if item.path in told
            else ItemProgress(item.path, ItemState.WAITING)
            for item in release.items
        )
    checked = _latest(release, reports, ReportKind.CHECK)
    served = _latest(release, reports, ReportKind.VERIFICATION)
    seen = _told(release, _verification_of(release))
    return tuple(_reached(item.path, state, checked, served, item.path in seen) for item in release.items)


def others(release: Release, state: ReleaseState, reports: Sequence[Report]) -> tuple[OtherProgress, ...]:
    """Each DAG file that the release changes without naming it, as its check saw it; needs no query."""
    checked = _latest(release, reports, ReportKind.CHECK)
    served = _latest(release, reports, ReportKind.VERIFICATION)
    seen = _told(release, _verification_of(release))
    return tuple(
        OtherProgress(
            tuple(item.facts.get("dag_ids", ())),
            item.detail,
            _reached(item.path, state, checked, served, item.path in seen),
        )
        for item in checked or ()
        if item.name == ALSO_CHANGES
    )


def _written(file: ItemProgress) -> dict[str, Any]:
    return {
        "state": file.state.value,
        "detail": file.detail,
        "seconds": file.seconds,
        "lines": list(file.lines),
    }


def _read(path: str, told: Mapping[str, Any]) -> ItemProgress:
    return ItemProgress(
        path, ItemState(told["state"]), told["detail"], float(told["seconds"]), tuple(told["lines"])
    )


def _latest(release: Release, reports: Iterable[Report], kind: ReportKind) -> tuple[CheckItem, ...] | None:
    """Items of the latest report of this attempt; ``None`` when there is none."""
    found = [report.items for report in reports if report.kind is kind and report.attempt == release.attempt]
    return found[-1] if found else None


def _reached(
    path: str,
    state: ReleaseState,
    checked: tuple[CheckItem, ...] | None,
    served: tuple[CheckItem, ...] | None,
    is_seen: bool,
) -> ItemProgress:
    problem = _problem(path, served or ()) or _problem(path, checked or ())
    if problem is not None:
        return ItemProgress(path, ItemState.FAILED, problem)
    if served is not None:
        reached = ItemState.SERVED
    elif state in _IN_TARGET:
        reached = ItemState.SERVED if is_seen else ItemState.PROMOTED
    else:
        reached = ItemState.WAITING if checked is None else ItemState.CHECKED
    return ItemProgress(path, reached)


def _problem(path: str, items: Iterable[CheckItem]) -> str | None:
    """The last line of what was found wrong with a file, which says what happened."""
    return next((item.headline or item.name for item in failed(items) if item.path == path), None)
