"""What a check of a release said, as plain data that travels from the worker to the server and into pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from airflow_release_plugin.domain.text.phrasing import lines_of, reason_of
from airflow_release_plugin.messages import MessageField

CONFINEMENT = "confinement"
"""Name of the item of a check that says what the code which it ran could reach."""
PROOF = "proof"
"""Name of the items of a check that say whether a version makes in the target what it made in the source."""
LACKING = "lacking"
"""The fact of such an item that lists the files which explain why the version failed."""
ALSO_CHANGES = "also changes"
"""Name of the items of a check that say what becomes of DAG files which the release does not name."""

DISCOVERY = "discovery"
"""Name of the items of a check that say which DAG files of the release Airflow would not find."""
FOOTPRINT = "footprint"
"""Name of the fact of a DAG file that says what it depends on in the tree that it ran in."""


class CheckStatus(str, Enum):
    """Outcome of one check."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    PENDING = "pending"
    """Nobody can tell yet; only while a verification or a soak looks on, never in a report."""


class ReportKind(str, Enum):
    """Which step reported."""

    CHECK = "check"
    """Before approval: the tree that the target would have, parsed on a worker."""
    VERIFICATION = "verification"
    """After promotion: what Airflow serves."""
    SOAK = "soak"
    """After promotion: whether the first runs succeeded."""
    TEST = "test"
    """A step of a pipeline of one's own, such as an integration test."""


@dataclass(frozen=True)
class CheckItem:
    """
    One line of a report: what was looked at, and what it said.

    :param name: of the check, not of the file
    :param path: POSIX path of the file that it is about; empty where it is about none
    :param detail: for people; the last line of a stack trace says what happened
    :param facts: what was found, as JSON whose shape depends on the check
    """

    name: str
    status: CheckStatus
    path: str = ""
    detail: MessageField = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_failed(self) -> bool:
        """Whether it fails the release."""
        return self.status is CheckStatus.FAILED

    @property
    def is_pending(self) -> bool:
        """Whether its answer is still to come."""
        return self.status is CheckStatus.PENDING

    @property
    def headline(self) -> str:
        """The line that says what happened: the first of a comparison, the reason of anything else."""
        if self.name in {PROOF, ALSO_CHANGES}:
            return next(iter(lines_of(self.detail)), "")
        return reason_of(self.detail)


def is_confined(items: Iterable[CheckItem]) -> bool:
    """Whether a check says that files and network were shut for the code that it ran."""
    return any(item.name == CONFINEMENT and item.facts.get("is_whole") is True for item in items)


def also_changed(items: Iterable[CheckItem]) -> tuple[str, ...]:
    """Sorted ids of the DAGs outside of the release that a check saw change."""
    others = (item for item in items if item.name == ALSO_CHANGES)
    return tuple(sorted({str(dag_id) for item in others for dag_id in item.facts.get("dag_ids", ())}))


def failed(items: Iterable[CheckItem]) -> list[CheckItem]:
    """
    Those that fail the release, in their order, but for comparisons, which come first.

    What a comparison says of a file explains why it does not work in the target, and what to do.
    """
    return sorted((item for item in items if item.is_failed), key=lambda item: item.name != PROOF)
