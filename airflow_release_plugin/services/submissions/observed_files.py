"""What tasks of dev runs read joins the unit: text cannot tell it, and no check runs tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from airflow_release_plugin.analysis.closure import Closure, ClosureFile, FileKind
from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.analysis.tree_scan import name_refusal
from airflow_release_plugin.domain.release.dev_runs import DevRun
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Submission
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.submissions.snapshots import TakenSnapshot, scan_limits

_READ, _EARLIER = "read by task", ", before the code was what it is now"
_CODE = frozenset({FileKind.DAG, FileKind.MODULE})


def with_observed(
    closure: Closure,
    taken: TakenSnapshot,
    runs: Iterable[tuple[str, DevRun]],
    *,
    live: Submission | None = None,
    most: int,
) -> Closure:
    """
    The unit with what its tasks read when its code was what it is now; the bytes are those of the snapshot.

    A file that the snapshot lacks is named among the gaps. As long as no dev run of this code has succeeded,
    what tasks read for the version in the target stays: to leave it out would take it from them.

    :param runs: dev runs with the id of their DAG in the target, the newest first
    :param live: the version in the target
    :param most: files that a unit may have
    :raises UnitError: they are too many
    """
    own = [(dag_id, run) for dag_id, run in runs if _ran_this_code(run, closure)]
    kept = () if any(run.is_success for _, run in own) else _kept(live, taken)
    joined, gaps = _found(closure, taken, [*_readings(own), *kept])
    if len(closure.files) + len(joined) > most:
        raise UnitError(
            "Tasks of %(entry)r read %(number)s further files of the source in dev runs. With "
            "them its unit has more than %(most)s ([release] max_unit_files): keep data outside "
            "of the source, or raise that limit.",
            entry=closure.entry,
            number=len(joined),
            most=most,
        )
    return replace(
        closure,
        files=tuple(sorted((*closure.files, *joined.values()))),
        warnings=(*closure.warnings, *gaps.values()),
        gaps=(*closure.gaps, *gaps.values()),
    )


def _found(
    closure: Closure, taken: TakenSnapshot, readings: Iterable[tuple[str, str]]
) -> tuple[dict[str, ClosureFile], dict[str, str]]:
    """By path, the files that join the unit, and what is said of those that are not in the snapshot."""
    known = {file.path for file in closure.files}
    joined: dict[str, ClosureFile] = {}
    gaps: dict[str, str] = {}
    for path, phrase in readings:
        if path in known or path in joined or path in gaps:
            continue
        entry = taken.files.get(path)
        if entry is None:
            gaps[path] = Message(
                "%(path)s was %(phrase)s, and is not in the unit: %(why)s.",
                path=path,
                phrase=phrase,
                why=_why(taken, path),
            )
        else:
            joined[path] = ClosureFile(path, entry.mode, entry.blob, entry.size, FileKind.OBSERVED, phrase)
    return joined, gaps


def with_read_in_dev(
    ctx: Context,
    closure: Closure,
    files: FolderFiles,
    runs: Sequence[tuple[str, DevRun]],
    *,
    live: Submission | None = None,
) -> Closure:
    """The same as :func:`with_observed` without a snapshot: only the files that tasks read are looked at."""
    limits = scan_limits(ctx)
    told = {path for _, run in runs for task in run.tasks for path in task.files}
    kept = {file["path"] for file in live.closure if file["reason"].startswith(_READ)} if live else set()
    looked_at = TakenSnapshot({}, {})
    for path in sorted((told | kept) - {file.path for file in closure.files}):
        if refusal := name_refusal(path, limits):
            looked_at.left_out[path] = refusal
            continue
        try:
            looked_at.files[path] = files.entry(path)
        except UnitError:
            continue  # it is gone, or cannot be a file of a unit: it is named among the gaps
    return with_observed(closure, looked_at, runs, live=live, most=ctx.settings.max_unit_files)


def _readings(runs: Iterable[tuple[str, DevRun]]) -> Iterator[tuple[str, str]]:
    for dag_id, run in runs:
        moment = f"{run.began:%Y-%m-%d %H:%M} UTC"
        for task in run.tasks:
            phrase = Message(
                "read by task %(task)s in the dev run of %(moment)s",
                task=f"{dag_id}.{task.task_id}",
                moment=moment,
            )
            yield from ((path, phrase) for path in task.files)


def _kept(live: Submission | None, taken: TakenSnapshot) -> Iterator[tuple[str, str]]:
    """What was found so for the version in the target, and is in the source still."""
    for file in live.closure if live else ():
        if file["reason"].startswith(_READ) and file["path"] in taken.files:
            yield file["path"], _of_earlier_code(file["reason"])


def _of_earlier_code(reason: str) -> str:
    if reason.endswith(_EARLIER):
        return reason
    return Message("%(reason)s, before the code was what it is now", reason=reason)


def _ran_this_code(run: DevRun, closure: Closure) -> bool:
    """Whether the code that ran is that of now; data that was edited since is read by it all the same."""
    read = run.files
    code = [file for file in closure.files if file.kind in _CODE]
    return closure.entry in read and all(read.get(file.path, file.blob) == file.blob for file in code)


def _why(taken: TakenSnapshot, path: str) -> str:
    reason = taken.left_out.get(path)
    return (
        Message("the snapshot of the source leaves it out (%(reason)s)", reason=reason)
        if reason
        else Message("the source has it no more")
    )
