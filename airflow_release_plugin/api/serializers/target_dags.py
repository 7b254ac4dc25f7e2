"""What an environment holds, as the API answers it."""

from __future__ import annotations

from airflow_release_plugin.schemas.common import PersonResponse
from airflow_release_plugin.schemas.environment import TargetDagResponse, TargetRunResponse
from airflow_release_plugin.services.promotion.target_dags import TargetDag


def target_dag_response(dag: TargetDag) -> TargetDagResponse:
    """One DAG that an environment holds."""
    live, version, released_by = dag.live, dag.version, dag.released_by
    return TargetDagResponse(
        dag_id=dag.dag_id,
        path=live.path,
        version=live.version,
        submission_id=live.submission_id,
        submitted_by=PersonResponse.model_validate(version.submitted_by),
        submitted_at=version.submitted_at,
        comment=version.comment,
        release_id=live.release_id,
        release_number=live.release_number,
        release_title=live.release_title,
        released_at=live.released_at,
        released_by=PersonResponse.model_validate(released_by) if released_by else None,
        commit=live.commit,
        tried_in_dev=dag.trial.is_success if dag.trial else None,
        state=dag.state,
        runs=[TargetRunResponse.model_validate(run) for run in dag.runs],
        drift=sorted({finding.kind for finding in dag.drift}),
    )
