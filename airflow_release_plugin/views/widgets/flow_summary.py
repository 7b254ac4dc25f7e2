"""What a flow does, in plain words. Pure functions of the flow; every phrase can be translated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from zoneinfo import ZoneInfo

from airflow_release_plugin.domain.flow.approval import StepRule, stages
from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, LevelRule, Scope, StepSpec
from airflow_release_plugin.domain.flow.release_calendar import Window, WindowKind
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted

_SIMPLE_CRON = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* (\*|[A-Za-z0-9,]+)")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MINUTES_OF_DAY = 24 * 60


def flow_sentences(flow: FlowSpec) -> list[str]:
    """
    What the flow does: one sentence for each level, the highest first, then what else holds.

    The highest level that fits applies, so each lower one is read as "otherwise".
    """
    several = len(flow.levels) > 1
    sentences = [
        _level_sentence(flow, number, several=several)
        for number in range(len(flow.levels), 0, -1)
        if flow.levels[number - 1].steps
    ]
    sentences += _calendar_sentences(flow.calendar.windows)
    sentences.append(
        _(
            "Once approved, it must start within %(wait)s and be done within %(execution)s.",
            wait=hours(flow.validity.wait),
            execution=hours(flow.validity.execution),
        )
    )
    if flow.complete_only:
        sentences.append(_("Versions that may lack files are refused."))
    if flow.tried_within_days is not None:
        sentences.append(
            counted(
                "Every version needs a successful dev run of exactly its files in the last day.",
                "Every version needs a successful dev run of exactly its files in the last %(num)s days.",
                flow.tried_within_days,
            )
        )
    if flow.resolved_only:
        sentences.append(_("Approvals count only when every thread is resolved."))
    if flow.counts_twice:
        sentences.append(_("One person may approve at several steps."))
    if flow.break_glass_roles:
        sentences.append(_emergency_sentence(flow))
    if not flow.enabled:
        sentences.append(_("The flow is switched off: nothing new starts under it."))
    return sentences


def _emergency_sentence(flow: FlowSpec) -> str:
    who = _or(flow.break_glass_roles)
    if flow.break_glass_confirm_minutes is None:
        return _("In an emergency, %(who)s may override all this with a reason.", who=who)
    return counted(
        "In an emergency, two of %(who)s together may override all this, the second within a minute.",
        "In an emergency, two of %(who)s together may override all this, the second within %(num)s minutes.",
        flow.break_glass_confirm_minutes,
        who=who,
    )


def _level_sentence(flow: FlowSpec, number: int, *, several: bool) -> str:
    level = flow.levels[number - 1]
    is_rest = several and number < len(flow.levels) and level.rule.is_empty
    when = _("In every other case") if is_rest else _when(flow, level.rule)
    text = _(
        "%(when)s, %(who)s must approve within %(hours)s.",
        when=when,
        who=_steps(level),
        hours=hours(flow.validity.approval),
    )
    return (
        _("Level %(number)s, %(name)s: %(text)s", number=number, name=level.name, text=text)
        if several
        else text
    )


def hours(value: float) -> str:
    """Hours in words: ``24 hours``, ``1.5 hours``, ``1 hour``."""
    return _("1 hour") if value == 1 else _("%(hours)s hours", hours=f"{value:g}")


def _when(flow: FlowSpec, rule: LevelRule) -> str:
    dag = _dag(flow.scope, rule.tags)
    if flow.kind is not ReleaseKind.PROMOTION:
        verb: str = {
            ReleaseKind.ROLLBACK: _("is rolled back"),
            ReleaseKind.RETIREMENT: _("is retired"),
            ReleaseKind.IMPORT: _("is imported"),
            ReleaseKind.EXPORT: _("is exported"),
            ReleaseKind.GATE: _("waits at a gate"),
        }[flow.kind]
    else:
        verbs = change_verbs()
        verb = _or([verbs[c] for c in rule.changes]) if rule.changes else _("is released")
    return reduce(_clause, [_("When %(dag)s %(verb)s", dag=dag, verb=verb), *_quantities(rule)])


def change_verbs() -> dict[ChangeFact, str]:
    """What a DAG does when a fact holds, as a verb phrase."""
    return {
        ChangeFact.NEW: _("is new"),
        ChangeFact.MODIFIED: _("has a changed file"),
        ChangeFact.REMOVED: _("is removed"),
        ChangeFact.SCHEDULE: _("changes its schedule"),
        ChangeFact.CATCHUP: _("changes its catchup"),
        ChangeFact.RETRIES: _("changes retries"),
        ChangeFact.POOL: _("changes a pool"),
        ChangeFact.QUEUE: _("changes a queue"),
        ChangeFact.TASK_ADDED: _("gets a new task"),
        ChangeFact.TASK_REMOVED: _("loses a task"),
        ChangeFact.OPERATOR: _("changes an operator"),
        ChangeFact.DEPENDENCIES: _("changes the order of tasks"),
        ChangeFact.OWNER: _("changes its owner"),
        ChangeFact.TAGS: _("changes its tags"),
        ChangeFact.SHARED_FILE: _("changes a file that other Dags use"),
        ChangeFact.ALSO_CHANGES: _("changes without being named"),
        ChangeFact.UNKNOWN: _("changes in a way that nobody can tell"),
    }


def _dag(scope: Scope, level_tags: Sequence[str]) -> str:
    parts = []
    if scope.tags:
        parts.append(_("tagged %(tags)s", tags=_or(scope.tags)))
    if level_tags:
        parts.append(_("tagged %(tags)s", tags=_or(level_tags)))
    if scope.dag_ids:
        parts.append(_("named %(names)s", names=_or(scope.dag_ids)))
    if scope.owners:
        parts.append(_("owned by %(owners)s", owners=_or(scope.owners)))
    if scope.sources:
        parts.append(_("from %(sources)s", sources=_or(scope.sources)))
    return _("a Dag %(parts)s", parts=_and(parts)) if parts else _("any Dag")


def _quantities(rule: LevelRule) -> list[str]:
    limits: list[str] = []
    low, high = rule.min_dags, rule.max_dags
    if low is not None and high is not None:
        limits.append(_("together with others, %(low)s to %(high)s Dags in all", low=low, high=high))
    elif low is not None:
        limits.append(
            counted("in a release of at least %(num)s Dag", "in a release of at least %(num)s Dags", low)
        )
    elif high is not None:
        limits.append(
            counted("in a release of at most %(num)s Dag", "in a release of at most %(num)s Dags", high)
        )
    if rule.min_lines is not None:
        limits.append(
            counted(
                "with at least %(num)s changed line", "with at least %(num)s changed lines", rule.min_lines
            )
        )
    if rule.min_impacted is not None:
        limits.append(
            counted(
                "and at least %(num)s other Dag may feel it",
                "and at least %(num)s other Dags may feel it",
                rule.min_impacted,
            )
        )
    return limits


def _steps(level: Level) -> str:
    return reduce(_then, [_stage_words([level.steps[i] for i in stage]) for stage in stages(level.steps)])


def _stage_words(steps: Sequence[StepSpec]) -> str:
    text = _and([step_words(step) for step in steps])
    return _("%(steps)s in any order", steps=text) if len(steps) > 1 else text


def step_words(step: StepSpec) -> str:
    """Who must agree at a step: ``two of Ops``."""
    named = (*step.users, *step.roles)
    who = _or(named) if named else _("nobody")
    if step.rule is StepRule.ALL:
        text: str = _("everybody of %(who)s", who=_and(named) if named else who)
    else:
        text = _("%(number)s of %(who)s", number=_number(step), who=who)
    if including := (*step.including_users, *step.including_roles):
        text = _clause(text, _("one of them of %(who)s", who=_or(including)))
    further = (*step.escalate_users, *step.escalate_roles)
    if step.escalate_after_hours is not None and further:
        text = _(
            "%(who)s (after %(hours)s also %(further)s)",
            who=text,
            hours=hours(step.escalate_after_hours),
            further=_or(further),
        )
    return text


def _number(step: StepSpec) -> str:
    number = step.quorum if step.rule is StepRule.QUORUM else 1
    words = {1: _("one"), 2: _("two"), 3: _("three"), 4: _("four"), 5: _("five")}
    return words.get(number, str(number))


def _calendar_sentences(windows: Sequence[Window]) -> list[str]:
    denied = [window_words(window) for window in windows if window.kind is WindowKind.DENY]
    allowed = [window_words(window) for window in windows if window.kind is WindowKind.ALLOW]
    sentences: list[str] = []
    if allowed:
        sentences.append(_("It is released only %(times)s.", times=_or(allowed)))
    if denied:
        sentences.append(_("Nothing is released %(times)s.", times=_or(denied)))
    return sentences


def window_words(window: Window) -> str:
    """When a window is: ``on Fridays after 15:00 Europe/Berlin``."""
    if not window.cron and window.start is not None and window.end is not None:
        start, end = (m.astimezone(ZoneInfo(window.zone)) for m in (window.start, window.end))
        return _(
            "from %(start)s to %(end)s",
            start=f"{start:%Y-%m-%d %H:%M}",
            end=f"{end:%Y-%m-%d %H:%M} {window.zone}",
        )
    simple = _SIMPLE_CRON.fullmatch(window.cron)
    days = _days(simple[3]) if simple else None
    if simple is None or days is None:
        return _(
            "in %(name)s (cron %(cron)s for %(minutes)s minutes, %(zone)s)",
            name=window.name,
            cron=window.cron,
            minutes=window.minutes,
            zone=window.zone,
        )
    return _(
        "%(days)s %(hours)s %(zone)s",
        days=days,
        hours=_hours_of_day(simple, window.minutes),
        zone=window.zone,
    )


def _hours_of_day(simple: re.Match[str], minutes: int) -> str:
    begins = int(simple[2]) * 60 + int(simple[1])
    ends = begins + minutes
    clock = f"{begins // 60:02}:{begins % 60:02}"
    if begins == 0 and minutes == MINUTES_OF_DAY:
        return _("all day")
    if ends == MINUTES_OF_DAY:
        return _("after %(time)s", time=clock)
    if ends > MINUTES_OF_DAY:
        return _("from %(time)s for %(hours)s", time=clock, hours=hours(minutes / 60))
    return _("from %(start)s to %(end)s", start=clock, end=f"{ends // 60:02}:{ends % 60:02}")


def _days(field: str) -> str | None:
    """Days of the week in words; ``None`` for what is no plain list of days."""
    if field == "*":
        return _("every day")
    names = (
        _("Sundays"),
        _("Mondays"),
        _("Tuesdays"),
        _("Wednesdays"),
        _("Thursdays"),
        _("Fridays"),
        _("Saturdays"),
    )
    days = []
    for part in field.upper().split(","):
        number = int(part) % 7 if part.isdecimal() else _DAYS.index(part) if part in _DAYS else None
        if number is None:
            return None
        days.append(names[number])
    return _("on %(days)s", days=_and(days))


def _or(parts: Sequence[str]) -> str:
    """``a, b or c``."""
    if len(parts) < 2:
        return parts[0] if parts else ""
    return _("%(others)s or %(last)s", others=parts[:-1], last=parts[-1])


def _and(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(parts) < 2:
        return parts[0] if parts else ""
    return _("%(others)s and %(last)s", others=parts[:-1], last=parts[-1])


def _then(first: str, second: str) -> str:
    return _("%(first)s and then %(second)s", first=first, second=second)


def _clause(first: str, second: str) -> str:
    return _("%(first)s, %(second)s", first=first, second=second)
