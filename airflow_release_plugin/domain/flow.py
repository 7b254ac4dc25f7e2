"""Approval flows: what an administrator configures. A flow is plain data; each edit makes a new revision."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_release_plugin.domain.approval import NodeRule
from airflow_release_plugin.domain.calendar import MAX_WINDOWS, Calendar, Window
from airflow_release_plugin.domain.digest import KINDS_THAT_ASK, ReleaseKind
from airflow_release_plugin.domain.notification import notifier_problems
from airflow_release_plugin.domain.plain_values import read_fields
from airflow_release_plugin.domain.problems import Problem, refusal
from airflow_release_plugin.domain.risk import ChangeFact, DagSubject, RiskFacts
from airflow_release_plugin.exceptions import InvalidRequestError

MAX_LEVELS = 10
MAX_NODES = 10
MAX_QUORUM = 100
MAX_HOURS = 240
DEFAULT_HOURS = 24
MAX_NAME = 110
MAX_REMARK = 200
_NAME = re.compile(r"[\w .\-]+")
LEVELLED_KINDS = frozenset({ReleaseKind.PROMOTION, ReleaseKind.ROLLBACK, ReleaseKind.IMPORT})
"""Kinds that may have several levels; the others have one."""


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
        """Whether one of the DAGs is in scope: a package is as critical as its most critical DAG."""
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
            and (not self.tags or any(not dag.tags.isdisjoint(self.tags) for dag in facts.dags))
            and (self.min_dags is None or len(facts.dags) >= self.min_dags)
            and (self.max_dags is None or len(facts.dags) <= self.max_dags)
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
class NodeSpec:
    """
    One node as configured.

    :param users: login names
    :param escalate_after_hours: without a complete node after so many hours, the further group may decide too
    """

    name: str
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rule: NodeRule = NodeRule.ANY
    quorum: int = 1
    escalate_after_hours: float | None = None
    escalate_users: tuple[str, ...] = ()
    escalate_roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """One risk level, 1 = lowest, with its nodes in order."""

    name: str
    nodes: tuple[NodeSpec, ...]
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
    :param counts_twice: whether one person's approvals count on several nodes
    :param pipeline_dag_id: DAG that runs releases under this flow; empty for the installation's
    :param break_glass_roles: roles whose holders may override approval and freeze with a reason
    :param notifiers: ``notifier``, ``kwargs`` and ``events`` of each, see ``domain/notification.py``
    """

    name: str
    kind: ReleaseKind
    levels: tuple[Level, ...]
    scope: Scope = field(default_factory=Scope)
    validity: Validity = field(default_factory=Validity)
    enabled: bool = True
    remark: str = ""
    counts_twice: bool = False
    pipeline_dag_id: str = ""
    break_glass_roles: tuple[str, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)
    notifiers: tuple[dict[str, Any], ...] = ()

    def level_for(self, facts: RiskFacts) -> int:
        """
        The number (from 1) of the highest level whose rule holds.

        When none holds it is the highest level: a gap in the rules must not lower the bar.
        """
        for number in range(len(self.levels), 0, -1):
            if self.levels[number - 1].rule.holds(facts):
                return number
        return len(self.levels)


def check_flow(spec: FlowSpec) -> None:
    """Raise ``InvalidRequestError`` with every rule that the flow breaks, one per line."""
    found = {
        "name": _name_problems(spec),
        "kind": _kind_problems(spec),
        "levels": _level_problems(spec),
        "validity": _hour_problems(spec),
    }
    problems = [Problem(field, text) for field, texts in found.items() for text in texts]
    if len(spec.remark) > MAX_REMARK:
        text = f"The remark has {len(spec.remark)} characters; at most {MAX_REMARK} are possible."
        problems.append(Problem("remark", text))
    problems += [Problem("notifiers", text) for text in notifier_problems(spec.notifiers)]
    if len(spec.calendar.windows) > MAX_WINDOWS:
        text = f"The calendar has {len(spec.calendar.windows)} windows; at most {MAX_WINDOWS}."
        problems.append(Problem("calendar", text))
    if problems:
        raise refusal(problems)


def _name_problems(spec: FlowSpec) -> list[str]:
    if not 1 <= len(spec.name) <= MAX_NAME:
        return [f"A flow's name has 1 to {MAX_NAME} characters; this one has {len(spec.name)}."]
    if not _NAME.fullmatch(spec.name) or spec.name != spec.name.strip():
        return [
            "A flow's name consists of letters, digits, Chinese characters, spaces inside, and - _ . only."
        ]
    return []


def _kind_problems(spec: FlowSpec) -> list[str]:
    if spec.kind in KINDS_THAT_ASK:
        return []
    text = (
        f"A flow of kind {spec.kind.value} would hold nothing back: who may export is a matter of rights. "
        "Choose another kind."
    )
    return [text]


def _level_problems(spec: FlowSpec) -> list[str]:
    problems = []
    if not 1 <= len(spec.levels) <= MAX_LEVELS:
        problems.append(f"A flow has 1 to {MAX_LEVELS} levels; this one has {len(spec.levels)}.")
    if len(spec.levels) > 1 and spec.kind not in LEVELLED_KINDS:
        problems.append(f"A flow of kind {spec.kind.value} has exactly one level.")
    for number, level in enumerate(spec.levels, start=1):
        if not 1 <= len(level.nodes) <= MAX_NODES:
            problems.append(f"Level {number} needs 1 to {MAX_NODES} nodes; it has {len(level.nodes)}.")
        for node in level.nodes:
            problems += _node_problems(number, node)
        if not 1 <= len(level.name) <= MAX_NAME:
            problems.append(f"Level {number} needs a name of 1 to {MAX_NAME} characters.")
        low, high = level.rule.min_dags, level.rule.max_dags
        if low is not None and high is not None and low > high:
            problems.append(f"Level {number}: the number of Dags runs from {low} to {high}; nothing fits.")
    return problems


def _node_problems(number: int, node: NodeSpec) -> list[str]:
    where = f"Level {number}, node {node.name!r}"
    problems = []
    if not 1 <= len(node.name) <= MAX_NAME:
        problems.append(f"{where}: a node needs a name of 1 to {MAX_NAME} characters.")
    if not node.users and not node.roles:
        problems.append(f"{where}: nobody is named. Name at least one user or role.")
    if node.rule is NodeRule.QUORUM and not 1 <= node.quorum <= MAX_QUORUM:
        problems.append(f"{where}: a quorum is 1 to {MAX_QUORUM}.")
    further = node.escalate_users or node.escalate_roles
    if node.escalate_after_hours is None and further:
        problems.append(f"{where}: it names people to escalate to, but not after how many hours.")
    if node.escalate_after_hours is not None:
        if not 0 < node.escalate_after_hours <= MAX_HOURS:
            problems.append(f"{where}: it escalates after more than 0 and at most {MAX_HOURS} hours.")
        if not further:
            problems.append(f"{where}: it escalates to nobody. Name a user or role to escalate to.")
    return problems


def _hour_problems(spec: FlowSpec) -> list[str]:
    hours = {
        "approval": spec.validity.approval,
        "wait before execution": spec.validity.wait,
        "execution": spec.validity.execution,
    }
    return [
        f"The validity for {name} is {value:g} hours; it must be more than 0 and at most {MAX_HOURS}."
        for name, value in hours.items()
        if not 0 < value <= MAX_HOURS
    ]


def level_warnings(levels: Sequence[Level]) -> list[str]:
    """What an administrator should know about levels that can never apply."""
    found = []
    for number, level in enumerate(levels, start=1):
        above = enumerate(levels[number:], start=number + 1)
        shadow = next((n for n, higher in above if level.rule.implies(higher.rule)), None)
        if shadow is not None:
            found.append(
                f"Level {number} ({level.name}) can never apply: level {shadow} holds whenever it does, "
                "and the highest wins."
            )
    if levels and not any(level.rule.is_empty for level in levels):
        found.append(f"No level holds for everything; what fits none is treated as level {len(levels)}.")
    return found


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
        **({"pipeline_dag_id": spec.pipeline_dag_id} if spec.pipeline_dag_id else {}),
        **({"break_glass_roles": list(spec.break_glass_roles)} if spec.break_glass_roles else {}),
        **({"calendar": [w.to_dict() for w in spec.calendar.windows]} if spec.calendar.windows else {}),
        **({"notifiers": [dict(n) for n in spec.notifiers]} if spec.notifiers else {}),
    }


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values of the fields that say something."""
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    return {key: value for key, value in plain.items() if value not in (None, [], "")}


def _level_to_dict(level: Level) -> dict[str, Any]:
    rule = _filled({**vars(level.rule), "changes": tuple(c.value for c in level.rule.changes)})
    nodes = []
    for node in level.nodes:
        values = _filled({**vars(node), "rule": node.rule.value})
        if node.rule is not NodeRule.QUORUM:
            values.pop("quorum", None)
        nodes.append(values)
    return {"name": level.name, **({"rule": rule} if rule else {}), "nodes": nodes}


def flow_from_dict(raw: Any) -> FlowSpec:
    """
    A checked flow from its JSON or YAML form.

    :raises InvalidRequestError: unknown keys, wrong types, or a rule of :func:`check_flow`
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
        raise InvalidRequestError(f"The flow is not readable: {error}.") from error


def _level_from_dict(raw: Any) -> Level:
    values = read_fields(raw, Level)
    rule = read_fields(values.get("rule", {}), LevelRule)
    rule["changes"] = tuple(ChangeFact(change) for change in rule.get("changes", ()))
    nodes = []
    for node in values.get("nodes", ()):
        read = read_fields(node, NodeSpec)
        nodes.append(NodeSpec(**{**read, "rule": NodeRule(read.get("rule", NodeRule.ANY))}))
    return Level(**{**values, "nodes": tuple(nodes), "rule": LevelRule(**rule)})
