"""What a flow may be, with a sentence for each rule that one breaks, and what is legal but hardly meant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from airflow_release_plugin.domain.flow.approval import StepRule
from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, StepSpec
from airflow_release_plugin.domain.flow.notification import notifier_problems
from airflow_release_plugin.domain.flow.release_calendar import MAX_WINDOWS
from airflow_release_plugin.domain.kinds import KINDS_THAT_ASK, ReleaseKind
from airflow_release_plugin.domain.text.field_errors import Problem, refusal
from airflow_release_plugin.messages import Message

MAX_LEVELS = 10
MAX_STEPS = 10
MAX_QUORUM = 100
MAX_HOURS = 240
MAX_DAYS = 365
MAX_CONFIRM_MINUTES = 1440
MAX_NAME = 110
MAX_REMARK = 200
_NAME = re.compile(r"[\w .\-]+")
LEVELLED_KINDS = frozenset({ReleaseKind.PROMOTION, ReleaseKind.ROLLBACK, ReleaseKind.IMPORT})
"""Kinds that may have several levels; the others have one."""


def check_flow(spec: FlowSpec) -> None:
    """Raise ``InvalidRequestError`` with every rule that the flow breaks, one per line."""
    texts_by_field = {
        "name": _name_problems(spec),
        "kind": _kind_problems(spec),
        "levels": _level_problems(spec),
        "validity": _hour_problems(spec),
        "tried_within_days": _trial_problems(spec),
        "complete_only": _completeness_problems(spec),
        "resolved_only": _thread_problems(spec),
        "break_glass_confirm_minutes": _confirmation_problems(spec),
    }
    problems = [Problem(field, text) for field, texts in texts_by_field.items() for text in texts]
    if len(spec.remark) > MAX_REMARK:
        text = Message(
            "The remark has %(number)s characters; at most %(most)s are possible.",
            number=len(spec.remark),
            most=MAX_REMARK,
        )
        problems.append(Problem("remark", text))
    problems += [Problem("notifiers", text) for text in notifier_problems(spec.notifiers)]
    if len(spec.calendar.windows) > MAX_WINDOWS:
        text = Message(
            "The calendar has %(number)s windows; at most %(most)s.",
            number=len(spec.calendar.windows),
            most=MAX_WINDOWS,
        )
        problems.append(Problem("calendar", text))
    if problems:
        raise refusal(problems)


def _name_problems(spec: FlowSpec) -> list[str]:
    if not 1 <= len(spec.name) <= MAX_NAME:
        return [
            Message(
                "A flow's name has 1 to %(most)s characters; this one has %(number)s.",
                most=MAX_NAME,
                number=len(spec.name),
            )
        ]
    if not _NAME.fullmatch(spec.name) or spec.name != spec.name.strip():
        return [
            Message(
                "A flow's name consists of letters, digits, Chinese characters, spaces inside, and "
                "- _ . only."
            )
        ]
    return []


def _kind_problems(spec: FlowSpec) -> list[str]:
    if spec.kind in KINDS_THAT_ASK:
        return []
    text = Message(
        "A flow of kind %(kind)s would hold nothing back: who may export is a matter of "
        "rights. Choose another kind.",
        kind=spec.kind.value,
    )
    return [text]


def _level_problems(spec: FlowSpec) -> list[str]:
    problems: list[str] = []
    if not 1 <= len(spec.levels) <= MAX_LEVELS:
        problems.append(
            Message(
                "A flow has 1 to %(most)s levels; this one has %(number)s.",
                most=MAX_LEVELS,
                number=len(spec.levels),
            )
        )
    if len(spec.levels) > 1 and spec.kind not in LEVELLED_KINDS:
        problems.append(Message("A flow of kind %(kind)s has exactly one level.", kind=spec.kind.value))
    for number, level in enumerate(spec.levels, start=1):
        problems += _steps_problems(number, level)
        if not 1 <= len(level.name) <= MAX_NAME:
            problems.append(
                Message(
                    "Level %(number)s needs a name of 1 to %(most)s characters.", number=number, most=MAX_NAME
                )
            )
        low, high = level.rule.min_dags, level.rule.max_dags
        if low is not None and high is not None and low > high:
            problems.append(
                Message(
                    "Level %(number)s: the number of Dags runs from %(low)s to %(high)s; nothing fits.",
                    number=number,
                    low=low,
                    high=high,
                )
            )
    return problems


def _steps_problems(number: int, level: Level) -> list[str]:
    problems: list[str] = []
    if not 1 <= len(level.steps) <= MAX_STEPS:
        problems.append(
            Message(
                "Level %(number)s needs 1 to %(most)s steps; it has %(actual)s.",
                number=number,
                most=MAX_STEPS,
                actual=len(level.steps),
            )
        )
    for step in level.steps:
        problems += _step_problems(number, step)
    if level.steps and level.steps[0].beside_previous:
        problems.append(
            Message(
                "Level %(number)s, step %(step)r: it is the first; no step is before it to stand beside.",
                number=number,
                step=level.steps[0].name,
            )
        )
    return problems


def _step_problems(number: int, step: StepSpec) -> list[str]:
    where = Message("Level %(number)s, step %(step)r", number=number, step=step.name)
    problems: list[str] = []
    if not 1 <= len(step.name) <= MAX_NAME:
        problems.append(
            Message(
                "%(where)s: a step needs a name of 1 to %(most)s characters.",
                where=where,
                most=MAX_NAME,
            )
        )
    if not step.users and not step.roles:
        problems.append(Message("%(where)s: nobody is named. Name at least one user or role.", where=where))
    if step.rule is StepRule.QUORUM and not 1 <= step.quorum <= MAX_QUORUM:
        problems.append(Message("%(where)s: a quorum is 1 to %(most)s.", where=where, most=MAX_QUORUM))
    if (step.including_users or step.including_roles) and step.rule is not StepRule.QUORUM:
        problems.append(
            Message(
                "%(where)s: it says who must be among those who approve, which only a quorum can. "
                "Ask for so many of them, or name these people only.",
                where=where,
            )
        )
    further = step.escalate_users or step.escalate_roles
    if step.escalate_after_hours is None and further:
        problems.append(
            Message("%(where)s: it names people to escalate to, but not after how many hours.", where=where)
        )
    if step.escalate_after_hours is not None:
        if not 0 < step.escalate_after_hours <= MAX_HOURS:
            problems.append(
                Message(
                    "%(where)s: it escalates after more than 0 and at most %(most)s hours.",
                    where=where,
                    most=MAX_HOURS,
                )
            )
        if not further:
            problems.append(
                Message("%(where)s: it escalates to nobody. Name a user or role to escalate to.", where=where)
            )
    return problems


def _hour_problems(spec: FlowSpec) -> list[str]:
    hours = {
        Message("approval"): spec.validity.approval,
        Message("wait before execution"): spec.validity.wait,
        Message("execution"): spec.validity.execution,
    }
    return [
        Message(
            "The validity for %(name)s is %(hours)s hours; it must be more than 0 and at most %(most)s.",
            name=name,
            hours=f"{number:g}",
            most=MAX_HOURS,
        )
        for name, number in hours.items()
        if not 0 < number <= MAX_HOURS
    ]


def _trial_problems(spec: FlowSpec) -> list[str]:
    days = spec.tried_within_days
    if days is None:
        return []
    if spec.kind is not ReleaseKind.PROMOTION:
        return [
            Message(
                "Only a flow of kind promotion can demand a dev run: others bring nothing from the source."
            )
        ]
    if not 1 <= days <= MAX_DAYS:
        return [
            Message(
                "A dev run can be demanded within 1 to %(most)s days; %(days)s is not possible.",
                most=MAX_DAYS,
                days=days,
            )
        ]
    return []


def _completeness_problems(spec: FlowSpec) -> list[str]:
    if spec.complete_only and spec.kind is not ReleaseKind.PROMOTION:
        return [
            Message(
                "Only a flow of kind promotion can demand complete units: others bring nothing from "
                "the source."
            )
        ]
    return []


def _thread_problems(spec: FlowSpec) -> list[str]:
    if spec.resolved_only and spec.kind is ReleaseKind.GATE:
        return [Message("A flow of kind gate cannot demand that threads are resolved: gates have none.")]
    return []


def _confirmation_problems(spec: FlowSpec) -> list[str]:
    minutes = spec.break_glass_confirm_minutes
    if minutes is None:
        return []
    if not spec.break_glass_roles:
        return [Message("A second person is to confirm that the glass is broken, but no role may break it.")]
    if not 1 <= minutes <= MAX_CONFIRM_MINUTES:
        return [
            Message(
                "A second person has 1 to %(most)s minutes to confirm; %(minutes)s is not possible.",
                most=MAX_CONFIRM_MINUTES,
                minutes=minutes,
            )
        ]
    return []


def level_warnings(levels: Sequence[Level]) -> list[str]:
    """What an administrator should know about levels that can never apply."""
    warnings: list[str] = []
    for number, level in enumerate(levels, start=1):
        above = enumerate(levels[number:], start=number + 1)
        shadow = next((n for n, higher in above if level.rule.implies(higher.rule)), None)
        if shadow is not None:
            warnings.append(
                Message(
                    "Level %(number)s (%(name)s) can never apply: level %(shadow)s holds whenever it "
                    "does, and the highest wins.",
                    number=number,
                    name=level.name,
                    shadow=shadow,
                )
            )
    if levels and not any(level.rule.is_empty for level in levels):
        warnings.append(
            Message(
                "No level holds for everything; what fits none is treated as level %(number)s.",
                number=len(levels),
            )
        )
    return warnings
