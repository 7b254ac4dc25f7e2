"""
Puts assets and DAG references of a source DAG into the dev namespace.

Assets are copied, never changed: code that reads the URI of a module's own object still sees the real place.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from airflow_release_plugin import config

if TYPE_CHECKING:
    from airflow.sdk.definitions.asset import BaseAsset

REFERENCE_FIELDS = ("trigger_dag_id", "external_dag_id")
"""Arguments that name another DAG: TriggerDagRunOperator, ExternalTaskSensor, ExternalTaskMarker."""

_TEMPLATE_MARKS = ("{{", "{%", "{#")


@dataclass(frozen=True)
class Namespace:
    """
    The names that dev copies live under.

    :param prefix: what ids and asset names of dev copies begin with; never empty
    :param external: ids or globs of DAGs that may be referenced as they are
    """

    prefix: str
    external: frozenset[str] = frozenset()

    @classmethod
    def configured(cls) -> Namespace | None:
        """The namespace of this installation; ``None`` where dev copies keep their ids."""
        prefix = config.source_dag_id_prefix()
        return cls(prefix, config.source_external_dag_ids()) if prefix else None

    def name(self, name: str) -> str:
        """``name`` with the prefix, which is never put on twice."""
        return name if name.startswith(self.prefix) else self.prefix + name

    def reference(self, dag_id: str) -> str:
        """The id to use for another DAG that a dev copy names."""
        if any(fnmatchcase(dag_id, pattern) for pattern in self.external):
            return dag_id
        return self.name(dag_id)

    def asset(self, asset: BaseAsset) -> Any:
        """A copy of an asset, alias, reference or condition whose names and URIs carry the prefix."""
        from airflow.sdk.definitions.asset import AssetBooleanCondition

        if isinstance(asset, AssetBooleanCondition):
            clone: Any = copy.copy(asset)
            clone.objects = tuple(self.asset(part) for part in asset.objects)
            return clone
        clone = copy.copy(asset)
        for attribute in ("name", "uri"):
            if hasattr(clone, attribute):
                setattr(clone, attribute, self.name(getattr(clone, attribute)))
        return clone

    def assets(self, items: Iterable[Any]) -> list[Any]:
        """Inlets or outlets with their assets replaced; anything else stays as it is."""
        from airflow.sdk.definitions.asset import BaseAsset

        return [self.asset(item) if isinstance(item, BaseAsset) else item for item in items]


def is_literal(value: object) -> bool:
    """Whether ``value`` is an id that is known when the file is parsed."""
    return isinstance(value, str) and not any(mark in value for mark in _TEMPLATE_MARKS)


def rewrite_task(task: Any, namespace: Namespace) -> bool:
    """
    Put the assets and literal DAG references of one task, plain or mapped, into the namespace.

    :return: whether values are left that are known only when the task runs
    """
    if hasattr(task, "partial_kwargs"):
        _rewrite_ports(task.partial_kwargs, namespace)
        dynamic = _rewrite_arguments(task.partial_kwargs, namespace)
        return _rewrite_expansion(task.expand_input.value, namespace) or dynamic
    _rewrite_ports(task.__dict__, namespace)
    definition = getattr(task, "_definition_name", None)
    if definition is not None:
        task._definition_name = namespace.name(definition)
    return _rewrite_arguments(task.__dict__, namespace)


def has_assets(task: Any) -> bool:
    """Whether the task declares inlets or outlets, whose events its code may look up by name."""
    values = task.partial_kwargs if hasattr(task, "partial_kwargs") else task.__dict__
    return bool(values.get("inlets") or values.get("outlets"))


def _rewrite_ports(values: dict[str, Any], namespace: Namespace) -> None:
    for port in ("inlets", "outlets"):
        items = values.get(port)
        if isinstance(items, (list, tuple, set)):
            values[port] = namespace.assets(items)
        elif items is not None:
            # A single asset is accepted in the arguments of mapped operators.
            values[port] = namespace.assets([items])[0]


def _rewrite_arguments(values: dict[str, Any], namespace: Namespace) -> bool:
    dynamic = False
    for field in REFERENCE_FIELDS:
        value = values.get(field)
        if is_literal(value):
            values[field] = namespace.reference(value)  # type: ignore[arg-type]
        elif value is not None:
            dynamic = True
    return dynamic


def _rewrite_expansion(expansion: Any, namespace: Namespace) -> bool:
    """Rewrite ``expand(field=[…])`` in place; other expansions are looked at when the task runs."""
    if not isinstance(expansion, Mapping):
        return True
    dynamic = False
    for field in REFERENCE_FIELDS:
        ids = expansion.get(field)
        if ids is None:
            continue
        if isinstance(ids, (list, tuple)) and all(is_literal(one) for one in ids):
            expansion[field] = [namespace.reference(one) for one in ids]  # type: ignore[index]
        else:
            dynamic = True
    return dynamic
