"""An environment as the metadata database of this machine has it, to be proven here."""

from __future__ import annotations

from pathlib import Path

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.environment_proof import ServedDags
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.verification import served_dags
from airflow_release_plugin.store.serving import ServedTrees


class StoredEnvironment:
    """
    Each question is a transaction of its own: none is open while DAG files run.

    :param actor: who asks
    """

    def __init__(self, name: str, actor: Actor) -> None:
        self._name = name
        self._actor = actor

    def served(self) -> ServedDags:
        """What it serves now."""
        with unit_of_work() as (ctx, _):
            return served_dags.get_served_dags(ctx, actor=self._actor, name=self._name)

    def text(self, dag_id: str) -> str:
        """A DAG as Airflow serves it now. Raises ``NotFoundError``."""
        with unit_of_work() as (ctx, _):
            return served_dags.get_served_text(ctx, actor=self._actor, name=self._name, dag_id=dag_id)

    def build(self, folder: Path, version: str) -> Path:
        """Make the tree of a version below an empty folder."""
        trees, place = ServedTrees(folder / "shared"), folder / "tree"
        with unit_of_work() as (ctx, _), trees.locked():
            trees.place(place, ctx.store.files(version), ctx.store.read_all, previous=None)
        return place
