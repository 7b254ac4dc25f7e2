"""Rows of the list of flows: which of them are shown, and their order after a move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.services.approvals.flow_admin import FlowDetail


@dataclass(frozen=True)
class DayRange:
    """From a moment to another, which is not in it; ``None`` where it has no bound."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime | None) -> bool:
        """Whether a moment is in it; what has none is in one without bounds only."""
        if moment is None:
            return self == DayRange()
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)


@dataclass(frozen=True)
class FlowFilter:
    """What is looked for in each column; an empty field does not narrow."""

    search: str = ""
    kind: str = ""
    enabled: str = ""
    scope: str = ""
    levels: str = ""
    who: str = ""
    created_by: str = ""
    updated_by: str = ""
    created: DayRange = DayRange()
    updated: DayRange = DayRange()

    def fits(self, flow: FlowDetail) -> bool:
        """Whether a flow is shown."""
        spec = flow.spec
        return (
            _has(self.search, [spec.name, spec.remark])
            and self.kind in {"", spec.kind.value}
            and self.enabled in {"", "yes" if spec.enabled else "no"}
            and _has(self.scope, scope_texts(spec))
            and self.levels in {"", str(len(spec.levels))}
            and _has(self.who, who_texts(spec))
            and _has(self.created_by, [flow.created_by.name if flow.created_by else ""])
            and _has(self.updated_by, [flow.updated_by.name if flow.updated_by else ""])
            and self.created.holds(flow.created_at)
            and self.updated.holds(flow.updated_at)
        )


def _has(part: str, texts: Iterable[str]) -> bool:
    return not part or any(part.casefold() in text.casefold() for text in texts)


def narrowed(flows: Iterable[FlowDetail], criteria: FlowFilter) -> list[FlowDetail]:
    """The flows that fit, in their order."""
    return [flow for flow in flows if criteria.fits(flow)]


def scope_texts(spec: FlowSpec) -> list[str]:
    """What the scope names."""
    return [*spec.scope.dag_ids, *spec.scope.tags, *spec.scope.owners, *spec.scope.sources]


def who_texts(spec: FlowSpec) -> list[str]:
    """Users and roles of all steps, each once."""
    names = (name for level in spec.levels for step in level.steps for name in (*step.users, *step.roles))
    return list(dict.fromkeys(names))


def in_order(ids: Sequence[int], move: str) -> list[int]:
    """
    The order after a button was pressed.

    :param move: ``up:7`` or ``down:7``; anything else moves nothing
    """
    verb, _sep, text = move.partition(":")
    order = list(ids)
    if text.isdecimal() and int(text) in order and verb in {"up", "down"}:
        index = order.index(int(text))
        order.insert(max(index - 1, 0) if verb == "up" else index + 1, order.pop(index))
    return order
