"""Keeps a running dev task inside the dev namespace, for names that exist only at run time."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk.definitions.asset import BaseAsset
from airflow.sdk.execution_time.callback_runner import create_executable_runner
from airflow.sdk.execution_time.context import (
    InletEventsAccessors,
    OutletEventAccessor,
    OutletEventAccessors,
    TriggeringAssetEventsAccessor,
)

from airflow_release_plugin.airflow_internals.namespace import REFERENCE_FIELDS, Namespace

log = logging.getLogger(__name__)


class NamespacedOutletEvent(OutletEventAccessor):
    """An outlet alias's events; assets that the task adds are those of the dev namespace."""

    namespace: Namespace

    def add(self, asset: Any, extra: Any = None) -> None:
        """Add an event for the dev copy of ``asset``."""
        super().add(self.namespace.asset(asset), extra)


class NamespacedOutletEvents(OutletEventAccessors):
    """``outlet_events`` that finds the dev copy when code asks by the name that it wrote."""

    def __init__(self, namespace: Namespace) -> None:
        super().__init__()
        self._namespace = namespace

    def __getitem__(self, key: Any) -> OutletEventAccessor:
        """The events of the dev copy of ``key``."""
        accessor = super().__getitem__(self._namespace.asset(key))
        if not isinstance(accessor, NamespacedOutletEvent):
            accessor = NamespacedOutletEvent(key=accessor.key)
            accessor.namespace = self._namespace
            self._dict[accessor.key] = accessor
        return accessor


class NamespacedInletEvents(InletEventsAccessors):
    """``inlet_events`` that finds the dev copy when code asks by the name that it wrote."""

    def __init__(self, original: InletEventsAccessors, namespace: Namespace) -> None:
        self._inlets = original._inlets
        self._assets = original._assets
        self._asset_aliases = original._asset_aliases
        self._namespace = namespace

    def __getitem__(self, key: Any) -> Any:
        """The events of the dev copy of ``key``, or of the inlet at that position."""
        return super().__getitem__(self._namespace.asset(key) if isinstance(key, BaseAsset) else key)


class NamespacedTriggeringEvents(TriggeringAssetEventsAccessor):
    """``triggering_asset_events`` that finds the dev copy when code asks by the name that it wrote."""

    def __init__(self, original: TriggeringAssetEventsAccessor, namespace: Namespace) -> None:
        super().__init__(original._events)
        self._namespace = namespace

    def __getitem__(self, key: Any) -> Any:
        """The events of the dev copy of ``key``."""
        return super().__getitem__(self._namespace.asset(key) if isinstance(key, BaseAsset) else key)


class NamespaceGuard:
    """
    Hook that Airflow calls after templates are rendered and before the task runs.

    :param previous: the hook that the DAG's author set, called afterwards
    """

    def __init__(self, namespace: Namespace, previous: Callable[..., Any] | None = None) -> None:
        self.namespace = namespace
        self.previous = previous

    def __call__(self, context: Any) -> None:
        """Put what the task is about to use into the namespace."""
        # Airflow stores the text of this function with the DAG; so the text is one that never changes.
        self.enter(context)

    def enter(self, context: Any) -> None:
        """Prefix references, and give the task event accessors that know the namespace."""
        task = context["ti"].task
        for field in REFERENCE_FIELDS:
            value = getattr(task, field, None)
            if isinstance(value, str):
                setattr(task, field, self.namespace.reference(value))
        context["outlet_events"] = NamespacedOutletEvents(self.namespace)
        if isinstance(inlets := context.get("inlet_events"), InletEventsAccessors):
            context["inlet_events"] = NamespacedInletEvents(inlets, self.namespace)
        if isinstance(events := context.get("triggering_asset_events"), TriggeringAssetEventsAccessor):
            context["triggering_asset_events"] = NamespacedTriggeringEvents(events, self.namespace)
        if hasattr(task, "_definition_name"):
            task.determine_kwargs = lambda ctx: self._asset_arguments(task, ctx)
        if self.previous is not None:
            create_executable_runner(self.previous, context["outlet_events"], logger=log).run(context)

    def _asset_arguments(self, task: Any, context: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of an ``@asset`` function, as Airflow makes them, with the dev copies of the assets."""
        arguments: dict[str, Any] = {}
        for key, parameter in inspect.signature(task.python_callable).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                arguments[key] = parameter.default
            elif key in ("context", "outlet_events"):
                arguments[key] = context if key == "context" else context[key]
            else:
                name = task._definition_name if key == "self" else self.namespace.name(key)
                arguments[key] = OutletEventAccessors._get_asset_from_db(name=name)
        return arguments
