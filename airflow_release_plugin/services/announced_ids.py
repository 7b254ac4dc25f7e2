"""The DAG ids that a check found, against those that were announced and those that others serve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_release_plugin.domain.checks import CheckStatus
from airflow_release_plugin.domain.digest import ChangeKind
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.context import Context


def findings(ctx: Context, release: Release, items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    Failed check items for DAG ids that would surprise somebody.

    People approve what was announced when it was submitted; a file that defines other DAGs elsewhere,
    because it looks at its surroundings, would bring something that nobody saw. And of two bundles that
    serve one id, Airflow silently lets the one that was parsed last win.

    :param items: what the worker found; dicts with path and facts
    """
    found: list[dict[str, Any]] = []
    parsed = {item["path"]: item["facts"]["dags"] for item in items if "dags" in (item.get("facts") or {})}
    for own in release.items:
        if own.change is ChangeKind.DELETED or own.path not in parsed:
            continue
        ids = sorted(dag["dag_id"] for dag in parsed[own.path])
        if ids and ids != sorted(own.dag_ids):
            found.append(
                _failed(
                    own.path,
                    f"{own.path!r} defines {_listed(ids)} in the target, but {_listed(sorted(own.dag_ids))} "
                    "was announced when it was submitted. Submit it again, or make its ids independent of "
                    "where it runs.",
                )
            )
        found += _clashes(ctx, release, own.path, ids)
    return found


def _clashes(ctx: Context, release: Release, path: str, ids: Iterable[str]) -> Iterable[dict[str, Any]]:
    for dag_id in ids:
        served = ctx.airflow.serving.dag(dag_id)
        if served is not None and served.bundle not in {"", release.environment}:
            yield _failed(
                path,
                f"Bundle {served.bundle!r} serves a DAG {dag_id!r} already; Airflow would let the one "
                "that is parsed last win. Rename the DAG, or take it out of the other bundle first.",
            )


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) or "nothing"


def _failed(path: str, detail: str) -> dict[str, Any]:
    return {
        "name": "dag ids",
        "status": CheckStatus.FAILED.value,
        "path": path,
        "detail": detail,
        "facts": {},
    }
