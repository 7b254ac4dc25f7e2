from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_release_plugin.domain.flow.approval import StepRule
from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, LevelRule, Scope, StepSpec
from airflow_release_plugin.domain.flow.release_calendar import Calendar, Window, WindowKind
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.views.widgets.flow_summary import (
    change_verbs,
    flow_sentences,
    step_words,
    window_words,
)

OPS = StepSpec("Ops", roles=("Ops",))
ADMINS = StepSpec("Admins", roles=("Admins",))


def flow(*levels: Level, **more: Any) -> FlowSpec:
    return FlowSpec("Critical", ReleaseKind.PROMOTION, levels or (Level("Standard", (OPS,)),), **more)


@pytest.mark.req("R30")
def test_a_flow_says_what_it_does_as_people_would() -> None:
    rule = LevelRule(changes=(ChangeFact.SCHEDULE,))
    two = replace(OPS, rule=StepRule.QUORUM, quorum=2)
    friday = Window("Friday", WindowKind.DENY, "0 15 * * FRI", 540, zone="Europe/Berlin")
    spec = flow(
        Level("High", (two, ADMINS), rule), scope=Scope(tags=("critical",)), calendar=Calendar((friday,))
    )
    assert flow_sentences(spec)[:2] == [
        (
            "When a Dag tagged critical changes its schedule, two of Ops and then one of Admins must approve "
            "within 24 hours."
        ),
        "Nothing is released on Fridays after 15:00 Europe/Berlin.",
    ]


def test_the_highest_level_comes_first_and_the_rest_is_otherwise() -> None:
    spec = flow(Level("Low", (OPS,)), Level("High", (ADMINS,), LevelRule(min_lines=200, min_dags=1)))
    assert flow_sentences(spec)[:2] == [
        (
            "Level 2, High: When any Dag is released, in a release of at least 1 Dag, with at least 200 "
            "changed lines, one of Admins must approve within 24 hours."
        ),
        "Level 1, Low: In every other case, one of Ops must approve within 24 hours.",
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ReleaseKind.GATE, "When any Dag waits at a gate"),
        (ReleaseKind.ROLLBACK, "When any Dag is rolled back"),
        (ReleaseKind.RETIREMENT, "When any Dag is retired"),
        (ReleaseKind.IMPORT, "When any Dag is imported"),
        (ReleaseKind.EXPORT, "When any Dag is exported"),
        (ReleaseKind.PROMOTION, "When any Dag is released"),
    ],
)
def test_every_kind_has_its_words(kind: ReleaseKind, words: str) -> None:
    assert flow_sentences(replace(flow(), kind=kind))[0].startswith(words)


def test_every_fact_has_words() -> None:
    assert set(change_verbs()) == set(ChangeFact)


def test_a_scope_names_everything_that_narrows_it() -> None:
    scope = Scope(dag_ids=("etl_*", "dim_*"), tags=("a",), owners=("ann",), sources=("dev",))
    assert (
        "a Dag tagged a, named etl_* or dim_*, owned by ann and from dev is"
        in flow_sentences(flow(scope=scope))[0]
    )


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (StepSpec("N", users=("ann", "bob"), roles=("Op",)), "one of ann, bob or Op"),
        (StepSpec("N", roles=("Op", "Admin"), rule=StepRule.ALL), "everybody of Op and Admin"),
        (StepSpec("N", roles=("Op",), rule=StepRule.QUORUM, quorum=7), "7 of Op"),
        (
            StepSpec(
                "N",
                roles=("Op",),
                rule=StepRule.QUORUM,
                quorum=2,
                including_users=("ann",),
                including_roles=("Risk",),
            ),
            "two of Op, one of them of ann or Risk",
        ),
        (StepSpec("N"), "one of nobody"),
        (
            StepSpec("N", roles=("Op",), escalate_after_hours=1, escalate_users=("eve",)),
            "one of Op (after 1 hour also eve)",
        ),
    ],
)
def test_a_step_says_how_many_of_whom(step: StepSpec, words: str) -> None:
    assert step_words(step) == words


def test_a_fixed_window_is_said_in_its_own_time_zone() -> None:
    start = datetime(2026, 12, 24, 10, tzinfo=timezone.utc)
    window = Window("W", WindowKind.DENY, start=start, end=start + timedelta(hours=1), zone="Asia/Shanghai")

    assert window_words(window) == "from 2026-12-24 18:00 to 2026-12-24 19:00 Asia/Shanghai"


@pytest.mark.parametrize(
    ("cron", "minutes", "words"),
    [
        ("0 15 * * FRI", 540, "on Fridays after 15:00 UTC"),
        ("30 8 * * 1,3", 90, "on Mondays and Wednesdays from 08:30 to 10:00 UTC"),
        ("0 22 * * *", 480, "every day from 22:00 for 8 hours UTC"),
        ("0 0 * * SAT,SUN", 1440, "on Saturdays and Sundays all day UTC"),
        ("0 0 1 * *", 60, "in W (cron 0 0 1 * * for 60 minutes, UTC)"),
        ("0 0 * * MON-FRI", 60, "in W (cron 0 0 * * MON-FRI for 60 minutes, UTC)"),
    ],
)
def test_a_repeated_window_is_said_in_words_where_it_is_simple(cron: str, minutes: int, words: str) -> None:
    assert window_words(Window("W", WindowKind.DENY, cron, minutes)) == words


def test_a_fixed_window_says_from_when_to_when() -> None:
    start, end = datetime(2026, 12, 24, tzinfo=timezone.utc), datetime(2027, 1, 2, tzinfo=timezone.utc)
    window = Window("Year", WindowKind.ALLOW, start=start, end=end)
    sentences = flow_sentences(flow(calendar=Calendar((window,))))
    assert "It is released only from 2026-12-24 00:00 to 2027-01-02 00:00 UTC." in sentences


def test_what_else_holds_is_said() -> None:
    spec = flow(
        complete_only=True,
        tried_within_days=7,
        resolved_only=True,
        counts_twice=True,
        break_glass_roles=("Admin",),
        enabled=False,
    )
    assert flow_sentences(spec)[-6:] == [
        "Versions that may lack files are refused.",
        "Every version needs a successful dev run of exactly its files in the last 7 days.",
        "Approvals count only when every thread is resolved.",
        "One person may approve at several steps.",
        "In an emergency, Admin may override all this with a reason.",
        "The flow is switched off: nothing new starts under it.",
    ]
