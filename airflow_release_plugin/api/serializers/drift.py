"""What was changed by hand, as the API speaks of it."""

from __future__ import annotations

from airflow_release_plugin.schemas.environment import (
    HandMadeFileResponse,
    HandMadeResponse,
    HandMadeVersionResponse,
)
from airflow_release_plugin.services.read_models.drift_adoption import AdoptionDetail


def hand_made_response(found: AdoptionDetail) -> HandMadeResponse:
    """A plan with the people who could approve it."""
    made, preview = found.plan, found.preview
    return HandMadeResponse(
        host=made.host,
        base_commit=made.found.base,
        found_commit=made.found.found,
        digest=made.digest,
        versions=[
            HandMadeVersionResponse(path=draft.path, dag_ids=draft.dag_ids, change=draft.change)
            for draft in made.drafts
        ],
        files=[
            HandMadeFileResponse(
                path=file.path,
                change=file.change,
                lines_added=file.diff.added,
                lines_removed=file.diff.removed,
            )
            for file in found.changes
        ],
        problems=list(made.problems),
        busy=sorted(f"{row.path} v{row.version}" for row in made.busy),
        flow=preview.flow,
        reviewers=[person.name for person in preview.people],
        problem=preview.problem,
    )
