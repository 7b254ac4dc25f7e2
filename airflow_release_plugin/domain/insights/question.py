"""What somebody wants to know: one object for page, download, REST and service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_release_plugin.domain.insights.period import Period


class LabelKind(str, Enum):
    """What a released DAG file is known by."""

    DAG = "dag"
    TAG = "tag"
    OWNER = "owner"


class Breakdown(str, Enum):
    """What the changes of a period can be told apart by."""

    DAG = "dag"
    TAG = "tag"
    OWNER = "owner"
    FLOW = "flow"

    @property
    def label(self) -> LabelKind | None:
        """The label that it goes by; ``None`` for the flow, which is the release's."""
        return None if self is Breakdown.FLOW else LabelKind(self.value)


@dataclass(frozen=True)
class InsightQuestion:
    """
    A period, and what it is narrowed to; empty fields do not narrow.

    :param dag_id: in source or target
    :param flow: name of the flow that agreement was asked under
    :param by: what the changes are told apart by
    """

    period: Period
    dag_id: str = ""
    tag: str = ""
    owner: str = ""
    flow: str = ""
    by: Breakdown = Breakdown.DAG

    @property
    def narrows(self) -> bool:
        """Whether it asks for less than everything of the period."""
        return bool(self.dag_id or self.tag or self.owner or self.flow)
