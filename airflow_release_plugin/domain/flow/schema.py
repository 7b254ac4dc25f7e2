"""The JSON schema of a file of flows, made of the classes that it is read into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from airflow_release_plugin.domain.flow import flow, release_calendar, rules
from airflow_release_plugin.domain.flow.notification import (
    FLOW_EVENTS,
    MAX_NOTIFIERS,
    NotificationEvent,
    NotifierSpec,
)
from airflow_release_plugin.domain.kinds import KINDS_THAT_ASK, ReleaseKind

FILE_VERSION = 1
_PARAM = re.compile(r":param (\w+): (.+(?:\n +(?![: ]).+)*)")
_HOURS = {"exclusiveMinimum": 0, "maximum": rules.MAX_HOURS}
_LIMITS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("FlowSpec", "name"): {"minLength": 1, "maxLength": rules.MAX_NAME},
    ("FlowSpec", "remark"): {"maxLength": rules.MAX_REMARK},
    ("FlowSpec", "tried_within_days"): {"minimum": 1, "maximum": rules.MAX_DAYS},
    ("FlowSpec", "break_glass_confirm_minutes"): {"minimum": 1, "maximum": rules.MAX_CONFIRM_MINUTES},
    ("FlowSpec", "levels"): {"minItems": 1, "maxItems": rules.MAX_LEVELS},
    ("FlowSpec", "calendar"): {"maxItems": release_calendar.MAX_WINDOWS},
    ("FlowSpec", "notifiers"): {"maxItems": MAX_NOTIFIERS},
    ("Level", "name"): {"minLength": 1, "maxLength": rules.MAX_NAME},
    ("Level", "steps"): {"minItems": 1, "maxItems": rules.MAX_STEPS},
    ("StepSpec", "name"): {"minLength": 1, "maxLength": rules.MAX_NAME},
    ("StepSpec", "quorum"): {"minimum": 1, "maximum": rules.MAX_QUORUM},
    ("StepSpec", "escalate_after_hours"): _HOURS,
    ("Validity", "approval"): _HOURS,
    ("Validity", "wait"): _HOURS,
    ("Validity", "execution"): _HOURS,
    ("Window", "name"): {"minLength": 1, "maxLength": release_calendar.MAX_NAME},
    ("Window", "minutes"): {"minimum": 1, "maximum": release_calendar.MAX_WINDOW_MINUTES},
}
_OFFERED: Mapping[type, tuple[Enum, ...]] = {
    ReleaseKind: KINDS_THAT_ASK,
    NotificationEvent: FLOW_EVENTS,
}
"""Members that a flow can have, where not all of them."""
_SCALARS: Mapping[type, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
}


def flow_file_schema() -> dict[str, Any]:
    """The schema of what ``airflow release flows export`` writes and ``apply`` reads."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Approval flows of Airflow Release",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "flows"],
        "properties": {
            "version": {"const": FILE_VERSION},
            "flows": {
                "type": "array",
                "description": "The flow that is tried first in front.",
                "items": _of_class(flow.FlowSpec),
            },
        },
    }


def _of_class(shape: type[Any]) -> dict[str, Any]:
    described = {name: " ".join(text.split()) for name, text in _PARAM.findall(shape.__doc__ or "")}
    hints = get_type_hints(shape)
    properties = {}
    for item in fields(shape):
        schema = {**_of_type(_NOTIFIERS if item.name == "notifiers" else hints[item.name])}
        schema.update(_LIMITS.get((shape.__name__, item.name), {}))
        if item.name in described:
            schema["description"] = described[item.name].replace("``", "")
        properties[item.name] = schema
    required = [f.name for f in fields(shape) if f.default is MISSING and f.default_factory is MISSING]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


# The flow keeps them as they are written, so that what it does not know of a notifier comes back as it was.
_NOTIFIERS = tuple[NotifierSpec, ...]


def _of_type(hint: Any) -> dict[str, Any]:
    if hint is release_calendar.Calendar:
        return _of_type(tuple[release_calendar.Window, ...])
    if get_origin(hint) in {Union, UnionType}:
        (inner,) = (part for part in get_args(hint) if part is not NoneType)
        return _of_type(inner)
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _of_type(get_args(hint)[0])}
    if get_origin(hint) is dict:
        return {"type": "object"}
    if is_dataclass(hint):
        return _of_class(hint)  # type: ignore[arg-type]
    if issubclass(hint, Enum):
        return {"enum": [member.value for member in _OFFERED.get(hint, hint)]}
    return dict(_SCALARS[hint])
