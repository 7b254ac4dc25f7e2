"""Approval flows: what an administrator configures. A flow is plain data; each edit makes a new revision."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_release_plugin.domain.flow.approval import StepRule
from airflow_release_plugin.domain.flow.release_calendar import Calendar
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact, DagSubject, RiskFacts

DEFAULT_HOURS = 24


@dataclass(frozen=True)
class Scope:
    """
    Which DAGs a flow is for. An empty field does not narrow; a DAG must fit every field that is not empty.

    :param dag_ids: globs on the id in the target
    """

    dag_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def fits(self, dag: DagSubject) -> bool:
        """Whether one DAG is in scope."""
        return (
            (not self.dag_ids or any(fnmatch.fnmatchcase(dag.dag_id, glob) for glob in self.dag_ids))
            and (not self.tags or not dag.tags.isdisjoint(self.tags))
            and (not self.owners or not dag.owners.isdisjoint(self.owners))
            and (not self.sources or dag.source in self.sources)
        )

    def covers(self, dags: Iterable[DagSubject]) -> bool:
        """Whether one of the DAGs is in scope: a release is as critical as its most critical DAG."""
        return self.is_everything or any(self.fits(dag) for dag in dags)

    @property
    def is_everything(self) -> bool:
        """Whether it narrows nothing."""
        return not (self.dag_ids or self.tags or self.owners or self.sources)


@dataclass(frozen=True)
class LevelRule:
    """
    When a level applies. An empty field does not narrow; every field that is set must hold.

    :param changes: one of these is among the facts; what is unknown may be any of them
    :param min_lines: lines added and removed together
    :param min_impacted: DAGs downstream of the change that are not in the release
    """

    changes: tuple[ChangeFact, ...] = ()
    tags: tuple[str, ...] = ()
    min_dags: int | None = None
    max_dags: int | None = None
    min_lines: int | None = None
    min_impacted: int | None = None

    def holds(self, facts: RiskFacts) -> bool:
        """Whether the facts fit."""
        return (
            (not self.changes or not facts.changes.isdisjoint((*self.changes, ChangeFact.UNKNOWN)))
            and (not self.tags or any(not dag.tags.isdisjoint(self.tags) for dag in facts.every_dag))
            and (self.min_dags is None or len(facts.every_dag) >= self.min_dags)
            and (self.max_dags is None or len(facts.every_dag) <= self.max_dags)
            and (self.min_lines is None or facts.lines >= self.min_lines)
            and (self.min_impacted is None or len(facts.impacted) >= self.min_impacted)
        )

    @property
    def is_empty(self) -> bool:
        """Whether it holds for everything."""
        return self == LevelRule()

    def implies(self, other: LevelRule) -> bool:
        """Whether ``other`` holds whenever this one does."""
        return (
            _narrows(self.changes, other.changes)
            and _narrows(self.tags, other.tags)
            and _is_at_least(self.min_dags, other.min_dags)
            and _is_at_least(other.max_dags, self.max_dags, without=math.inf)
            and _is_at_least(self.min_lines, other.min_lines)
            and _is_at_least(self.min_impacted, other.min_impacted)
        )


def _narrows(these: Sequence[object], those: Sequence[object]) -> bool:
    return not those or (bool(these) and set(these) <= set(those))


def _is_at_least(this: int | None, that: int | None, *, without: float = 0) -> bool:
    return (without if this is None else this) >= (without if that is None else that)


@dataclass(frozen=True)
class StepSpec:
    """
    One step as configured.

    :param users: login names
    :param including_users: of a quorum, login names of whom one must be among those who approve; they narrow,
        and admit nobody whom the step does not name
    :param including_roles: the same, by role
    :param beside_previous: waits at the same time as the step before it, in any order; else after it
    :param escalate_after_hours: without a complete step after so many hours, the further group may decide too
    """

    name: str
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rule: StepRule = StepRule.ANY
    quorum: int = 1
    including_users: tuple[str, ...] = ()
    including_roles: tuple[str, ...] = ()
    beside_previous: bool = False
    escalate_after_hours: float | None = None
    escalate_users: tuple[str, ...] = ()
    escalate_roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """One risk level, 1 = lowest, with its steps in order; some may stand side by side."""

    name: str
    steps: tuple[StepSpec, ...]
    rule: LevelRule = field(default_factory=LevelRule)


@dataclass(frozen=True)
class Validity:
    """
    Windows in hours, each more than 0 and at most 240.

    :param approval: to decide
    :param wait: from the approval to the start of the execution
    :param execution: from there to the end of the verification
    """

    approval: float = DEFAULT_HOURS
    wait: float = DEFAULT_HOURS
    execution: float = DEFAULT_HOURS


@dataclass(frozen=True)
class FlowSpec:
    """
    A flow's content.

    :param levels: index 0 is level 1
    :param counts_twice: whether one person's approvals count on several steps
    :param complete_only: refuses versions that may lack files, by what their code tells; promotions only
    :param tried_within_days: refuses versions without a successful dev run of exactly their files in so many
        days; promotions only
    :param resolved_only: approvals count only while every thread on a release is resolved; not for gates
    :param pipeline_dag_id: DAG that runs releases under this flow; empty for the installation's
    :param break_glass_roles: roles whose holders may override approval and freeze with a reason
    :param break_glass_confirm_minutes: within so many minutes a second of them must confirm that; without it,
        one person suffices
    :param notifiers: ``notifier``, ``kwargs`` and ``events`` of each, see ``domain/flow/notification.py``
    """

    name: str
    kind: ReleaseKind
    levels: tuple[Level, ...]
    scope: Scope = field(default_factory=Scope)
    validity: Validity = field(default_factory=Validity)
    enabled: bool = True
    remark: str = ""
    counts_twice: bool = False
    complete_only: bool = False
    tried_within_days: int | None = None
    resolved_only: bool = False
    pipeline_dag_id: str = ""
    break_glass_roles: tuple[str, ...] = ()
    break_glass_confirm_minutes: int | None = None
    calendar: Calendar = field(default_factory=Calendar)
    notifiers: tuple[dict[str, Any], ...] = ()

    def level_for(self, facts: RiskFacts) -> int:
        """
        The number (from 1) of the highest level whose rule holds.

        When none holds it is the highest level: a gap in the rules must not lower the bar. What a release
        changes without naming it never lowers the bar either.
        """
        return max(self._level_of(reading) for reading in facts.readings)

    def _level_of(self, facts: RiskFacts) -> int:
        for number in range(len(self.levels), 0, -1):
            if self.levels[number - 1].rule.holds(facts):
                return number
        return len(self.levels)
