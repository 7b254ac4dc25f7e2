"""
The form of a flow: what was typed, kept as typed, and the flow that it makes.

A *draft* is a tree of dicts and lists with the texts of the form; its fields are named by their path, such as
``levels.0.steps.1.users``. Adding, removing and moving parts happens here, so that the form works without
scripts and a script has nothing to know.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_release_plugin.domain.flow.flow import DEFAULT_HOURS, FlowSpec
from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.text.field_errors import Problem, refusal
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.views.web.datetime_input import local_text, read_moment

Draft = dict[str, Any]
CHOICES = frozenset({"changes", "events"})
"""Fields that are sets of checkboxes."""
_FIELD = re.compile(
    r"name|kind|enabled|remark|counts_twice|complete_only|tried_within_days|resolved_only|pipeline_dag_id"
    r"|break_glass_roles|break_glass_confirm_minutes|(scope|validity)\.(?!changes|events)\w+"
    r"|levels\.\d{1,4}\.(name|rule\.\w+|steps\.\d{1,4}\.\w+)|(calendar|notifiers)\.\d{1,4}\.\w+"
)
NAMES = ("users", "roles", "including_users", "including_roles", "escalate_users", "escalate_roles")
STEPS = ("basics", "levels", "scope", "validity", "notifications", "review")
_STEP_OF_FIELD = {
    "name": "basics",
    "remark": "basics",
    "levels": "levels",
    "complete_only": "levels",
    "tried_within_days": "levels",
    "resolved_only": "levels",
    "validity": "validity",
    "break_glass_confirm_minutes": "validity",
    "calendar": "validity",
    "notifiers": "notifications",
}


_VALIDITY = {"approval": _("approval"), "wait": _("wait"), "execution": _("execution")}


def _blank_step() -> Draft:
    return {"name": "", "users": "", "roles": "", "rule": "any", "quorum": "2"}


def _blank(part: str) -> Draft:
    if part == "levels":
        return {"name": "", "rule": {"changes": []}, "steps": [{**_blank_step(), "name": _("Approval")}]}
    if part == "steps":
        return _blank_step()
    if part == "calendar":
        return {"name": "", "kind": "deny", "mode": "cron", "cron": "", "minutes": "60", "zone": "UTC"}
    if part == "notifiers":
        return {"notifier": "", "kwargs": "{}", "events": ["requested", "decided"]}
    raise InvalidRequestError(_("A flow has no list named %(name)s.", name=part))


def new_draft() -> Draft:
    """What the form of a new flow shows."""
    level = {**_blank("levels"), "name": _("Standard")}
    hours = str(DEFAULT_HOURS)
    return {
        "name": "",
        "kind": ReleaseKind.PROMOTION.value,
        "enabled": "1",
        "levels": [level],
        "validity": {"approval": hours, "wait": hours, "execution": hours},
    }


def draft_of(spec: FlowSpec) -> Draft:
    """The form of a flow."""
    raw = copy.deepcopy(flow_to_dict(spec))
    for level in raw["levels"]:
        level["rule"] = {**_texts(level.get("rule", {})), "changes": level.get("rule", {}).get("changes", [])}
        level["steps"] = [_step_draft(step) for step in level["steps"]]
    return {
        **raw,
        "enabled": "1" if spec.enabled else "",
        "counts_twice": "1" if spec.counts_twice else "",
        "complete_only": "1" if spec.complete_only else "",
        "tried_within_days": "" if spec.tried_within_days is None else str(spec.tried_within_days),
        "resolved_only": "1" if spec.resolved_only else "",
        "break_glass_confirm_minutes": _text(raw.get("break_glass_confirm_minutes", "")),
        "scope": _texts(raw.get("scope", {})),
        "validity": _texts(raw["validity"]),
        "break_glass_roles": ", ".join(spec.break_glass_roles),
        "calendar": [
            {
                **_texts(window.to_dict()),
                "mode": "cron" if window.cron else "fixed",
                "zone": window.zone,
                "start": local_text(window.start, window.zone),
                "end": local_text(window.end, window.zone),
            }
            for window in spec.calendar.windows
        ],
        "notifiers": [
            {
                "notifier": str(notifier.get("notifier", "")),
                "kwargs": json.dumps(notifier.get("kwargs", {}), ensure_ascii=False),
                "events": list(notifier.get("events", [])),
            }
            for notifier in spec.notifiers
        ],
    }


def _step_draft(step: Mapping[str, Any]) -> Draft:
    beside = "1" if step.get("beside_previous") else ""
    return {**_blank_step(), **_texts(step), "beside_previous": beside}


def _texts(values: Mapping[str, Any]) -> Draft:
    return {key: _text(value) for key, value in values.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def read_draft(fields: Iterable[tuple[str, list[str]]]) -> Draft:
    """The draft in a posted form: each field's path with its values; other fields are left out."""
    draft: Draft = {"validity": {}}  # of a form that somebody made, or that an older page had
    for name, values in fields:
        if not _FIELD.fullmatch(name):
            continue
        *folders, last = name.split(".")
        place: Any = draft
        for part in folders:
            place = place.setdefault(part, {})
        place[last] = values if last in CHOICES else values[0].strip()
    for part in ("levels", "calendar", "notifiers"):
        draft[part] = _listed(draft.get(part, {}))
    for level in draft["levels"]:
        level["rule"] = {"changes": [], **level.get("rule", {})}
        level["steps"] = _listed(level.get("steps", {}))
    return draft


def _listed(numbered: Draft) -> list[Draft]:
    return [numbered[key] for key in sorted(numbered, key=int)]


def changed(draft: Draft, deed: str) -> Draft:
    """
    The draft after a button was pressed.

    :param deed: ``add:levels``, ``remove:levels.0``, ``up:levels.0.steps.1`` or ``down:…``
    :raises InvalidRequestError: it names no part of the draft
    """
    result = copy.deepcopy(draft)
    verb, _sep, path = deed.partition(":")
    *folders, last = path.split(".")
    if verb == "add":
        parent, blank = _at(result, folders), _blank(last)
        if not isinstance(parent, dict) or bool(folders) is not (last == "steps"):
            raise InvalidRequestError(_("The form has no part %(path)s.", path=path))
        parent.setdefault(last, []).append(blank)
        return result
    items = _at(result, folders)
    index = int(last) if last.isdecimal() else -1
    if verb not in {"remove", "up", "down"} or not isinstance(items, list) or not 0 <= index < len(items):
        raise InvalidRequestError(_("The form has no part %(path)s.", path=path))
    item = items.pop(index)
    if verb != "remove":
        items.insert(max(index - 1, 0) if verb == "up" else index + 1, item)
    return result


def _at(draft: Draft, folders: list[str]) -> Any:
    place: Any = draft
    for part in folders:
        if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
            place = place[int(part)]
        elif isinstance(place, dict) and part in place:
            place = place[part]
        else:
            raise InvalidRequestError(_("The form has no part %(path)s.", path=".".join(folders)))
    return place


def raw_of(draft: Draft) -> dict[str, Any]:
    """
    The flow in the form that :func:`~airflow_release_plugin.domain.flow.values.flow_from_dict` reads.

    :raises InvalidRequestError: something that should be a number, a time or JSON is none; all are named
    """
    return _Reader().flow(draft)


class _Reader:
    """Turns texts into values and collects what cannot be."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def flow(self, draft: Draft) -> dict[str, Any]:
        validity = draft.get("validity", {})
        raw = {
            "name": draft.get("name", ""),
            "kind": draft.get("kind", ""),
            "enabled": bool(draft.get("enabled")),
            "remark": draft.get("remark", ""),
            "counts_twice": bool(draft.get("counts_twice")),
            "complete_only": bool(draft.get("complete_only")),
            "tried_within_days": self._days(draft.get("tried_within_days", "")),
            "resolved_only": bool(draft.get("resolved_only")),
            "pipeline_dag_id": draft.get("pipeline_dag_id", ""),
            "scope": {key: names(text) for key, text in draft.get("scope", {}).items()},
            "validity": {
                key: self._number(
                    "validity", text, _("The validity (%(part)s)", part=_VALIDITY.get(key, key))
                )
                for key, text in validity.items()
            },
            "levels": [self._level(i, level) for i, level in enumerate(draft.get("levels", []), start=1)],
            "break_glass_roles": names(draft.get("break_glass_roles", "")),
            "break_glass_confirm_minutes": self._minutes(draft.get("break_glass_confirm_minutes", "")),
            "calendar": [self._window(window) for window in draft.get("calendar", [])],
            "notifiers": [self._notifier(notifier) for notifier in draft.get("notifiers", [])],
        }
        if self._problems:
            raise refusal(self._problems)
        return raw

    def _problem(self, field: str, text: str) -> None:
        self._problems.append(Problem(field, text))

    def _number(self, field: str, text: str, what: str, *, whole: bool = False) -> float | None:
        try:
            return int(text) if whole or text.isdecimal() else float(text)
        except ValueError:
            self._problem(field, _("%(what)s: %(text)r is not a number.", what=what, text=text))
            return None

    def _days(self, text: str) -> float | None:
        return self._number("tried_within_days", text, _("Tried in dev"), whole=True) if text else None

    def _minutes(self, text: str) -> float | None:
        field = "break_glass_confirm_minutes"
        return self._number(field, text, _("Breaking the glass"), whole=True) if text else None

    def _level(self, number: int, draft: Draft) -> dict[str, Any]:
        where = _("Level %(number)s", number=number)
        rule = draft.get("rule", {})
        limits = {
            key: self._number("levels", rule[key], where, whole=True)
            for key in ("min_dags", "max_dags", "min_lines", "min_impacted")
            if rule.get(key)
        }
        changes = rule.get("changes", [])
        return {
            "name": draft.get("name", ""),
            "rule": {**limits, "changes": changes, "tags": names(rule.get("tags", ""))},
            "steps": [self._step(where, step) for step in draft.get("steps", [])],
        }

    def _step(self, where: str, draft: Draft) -> dict[str, Any]:
        step: dict[str, Any] = {"name": draft.get("name", ""), "rule": draft.get("rule", "any")}
        step |= {key: names(draft.get(key, "")) for key in NAMES}
        if draft.get("beside_previous"):
            step["beside_previous"] = True
        if step["rule"] == "quorum":
            step["quorum"] = self._number("levels", draft.get("quorum", ""), where, whole=True)
        if draft.get("escalate_after_hours"):
            step["escalate_after_hours"] = self._number("levels", draft["escalate_after_hours"], where)
        return step

    def _window(self, draft: Draft) -> dict[str, Any]:
        name, zone = draft.get("name", ""), draft.get("zone") or "UTC"
        what = _("Window %(name)r", name=name)
        window: dict[str, Any] = {"name": name, "kind": draft.get("kind", "deny"), "zone": zone}
        if draft.get("mode") == "cron":
            minutes = self._number("calendar", draft.get("minutes", ""), what, whole=True)
            return {**window, "cron": draft.get("cron", ""), "minutes": minutes or 0}
        for key in ("start", "end"):
            try:
                window[key] = read_moment(draft.get(key, ""), zone).isoformat()
            except InvalidRequestError as error:
                self._problem("calendar", _("%(what)s: %(problem)s", what=what, problem=error))
        return window

    def _notifier(self, draft: Draft) -> dict[str, Any]:
        try:
            kwargs = json.loads(draft.get("kwargs") or "{}")
        except ValueError:
            kwargs = None
        if not isinstance(kwargs, dict):
            text = _("The arguments of a notifier are a JSON object, such as {}.")
            self._problem("notifiers", text)
        return {"notifier": draft.get("notifier", ""), "kwargs": kwargs, "events": draft.get("events", [])}


def names(text: str) -> list[str]:
    """Names separated by commas, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def problems_by_step(error: InvalidRequestError) -> dict[str, list[str]]:
    """What a refusal says, under the steps of the form that it is about."""
    problems: dict[str, list[str]] = {}
    for problem in error.context.get("problems") or [{"field": "", "text": error.message}]:
        problems.setdefault(_STEP_OF_FIELD.get(problem["field"], "review"), []).append(problem["text"])
    return problems
