"""A flow as plain values, which JSON and YAML can hold, and read back from them."""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.domain.flow.approval import StepRule
from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, LevelRule, Scope, StepSpec, Validity
from airflow_release_plugin.domain.flow.release_calendar import Calendar, Window
from airflow_release_plugin.domain.flow.rules import check_flow
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.domain.text.strict_json import read_fields
from airflow_release_plugin.exceptions import InvalidRequestError


def flow_to_dict(spec: FlowSpec) -> dict[str, Any]:
    """JSON and YAML form; :func:`flow_from_dict` is its inverse. Fields that say nothing are left out."""
    return {
        "name": spec.name,
        "kind": spec.kind.value,
        "enabled": spec.enabled,
        **({"remark": spec.remark} if spec.remark else {}),
        **({} if spec.scope.is_everything else {"scope": _filled(vars(spec.scope))}),
        "validity": dict(vars(spec.validity)),
        "levels": [_level_to_dict(level) for level in spec.levels],
        **({"counts_twice": True} if spec.counts_twice else {}),
        **({"complete_only": True} if spec.complete_only else {}),
        **({"tried_within_days": spec.tried_within_days} if spec.tried_within_days is not None else {}),
        **({"resolved_only": True} if spec.resolved_only else {}),
        **({"pipeline_dag_id": spec.pipeline_dag_id} if spec.pipeline_dag_id else {}),
        **({"break_glass_roles": list(spec.break_glass_roles)} if spec.break_glass_roles else {}),
        **_filled({"break_glass_confirm_minutes": spec.break_glass_confirm_minutes}),
        **({"calendar": [w.to_dict() for w in spec.calendar.windows]} if spec.calendar.windows else {}),
        **({"notifiers": [dict(n) for n in spec.notifiers]} if spec.notifiers else {}),
    }


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values of the fields that say something."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    return {key: value for key, value in plain.items() if value not in (None, [], "")}


def _level_to_dict(level: Level) -> dict[str, Any]:
    rule = _filled({**vars(level.rule), "changes": tuple(c.value for c in level.rule.changes)})
    steps = []
    for step in level.steps:
        values = _filled({**vars(step), "rule": step.rule.value})
        if step.rule is not StepRule.QUORUM:
            values.pop("quorum", None)
        if not step.beside_previous:
            values.pop("beside_previous")
        steps.append(values)
    return {"name": level.name, **({"rule": rule} if rule else {}), "steps": steps}


def flow_from_dict(raw: Any) -> FlowSpec:
    """
    A checked flow from its JSON or YAML form.

    :raises InvalidRequestError: unknown keys, wrong types, or a rule of ``flow_rules``
    """
    spec = stored_flow(raw)
    check_flow(spec)
    return spec


def stored_flow(raw: Any) -> FlowSpec:
    """A flow that was checked when it was stored; what is under way goes on when rules become stricter."""
    try:
        values = read_fields(raw, FlowSpec)
        return FlowSpec(
            **{
                **values,
                "kind": ReleaseKind(values.get("kind")),
                "levels": tuple(_level_from_dict(level) for level in values.get("levels", ())),
                "scope": Scope(**read_fields(values.get("scope", {}), Scope)),
                "validity": Validity(**read_fields(values.get("validity", {}), Validity)),
                "calendar": Calendar(tuple(Window.from_dict(w) for w in values.get("calendar", ()))),
                "notifiers": tuple(dict(notifier) for notifier in values.get("notifiers", ())),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequestError("The flow is not readable: %(error)s.", error=error) from error


def _level_from_dict(raw: Any) -> Level:
    values = read_fields(raw, Level)
    rule = read_fields(values.get("rule", {}), LevelRule)
    rule["changes"] = tuple(ChangeFact(change) for change in rule.get("changes", ()))
    steps = []
    for step in values.get("steps", ()):
        read = read_fields(step, StepSpec)
        steps.append(StepSpec(**{**read, "rule": StepRule(read.get("rule", StepRule.ANY))}))
    return Level(**{**values, "steps": tuple(steps), "rule": LevelRule(**rule)})
