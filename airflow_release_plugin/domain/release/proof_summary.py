"""What the check of a release proved, at a glance: read from the items of its report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_release_plugin.domain.release.checks import (
    ALSO_CHANGES,
    CONFINEMENT,
    LACKING,
    PROOF,
    CheckItem,
    CheckStatus,
    also_changed,
    is_confined,
)


@dataclass(frozen=True)
class ProofSummary:
    """
    Numbers of one check.

    :param confined: whether files and network were shut; ``None`` where the check did not say
    :param compared: versions that were run in the source and in the target-to-be
    :param equal: those of them that made the same DAGs
    :param opened: files that all versions opened in the target-to-be, each version's counted
    :param joined: files that versions turned out to need
    :param also_changes: DAGs outside of the release that would change
    :param harmed: whether one of them would disappear or break
    :param spares_others: whether it is proven that no DAG outside of the release changes: a check that failed
        may have ended before it ran them
    """

    confined: bool | None
    compared: int
    equal: int
    opened: int
    joined: int
    also_changes: tuple[str, ...]
    harmed: bool
    spares_others: bool


def summarise(items: Iterable[CheckItem]) -> ProofSummary | None:
    """The summary of a check's items; ``None`` for a check that proved nothing: of an earlier version."""
    items = list(items)
    proofs = [item for item in items if item.name == PROOF]
    others = [item for item in items if item.name == ALSO_CHANGES]
    said = [item for item in items if item.name == CONFINEMENT]
    if not proofs and not said:
        return None
    compared = [item for item in proofs if item.facts.get("equal") is not None]
    return ProofSummary(
        confined=is_confined(said) if said else None,
        compared=len(compared),
        equal=sum(item.facts["equal"] is True for item in compared),
        opened=sum(int(item.facts.get("opened", 0)) for item in proofs),
        joined=sum(len(item.facts.get("joined", ())) for item in proofs),
        also_changes=also_changed(others),
        harmed=any(item.is_failed for item in others),
        spares_others=not others and not any(item.is_failed or item.is_pending for item in items),
    )


def lacking(items: Iterable[CheckItem]) -> dict[str, tuple[str, ...]]:
    """By DAG file, the files of its source that a failed proof names and that its version does not hold."""
    return {
        item.path: tuple(str(path) for path in item.facts[LACKING])
        for item in items
        if item.name == PROOF and item.status is CheckStatus.FAILED and item.facts.get(LACKING)
    }
