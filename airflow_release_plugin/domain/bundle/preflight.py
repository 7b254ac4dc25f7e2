"""What the look at a bundle found before anything is touched: reasons, items, and how much they weigh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from airflow_release_plugin.domain.bundle.inventory import Kind


class Severity(str, Enum):
    """How much a finding weighs."""

    OK = "ok"
    """Good to know."""
    WARN = "warn"
    """People should look at it; it stops nothing."""
    BLOCK = "block"
    """Nothing is applied until it is mended."""


_HEAVIEST_FIRST = (Severity.BLOCK, Severity.WARN, Severity.OK)


class Reason(str, Enum):
    """What may be wrong with a bundle here."""

    MISSING_CONNECTION = "missing_connection"
    MISSING_VARIABLE = "missing_variable"
    MISSING_POOL = "missing_pool"
    INCOMPLETE_STUB = "incomplete_placeholder"
    UNKNOWN_QUEUE = "unknown_queue"
    MISSING_EXECUTOR = "missing_executor"
    MISSING_PROVIDER = "missing_provider"
    OLDER_PROVIDER = "older_provider"
    MISSING_PLUGIN = "missing_plugin"
    OPTIONAL_IMPORT = "optional_import"
    MISSING_TEAM = "missing_team"
    MISSING_UPSTREAM_DAG = "missing_upstream_dag"
    MISSING_TRIGGERED_DAG = "missing_triggered_dag"
    MISSING_ASSET_PRODUCER = "missing_asset_producer"
    ILLEGAL_DAG_ID = "illegal_dag_id"
    DAG_ID_IN_OTHER_BUNDLE = "dag_id_in_other_bundle"
    DAG_ID_OF_OTHER_UNIT = "dag_id_of_other_unit"
    OLDER_AIRFLOW = "older_airflow"
    OLDER_PYTHON = "older_python"
    BAD_FOLDER = "bad_folder"
    CANNOT_MOVE = "cannot_move"
    PATH_TAKEN = "path_taken"
    SHARED_FILE_DIFFERS = "shared_file_differs"
    COMPUTED_NAME = "computed_name"
    IN_OPEN_RELEASE = "in_open_release"
    NOT_APPROVED_THERE = "not_approved_there"
    MISSING_BASE = "missing_base"
    APPLIED_BEFORE = "applied_before"
    UNCHANGED = "unchanged"


DEFAULT_WEIGHTS: Mapping[Reason, Severity] = {
    **dict.fromkeys(Reason, Severity.BLOCK),
    Reason.INCOMPLETE_STUB: Severity.WARN,
    Reason.UNKNOWN_QUEUE: Severity.WARN,
    Reason.OLDER_PROVIDER: Severity.WARN,
    Reason.OPTIONAL_IMPORT: Severity.WARN,
    Reason.MISSING_TEAM: Severity.WARN,
    Reason.SHARED_FILE_DIFFERS: Severity.WARN,
    Reason.MISSING_TRIGGERED_DAG: Severity.WARN,
    Reason.MISSING_ASSET_PRODUCER: Severity.WARN,
    Reason.OLDER_PYTHON: Severity.WARN,
    Reason.COMPUTED_NAME: Severity.WARN,
    Reason.NOT_APPROVED_THERE: Severity.WARN,
    Reason.UNCHANGED: Severity.OK,
}
"""What counts where the configuration says nothing else."""

FIRM = frozenset(
    {
        Reason.ILLEGAL_DAG_ID,
        Reason.DAG_ID_IN_OTHER_BUNDLE,
        Reason.DAG_ID_OF_OTHER_UNIT,
        Reason.BAD_FOLDER,
        Reason.CANNOT_MOVE,
        Reason.PATH_TAKEN,
        Reason.IN_OPEN_RELEASE,
        Reason.MISSING_BASE,
        Reason.APPLIED_BEFORE,
    }
)
"""What no policy makes lighter: applying could not work, or would do harm."""


MISSING: Mapping[str, Reason] = {
    "connection": Reason.MISSING_CONNECTION,
    "variable": Reason.MISSING_VARIABLE,
    "pool": Reason.MISSING_POOL,
    "queue": Reason.UNKNOWN_QUEUE,
}
"""By kind of thing, the reason where nothing here has the name that the bundle gives."""


@dataclass(frozen=True, order=True)
class Item:
    """
    One thing that a reason is about.

    :param name: what it is called in the bundle: a connection id, a DAG id, a package, a path
    :param detail: what is known of it, for people
    :param dag_ids: DAGs of the bundle that are concerned, sorted
    """

    name: str
    detail: str = ""
    dag_ids: tuple[str, ...] = ()


Finding = tuple[Reason, Item]
"""One thing that was found, unweighed."""


@dataclass(frozen=True)
class PreflightFinding:
    """A reason with everything that it is about, sorted by name."""

    reason: Reason
    severity: Severity
    items: tuple[Item, ...]

    @property
    def missing_kind(self) -> str:
        """What its items are, where nothing here has their names; else empty."""
        return next((kind for kind, reason in MISSING.items() if reason is self.reason), "")

    @property
    def placeholder_kind(self) -> Kind | None:
        """The same where placeholders can be made of them."""
        return next((kind for kind in Kind if kind.value == self.missing_kind), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; :func:`rows_from` reads them."""
        return {
            "reason": self.reason.value,
            "severity": self.severity.value,
            "items": [{**asdict(i), "dag_ids": list(i.dag_ids)} for i in self.items],
        }


def rows_from(raw: Iterable[Mapping[str, Any]]) -> tuple[PreflightFinding, ...]:
    """Rows as :meth:`Row.to_dict` wrote them."""
    return tuple(
        PreflightFinding(
            Reason(row["reason"]),
            Severity(row["severity"]),
            tuple(Item(i["name"], i["detail"], tuple(i["dag_ids"])) for i in row["items"]),
        )
        for row in raw
    )


def with_severity(
    findings: Iterable[Finding], weights: Mapping[Reason, Severity] = DEFAULT_WEIGHTS
) -> tuple[PreflightFinding, ...]:
    """One row for each reason that was found, the weightiest first and else as in :class:`Reason`."""
    items_by_reason: dict[Reason, set[Item]] = {}
    for reason, item in findings:
        items_by_reason.setdefault(reason, set()).add(item)
    rows = [
        PreflightFinding(reason, weights[reason], tuple(sorted(items_by_reason[reason])))
        for reason in Reason
        if reason in items_by_reason
    ]
    return tuple(sorted(rows, key=lambda row: _HEAVIEST_FIRST.index(row.severity)))


@dataclass(frozen=True)
class Policy:
    """
    How much reasons weigh in an installation.

    :param problems: parts of the text that say nothing; the default counts there
    """

    weights: Mapping[Reason, Severity]
    problems: tuple[str, ...] = ()


def read_policy(text: str) -> Policy:
    """Read ``reason: severity`` pairs with commas between; firm reasons keep their severity."""
    weights, problems = dict(DEFAULT_WEIGHTS), []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, severity = (word.strip().lower() for word in part.partition(":"))
        try:
            reason = Reason(name)
            if reason in FIRM and Severity(severity) is not weights[reason]:
                problems.append(part)
            else:
                weights[reason] = Severity(severity)
        except ValueError:
            problems.append(part)
    return Policy(weights, tuple(problems))


def blocking(rows: Sequence[PreflightFinding]) -> tuple[PreflightFinding, ...]:
    """The rows that keep a bundle from being applied."""
    return tuple(row for row in rows if row.severity is Severity.BLOCK)
