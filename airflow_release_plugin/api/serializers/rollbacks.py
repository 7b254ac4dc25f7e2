"""Rollbacks, from and to what the API speaks."""

from __future__ import annotations

from airflow_release_plugin.domain.release.rollback_scope import Scope, scope_of
from airflow_release_plugin.schemas.rollback import (
    ContestedFileResponse,
    OvertakenResponse,
    RollbackFileResponse,
    RollbackPlanResponse,
    RollbackRowResponse,
    RollbackScopeBody,
)
from airflow_release_plugin.services.read_models.rollback_page import RollbackSummary
from airflow_release_plugin.services.rollbacks.planning import Choice


def read_scope(body: RollbackScopeBody) -> Scope:
    """What to go back to. Raises ``InvalidRequestError`` unless it is exactly one thing."""
    return scope_of(
        dag_id=body.dag_id or "",
        version=body.version,
        release_id=body.release_id,
        moment=body.moment,
        after_release_id=body.after_release_id,
        retire=body.retire,
    )


def read_choice(body: RollbackScopeBody) -> Choice:
    """What was decided about shared files."""
    return Choice(include=frozenset(body.include), keep=frozenset(body.keep))


def plan_response(found: RollbackSummary) -> RollbackPlanResponse:
    """A plan with the people who could approve it."""
    made, preview = found.plan, found.preview
    return RollbackPlanResponse(
        kind=made.kind,
        title=made.title,
        digest=made.digest,
        base_commit=made.base_commit,
        rows=[
            RollbackRowResponse(
                path=row.draft.path,
                dag_ids=row.draft.dag_ids,
                change=row.draft.change,
                present_version=row.now.version if row.now else None,
                restored_version=row.wanted.version if row.wanted else None,
            )
            for row in made.rows
        ],
        files=[RollbackFileResponse(path=path, change=change) for path, change in found.files.items()],
        overtaken=[
            OvertakenResponse(
                path=over.unit.path,
                dag_ids=list(over.dag_ids),
                version=over.version,
                release_id=over.release_id,
            )
            for over in made.overtaken
        ],
        shared=[ContestedFileResponse.model_validate(shared) for shared in made.shared],
        busy=sorted(f"{busy.path} v{busy.version}" for busy in made.busy),
        flow=preview.flow,
        reviewers=[person.name for person in preview.people],
        problem=preview.problem,
    )
