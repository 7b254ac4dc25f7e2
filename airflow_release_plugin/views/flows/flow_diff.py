"""What changed between two revisions of a flow, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import together


@dataclass(frozen=True)
class FieldChange:
    """One field: where it is, and its texts; empty where it was not set."""

    label: str
    old: str
    new: str


def flow_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    """The fields that differ between two flows in their stored form, in the order of the form."""
    before, after = _flat(old), _flat(new)
    return [
        FieldChange(_label(path), before.get(path, ""), after.get(path, ""))
        for path in dict.fromkeys([*before, *after])
        if before.get(path, "") != after.get(path, "")
    ]


def _flat(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = [(str(number), item) for number, item in enumerate(value, start=1)]
    else:
        return {path: _text(value)}
    return {where: text for key, item in items for where, text in _flat(item, (*path, key)).items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _label(path: tuple[str, ...]) -> str:
    words = field_words()
    parts: list[str] = []
    for key in path:
        if key.isdecimal() and parts:
            parts[-1] = _("%(part)s %(number)s", part=parts[-1], number=key)
        else:
            parts.append(words.get(key, key))
    return together(parts, " › ")


def field_words() -> dict[str, str]:
    """Names of a flow's fields."""
    return {
        "name": _("Name"),
        "kind": _("Kind"),
        "enabled": _("Enabled"),
        "remark": _("Remark"),
        "scope": _("Scope"),
        "dag_ids": _("Dag ids"),
        "tags": _("Tags"),
        "owners": _("Owners"),
        "sources": _("Sources"),
        "validity": _("Validity in hours"),
        "approval": _("Approval"),
        "wait": _("Waiting"),
        "execution": _("Execution"),
        "levels": _("Level"),
        "steps": _("Step"),
        "rule": _("Rule"),
        "changes": _("Changes"),
        "min_dags": _("At least so many Dags"),
        "max_dags": _("At most so many Dags"),
        "min_lines": _("At least so many lines"),
        "min_impacted": _("At least so many impacted Dags"),
        "users": _("Users"),
        "roles": _("Roles"),
        "quorum": _("Quorum"),
        **_step_words(),
        "counts_twice": _("One person counts at several steps"),
        "complete_only": _("Complete units only"),
        "tried_within_days": _("Tried in dev within days"),
        "resolved_only": _("Approvals count only when threads are resolved"),
        "pipeline_dag_id": _("Pipeline"),
        "break_glass_roles": _("May break the glass"),
        "break_glass_confirm_minutes": _("A second person confirms within minutes"),
        "calendar": _("Window"),
        "cron": _("Cron"),
        "minutes": _("Minutes"),
        "zone": _("Time zone"),
        "start": _("Start"),
        "end": _("End"),
        "notifiers": _("Notifier"),
        "notifier": _("Class path"),
        "kwargs": _("Arguments"),
        "events": _("Events"),
    }


def _step_words() -> dict[str, str]:
    return {
        "including_users": _("One of these users among them"),
        "including_roles": _("One of these roles among them"),
        "beside_previous": _("Side by side with the step before"),
        "escalate_after_hours": _("Escalates after hours"),
        "escalate_users": _("Escalates to users"),
        "escalate_roles": _("Escalates to roles"),
    }
