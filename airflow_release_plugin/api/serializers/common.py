"""From what services answer to what the API answers, where that is more than reading attributes."""

from __future__ import annotations

from airflow_release_plugin.analysis.text_diff import FileDiff
from airflow_release_plugin.domain.release.runs import summary
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Export, Gate, Release
from airflow_release_plugin.schemas.export import ExportResponse
from airflow_release_plugin.schemas.gate import GateDetailResponse, GateResponse
from airflow_release_plugin.schemas.release import (
    AttributeChangeResponse,
    ComparisonResponse,
    DagStructureResponse,
    DiffLineResponse,
    DiffResponse,
    EdgeResponse,
    EmergencyItemResponse,
    EmergencyResponse,
    FileDiffResponse,
    ReleaseDetailResponse,
    ReleaseResponse,
    StructureResponse,
)
from airflow_release_plugin.schemas.work import FileRow, WorkTreesResponse
from airflow_release_plugin.services.read_models.compare import ReleaseComparison, VersionComparison
from airflow_release_plugin.services.read_models.gate_page import GateDetail
from airflow_release_plugin.services.read_models.release_page import ReleaseDetail
from airflow_release_plugin.services.releases.emergencies import EmergencyDetail
from airflow_release_plugin.services.releases.work import TreeLists
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import ChangedFile
from airflow_release_plugin.services.versions.structure import Structure


def release_response(ctx: Context, release: Release) -> ReleaseResponse:
    """A release for a list."""
    return ReleaseResponse.model_validate(_summary(ctx, release))


def release_detail(ctx: Context, view: ReleaseDetail) -> ReleaseDetailResponse:
    """A release as its page shows it to the actor."""
    release = view.release
    return ReleaseDetailResponse.model_validate(
        {
            **_summary(ctx, release),
            "description": release.description,
            "run_after_release": release.run_after_release,
            "state_reason": release.state_reason,
            "base_commit": release.base_commit,
            "target_commit": release.target_commit,
            "items": release.items,
            "approval": view.approval,
            "reports": view.reports,
            "pipeline": view.pipeline,
            "runs": view.runs,
            "run_summary": summary(view.runs),
            "progress": view.progress,
            "actions": view.actions,
            "hold": view.execution_block,
            "kept_until": view.kept_until,
            "watch_state": view.watch_state,
            "scheduled_at": release.scheduled_at,
            "break_glass_reason": release.break_glass_reason,
            "emergencies": [emergency_response(each) for each in view.emergencies],
            "exempt_reason": release.exempt_reason,
            "soak_minutes": release.soak_minutes,
            "rolls_back_id": release.rolls_back_id,
            "risk": release.risk_json,
            "evidence": view.evidence,
        }
    )


def emergency_response(view: EmergencyDetail) -> EmergencyResponse:
    """Broken glass with its state."""
    row = view.emergency
    values = {name: getattr(row, name) for name in EmergencyResponse.model_fields if name != "state"}
    return EmergencyResponse.model_validate({**values, "state": view.state})


def emergency_item(view: EmergencyDetail) -> EmergencyItemResponse:
    """Broken glass for a list."""
    return EmergencyItemResponse(
        **emergency_response(view).model_dump(),
        number=view.release.number,
        title=view.release.title,
        may_confirm=view.may_confirm,
        may_review=view.may_review,
    )


def _summary(ctx: Context, release: Release) -> dict[str, object]:
    return {
        "id": release.id,
        "number": release.number,
        "title": release.title,
        "kind": release.kind,
        "state": release.effective_state(ctx.clock()),
        "environment": release.environment,
        "requested_by": release.requested_by,
        "reviewers": release.reviewers,
        "requested_at": release.requested_at,
        "released_at": release.released_at,
        "released_by": release.released_by,
        "dag_ids": release.dag_ids,
        "item_count": len(release.items),
        "change_digest": release.change_digest,
        "also_changes": release.also_changes,
        "attempt": release.attempt,
    }


def gate_response(ctx: Context, gate: Gate) -> GateResponse:
    """A gate for a list."""
    return GateResponse.model_validate(gate).model_copy(update={"state": gate.effective_state(ctx.clock())})


def gate_detail(ctx: Context, found: GateDetail) -> GateDetailResponse:
    """A gate as its page shows it to the actor."""
    return GateDetailResponse.model_validate(
        {**gate_response(ctx, found.gate).model_dump(), "approval": found.approval}
    )


def export_response(ctx: Context, export: Export) -> ExportResponse:
    """An export as it stands now."""
    # Columns that were left out are filled in by the database.
    ctx.session.flush()
    report, options = export.report, export.options
    asked = sorted(dag_id for unit in options["units"].values() for dag_id in unit["dags"])
    return ExportResponse.model_validate(
        {
            **{name: getattr(export, name) for name in ExportResponse.model_fields if hasattr(export, name)},
            "state": export.effective_state(ctx.clock()),
            "origin": options["origin"],
            "dag_ids": report.get("dags", asked),
            "removed": report.get("removed", []),
            "left_out": report.get("left_out", []),
            "secrets": report.get("secrets", []),
        }
    )


def trees_response(trees: TreeLists) -> WorkTreesResponse:
    """The trees of a check, file by file."""
    return WorkTreesResponse(
        target=[_row(file) for file in trees.target],
        changed=[_row(change.entry) for change in trees.changes if change.entry],
        deleted=[change.path for change in trees.changes if change.is_deletion],
        snapshots={tree: [_row(file) for file in files] for tree, files in trees.snapshots.items()},
    )


def _row(file: FileEntry) -> FileRow:
    return file.path, file.mode, file.blob, file.size


def diff_response(files: list[ChangedFile]) -> DiffResponse:
    """A diff, file by file."""
    return DiffResponse(files=_files(files))


def comparison_response(found: VersionComparison | ReleaseComparison) -> ComparisonResponse:
    """Two versions or releases side by side."""
    return ComparisonResponse(files=_files(found.files), structure=structure_response(found.structure))


def structure_response(found: Structure) -> StructureResponse:
    """DAGs before and after."""
    return StructureResponse(
        dags=[
            DagStructureResponse(
                dag_id=dag.dag_id,
                state=dag.state.value,
                tasks={task: state.value for task, state in dag.tasks.items()},
                edges=[
                    EdgeResponse(upstream=up, downstream=down, state=state.value)
                    for (up, down), state in dag.edges.items()
                ],
                attributes=[AttributeChangeResponse.model_validate(change) for change in dag.attributes],
            )
            for dag in found.dags
        ],
        unknown=[row.id for row in found.unknown],
        unproven=[row.id for row in found.unproven],
    )


def _files(files: list[ChangedFile]) -> list[FileDiffResponse]:
    return [
        FileDiffResponse(
            path=file.path,
            change=file.change,
            added=file.diff.added,
            removed=file.diff.removed,
            note=_note(file.diff),
            hunks=[
                [DiffLineResponse.model_validate(line) for line in hunk.lines] for hunk in file.diff.hunks
            ],
        )
        for file in files
    ]


def _note(diff: FileDiff) -> str | None:
    if diff.binary:
        return Message(
            "binary file, %(old)s to %(new)s bytes", old=diff.old_size or 0, new=diff.new_size or 0
        )
    return Message("too large to show") if diff.too_large else None
