"""What a change is, as far as its risk goes: the facts that levels of a flow are matched on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum


class ChangeFact(str, Enum):
    """Something that a release does. Levels name these."""

    NEW = "new"
    """A DAG that the target does not have."""
    MODIFIED = "modified"
    """A DAG file that the target has with other content."""
    REMOVED = "removed"
    """A DAG disappears."""
    SCHEDULE = "schedule"
    """The schedule of a DAG changes."""
    CATCHUP = "catchup"
    """Whether missed intervals are caught up changes."""
    RETRIES = "retries"
    """Retries of a task change."""
    POOL = "pool"
    """The pool of a task changes."""
    QUEUE = "queue"
    """The queue of a task changes."""
    TASK_ADDED = "task_added"
    """A task is new."""
    TASK_REMOVED = "task_removed"
    """A task disappears."""
    OPERATOR = "operator"
    """A task has another operator or callable."""
    DEPENDENCIES = "dependencies"
    """The order of tasks changes."""
    OWNER = "owner"
    """An owner changes."""
    TAGS = "tags"
    """Tags of a DAG change."""
    SHARED_FILE = "shared_file"
    """A file changes that other released DAGs use too."""
    ALSO_CHANGES = "also_changes"
    """A DAG that the release does not name would be served differently: the check saw it."""
    UNKNOWN = "unknown"
    """Nobody reported what a file does, or did before: it may be anything."""


@dataclass(frozen=True)
class DagSubject:
    """A DAG as scopes and levels see it; the id is the one in the target."""

    dag_id: str
    tags: frozenset[str] = field(default_factory=frozenset)
    owners: frozenset[str] = field(default_factory=frozenset)
    source: str = ""


@dataclass(frozen=True)
class RiskFacts:
    """
    What is known of a change.

    :param dags: what the release names
    :param also_changed: what it changes without naming it; counts as much as what it names
    :param lines: lines added and removed together
    :param lines_added: those of them that were added
    :param impacted: ids of DAGs that are not in the release and may feel it: through shared files, assets,
        TriggerDagRun or ExternalTask
    :param reasons: by fact, what it was found on: ``("schedule", ("etl_orders: @daily, @hourly",))``
    """

    dags: tuple[DagSubject, ...]
    changes: frozenset[ChangeFact] = field(default_factory=frozenset)
    lines: int = 0
    lines_added: int = 0
    impacted: tuple[str, ...] = ()
    reasons: tuple[tuple[str, tuple[str, ...]], ...] = ()
    also_changed: tuple[DagSubject, ...] = ()

    @property
    def every_dag(self) -> tuple[DagSubject, ...]:
        """Whatever changes, named or not."""
        return (*self.dags, *self.also_changed)

    @property
    def readings(self) -> tuple[RiskFacts, ...]:
        """
        The change as it is; and as if it were only what it names, or only what it also changes.

        A level may be for small changes: then more DAGs must not lead out of it to a lower one.
        """
        if not self.also_changed:
            return (self,)
        return (
            self,
            replace(self, also_changed=()),
            replace(self, dags=self.also_changed, also_changed=()),
        )
