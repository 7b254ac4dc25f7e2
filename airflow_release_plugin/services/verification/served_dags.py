"""What an environment serves, DAG by DAG, for whoever runs its code and compares."""

from __future__ import annotations

from collections import defaultdict

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.environment_proof import ServedDag, ServedDags
from airflow_release_plugin.domain.text.phrasing import reason_of
from airflow_release_plugin.exceptions import ConflictError, NotFoundError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.proof.dag_description import canonical_of_served, digest_of
from airflow_release_plugin.repositories import target_dags
from airflow_release_plugin.services.promotion import environments
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


def get_served_dags(ctx: Context, *, actor: Actor, name: str) -> ServedDags:
    """
    Every DAG that Airflow serves of an environment, with its digest, and every DAG file that was released.

    :raises NotAllowedError: it is for executors and admins
    :raises ConflictError: nothing was released to it yet
    """
    access.require_executor(ctx, actor, Message("prove %(name)r", name=name))
    version = environments.get(ctx, actor=actor, name=name).commit
    if version is None:
        raise ConflictError("Nothing was released to %(name)r yet, so there is nothing to prove.", name=name)
    dags = tuple(
        ServedDag(dag.dag_id, dag.path, dag.version, digest_of(canonical_of_served(dag.data)))
        for dag in ctx.airflow.serving.serialized(name)
    )
    files: dict[str, set[str]] = defaultdict(set)
    for path, dag_ids in target_dags.live_dag_files(ctx.session, ctx.settings.source).items():
        files[path].update(dag_ids)
    for dag in dags:
        files[dag.path].add(dag.dag_id)
    states = ctx.airflow.serving.served(name, sorted(files))
    errors = {path: state.import_errors[0] for path, state in states.items() if state.import_errors}
    return ServedDags(
        environment=name,
        version=version,
        dag_files={path: tuple(sorted(dag_ids)) for path, dag_ids in sorted(files.items())},
        dags=dags,
        errors={path: reason_of(error) for path, error in errors.items() if error.strip()},
    )


def get_served_text(ctx: Context, *, actor: Actor, name: str, dag_id: str) -> str:
    """
    A DAG as Airflow serves it, as JSON without where it lies.

    :raises NotFoundError: Airflow serves no such DAG of the environment
    """
    access.require_executor(ctx, actor, Message("prove %(name)r", name=name))
    environments.require_known(ctx, name)
    for dag in list(ctx.airflow.serving.serialized(name, [dag_id])):
        return canonical_of_served(dag.data)
    raise NotFoundError("Airflow serves no Dag %(dag_id)r of %(name)r.", dag_id=dag_id, name=name)
