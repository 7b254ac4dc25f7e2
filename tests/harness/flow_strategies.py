"""Random valid flows, facts and people for property tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.approval import StepRule
from airflow_release_plugin.domain.flow.flow import FlowSpec, Level, LevelRule, Scope, StepSpec, Validity
from airflow_release_plugin.domain.flow.release_calendar import Calendar, Window, WindowKind
from airflow_release_plugin.domain.flow.rules import LEVELLED_KINDS
from airflow_release_plugin.domain.kinds import KINDS_THAT_ASK, ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts

NAMES = ("ann", "bob", "cat", "dan", "eve")
ROLES = ("op", "lead", "risk")
TAGS = ("critical", "finance", "sandbox")
DAGS = ("etl_orders", "etl_stock", "report")

labels = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Nd")), min_size=1, max_size=12)
hours = st.one_of(st.integers(1, 240), st.floats(0.25, 240))
changes = st.lists(st.sampled_from(ChangeFact), max_size=3, unique=True).map(tuple)
small = st.one_of(st.none(), st.integers(0, 4))


def some(values: tuple[str, ...], *, at_least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """A few of ``values``, in any order."""
    return st.lists(st.sampled_from(values), min_size=at_least, max_size=3, unique=True).map(tuple)


@st.composite
def steps(draw: st.DrawFn) -> StepSpec:
    """A step that names somebody."""
    users = draw(some(NAMES))
    rule = draw(st.sampled_from(StepRule))
    escalates = draw(st.booleans())
    return StepSpec(
        name=draw(labels),
        users=users,
        roles=draw(some(ROLES, at_least=0 if users else 1)),
        rule=rule,
        quorum=draw(st.integers(1, 3)) if rule is StepRule.QUORUM else 1,
        including_users=draw(some(NAMES)) if rule is StepRule.QUORUM else (),
        including_roles=draw(some(ROLES)) if rule is StepRule.QUORUM else (),
        beside_previous=draw(st.booleans()),
        escalate_after_hours=draw(hours) if escalates else None,
        escalate_users=draw(some(NAMES, at_least=1)) if escalates else (),
        escalate_roles=draw(some(ROLES)) if escalates else (),
    )


def several_steps() -> st.SearchStrategy[tuple[StepSpec, ...]]:
    """Steps of one level, in a row or side by side; the first has none before it."""
    listed = st.lists(steps(), min_size=1, max_size=3)
    return listed.map(lambda found: (replace(found[0], beside_previous=False), *found[1:]))


@st.composite
def rules(draw: st.DrawFn) -> LevelRule:
    """A rule that something can fit."""
    low = draw(small)
    return LevelRule(
        changes=draw(changes),
        tags=draw(some(TAGS)),
        min_dags=low,
        max_dags=None if draw(st.booleans()) else (low or 0) + draw(st.integers(0, 2)),
        min_lines=draw(small),
        min_impacted=draw(small),
    )


scopes = st.builds(
    Scope,
    dag_ids=some((*DAGS, "etl_*", "*")),
    tags=some(TAGS),
    owners=some(NAMES),
    sources=some(("dev", "other")),
)
subjects = st.lists(
    st.builds(
        DagSubject,
        st.sampled_from(DAGS),
        tags=some(TAGS).map(frozenset),
        owners=some(NAMES).map(frozenset),
        source=st.sampled_from(["dev", "other"]),
    ),
    max_size=3,
).map(tuple)
facts = st.builds(
    RiskFacts,
    dags=subjects,
    also_changed=subjects,
    changes=changes.map(frozenset),
    lines=st.integers(0, 5),
    impacted=some(DAGS),
)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A fixed or a repeated window."""
    name, kind = draw(labels), draw(st.sampled_from(WindowKind))
    if draw(st.booleans()):
        start = datetime(2026, 3, 1, tzinfo=timezone.utc) + timedelta(minutes=draw(st.integers(0, 20_000)))
        return Window(name, kind, start=start, end=start + timedelta(minutes=draw(st.integers(1, 20_000))))
    minute, hour = draw(st.integers(0, 59)), draw(st.sampled_from(["*", "0", "2", "9-17", "*/6"]))
    day = draw(st.sampled_from(["*", "FRI", "SAT,SUN", "1-5"]))
    return Window(
        name,
        kind,
        cron=f"{minute} {hour} * * {day}",
        minutes=draw(st.sampled_from([1, 30, 60, 600, 4000])),
        zone=draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"])),
    )


@st.composite
def flows(draw: st.DrawFn, kinds: tuple[ReleaseKind, ...] = KINDS_THAT_ASK) -> FlowSpec:
    """A flow that :func:`check_flow` accepts."""
    kind = draw(st.sampled_from(kinds))
    most = 4 if kind in LEVELLED_KINDS else 1
    level = st.builds(Level, name=labels, steps=several_steps(), rule=rules())
    breakers = draw(some(ROLES))
    return FlowSpec(
        name=draw(labels),
        kind=kind,
        levels=tuple(draw(st.lists(level, min_size=1, max_size=most))),
        scope=draw(scopes),
        validity=draw(st.builds(Validity, hours, hours, hours)),
        enabled=draw(st.booleans()),
        remark=draw(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)),
        counts_twice=draw(st.booleans()),
        complete_only=kind is ReleaseKind.PROMOTION and draw(st.booleans()),
        tried_within_days=draw(st.none() | st.integers(1, 365)) if kind is ReleaseKind.PROMOTION else None,
        resolved_only=kind is not ReleaseKind.GATE and draw(st.booleans()),
        pipeline_dag_id=draw(st.sampled_from(["", "my_pipeline"])),
        break_glass_roles=breakers,
        break_glass_confirm_minutes=draw(st.none() | st.integers(1, 1440)) if breakers else None,
        calendar=Calendar(tuple(draw(st.lists(windows(), max_size=2)))),
    )
