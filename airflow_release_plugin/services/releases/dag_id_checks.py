"""The DAG ids that a check found, against those that were announced and those that others serve."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, CheckItem, CheckStatus
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import target_index


def findings(ctx: Context, release: Release, items: Iterable[CheckItem]) -> list[CheckItem]:
    """
    Failed check items for DAG ids that would surprise somebody.

    People approve what was announced when it was submitted; a file that defines other DAGs elsewhere,
    because it looks at its surroundings, would bring something that nobody saw. And of two bundles that
    serve one id, Airflow silently lets the one that was parsed last win.

    :param items: what the worker found
    """
    items = list(items)
    surprises: list[CheckItem] = []
    parsed = {item.path: item.facts["dags"] for item in items if "dags" in item.facts}
    places = _places(ctx, release, {dag["dag_id"] for dags in parsed.values() for dag in dags})
    for own in release.items:
        if own.change is ChangeKind.DELETED or own.path not in parsed:
            continue
        ids = sorted(dag["dag_id"] for dag in parsed[own.path])
        if ids and ids != sorted(own.dag_ids):
            surprises.append(
                _failed(
                    own.path,
                    Message(
                        "%(path)r defines %(found)s in the target, but %(announced)s was announced when it "
                        "was submitted. Submit it again, or make its ids independent of where it runs.",
                        path=own.path,
                        found=_listed(ids),
                        announced=_listed(sorted(own.dag_ids)),
                    ),
                )
            )
        surprises += _clashes(places, own.path, ids)
    return [*surprises, *_appearing(ctx, release, items)]


def _appearing(ctx: Context, release: Release, items: Iterable[CheckItem]) -> Iterator[CheckItem]:
    """DAGs of files that nobody named and that Airflow would find: the worker knows no other bundles."""
    paths = {
        dag_id: item.path
        for item in items
        if item.name == ALSO_CHANGES and item.facts.get("appears") is True
        for dag_id in item.facts.get("dag_ids", ())
    }
    live = ctx.airflow.serving.live_dags(paths) if paths else {}
    for dag_id, dag in sorted(live.items()):
        if dag.bundle not in {"", release.environment}:
            yield from _clashes(
                {dag_id: Message("Bundle %(bundle)r", bundle=dag.bundle)}, paths[dag_id], [dag_id]
            )


def _places(ctx: Context, release: Release, found: Collection[str]) -> dict[str, str]:
    """
    Who else serves DAG ids of the release, for people, by id.

    :param found: ids that the check found
    """
    own = [item.submission for item in release.items]
    replaced = {row.unit_id for row in own}
    places: dict[str, str] = {
        dag_id: Message("File %(path)r of the target", path=row.path)
        for row in target_index.makers_of(ctx, found)
        if row.unit_id not in replaced
        for dag_id in row.dag_ids
    }
    live = ctx.airflow.serving.live_dags({dag_id for row in own for dag_id in row.dag_ids})
    for dag_id, dag in live.items():
        if dag.bundle not in {"", release.environment}:
            places[dag_id] = Message("Bundle %(bundle)r", bundle=dag.bundle)
    return places


def _clashes(places: Mapping[str, str], path: str, ids: Iterable[str]) -> Iterator[CheckItem]:
    for dag_id in ids:
        if dag_id in places:
            yield _failed(
                path,
                Message(
                    "%(place)s serves a DAG %(dag_id)r already; Airflow would let the one that is "
                    "parsed last win. Rename the DAG, or take the other one away first.",
                    place=places[dag_id],
                    dag_id=dag_id,
                ),
            )


def _listed(ids: Sequence[str]) -> object:
    return list(ids) or Message("nothing")


def _failed(path: str, detail: str) -> CheckItem:
    return CheckItem("dag ids", CheckStatus.FAILED, path, detail)
