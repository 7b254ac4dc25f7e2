"""What a check found, as the items of its report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from airflow_release_plugin.domain.release.checks import (
    ALSO_CHANGES,
    CONFINEMENT,
    FOOTPRINT,
    LACKING,
    PROOF,
    CheckItem,
    CheckStatus,
)
from airflow_release_plugin.domain.tree.footprint import MOST_PATHS
from airflow_release_plugin.messages import Message, shortened, together
from airflow_release_plugin.operators.discovery_items import discovery_items
from airflow_release_plugin.proof.explanation import explain, explain_other, lacking_files
from airflow_release_plugin.proof.findings import refusals, remarks
from airflow_release_plugin.proof.proving import MOST_ROUNDS
from airflow_release_plugin.schemas.work import MAX_DETAIL

if TYPE_CHECKING:
    from airflow_release_plugin.proof.explanation import Files
    from airflow_release_plugin.proof.observation import Confinement
    from airflow_release_plugin.proof.proving import FileProof, Proof, Provable, Trees
    from airflow_release_plugin.proof.report import FileReport, ParseReport

_NOT_PARSED = Message("Not parsed: the time of the check was used up by other files.")
_MOST_LACKING = 200
"""Files that one version lacks that can be added by a click."""
_MOST_KEPT, _FEWEST_KEPT = 20000, 50
"""Touched files of each kind that a report keeps: of all DAG files together, but at least of one."""
_MOST_STEPS = 200000
"""Paths of each kind in the footprints of a report, of all DAG files together."""


def items_of(
    proof: Proof, units: list[Provable], trees: Trees, served: Mapping[str, Sequence[str]] | None = None
) -> list[CheckItem]:
    """
    Everything that the runs of a release's files said.

    :param served: DAG ids by DAG file that the target holds
    """
    snapshots = {unit.path: trees.snapshots[unit.snapshot] for unit in units if unit.snapshot}
    parsed = proof.candidate
    return [
        *_file_items(parsed, proof.discovery.appeared),
        *discovery_items(proof, units, served or {}),
        *_duplicates(parsed),
        *(_unit_item(proof, unit, source=snapshots.get(unit.path, {})) for unit in proof.units),
        *(item for other in proof.others if (item := _other_item(other)) is not None),
        _confinement(parsed),
    ]


def _file_items(parsed: ParseReport, appeared: Collection[str]) -> list[CheckItem]:
    """An item for each file; the more there are, the less is kept of what each has touched."""
    files = max(1, len(parsed.files))
    most = max(_FEWEST_KEPT, _MOST_KEPT // files)
    steps = min(MOST_PATHS, max(_FEWEST_KEPT, _MOST_STEPS // files))
    return [
        _file_item(file, parsed.confinement, most, steps)
        for file in parsed.files
        if file.path not in appeared
    ]


def _file_item(file: FileReport, confinement: Confinement, most: int, steps: int) -> CheckItem:
    facts = {
        "dags": [asdict(dag) for dag in file.dags],
        "references": asdict(file.references),
        "seconds": file.seconds,
        "observed": asdict(file.observed.shortened(most)),
        "skipped_imports": list(file.skipped_imports),
        FOOTPRINT: file.footprint.shortened(steps).to_dict(),
    }
    refused = refusals(file)
    told = [*file.warnings, *remarks(file, confinement)]
    lines: list[str] = told
    if not file.is_reached:
        status, lines = CheckStatus.WARNING, [_NOT_PARSED]
    elif file.error or refused:
        # What it read wrongly comes last, where the reason is looked for: it is mostly why it does not work.
        status, lines = CheckStatus.FAILED, [*told, file.error, *refused]
    elif not file.dags:
        status, lines = CheckStatus.FAILED, [*told, Message("The file defines no DAG.")]
    else:
        status, lines = CheckStatus.WARNING if told else CheckStatus.PASSED, told
    return CheckItem("parse", status, file.path, _joined(lines), facts)


def _unit_item(proof: Proof, unit: FileProof, *, source: Files) -> CheckItem:
    """Whether a version makes in the target what it made in the source."""
    joined = [each.path for each in proof.joined if each.unit == unit.path]
    facts = {
        # Of nothing in both there is nothing to say.
        "equal": unit.is_equal if unit.before and (unit.before.dags or unit.after.dags) else None,
        "opened": len(unit.after.observed.opened),
        "joined": joined,
        "different": [asdict(each) for each in unit.different],
        "logged": list(unit.logged),
        LACKING: list(lacking_files(unit, source=source, candidate=proof.files)[:_MOST_LACKING]),
    }
    if unit.before is None:
        nothing = Message("It was not made from the source here.")
        return CheckItem(PROOF, CheckStatus.PASSED, unit.path, nothing, facts)
    explanation = explain(unit, source=source, candidate=proof.files)
    lines = [explanation] if explanation else []
    if not proof.is_settled:
        lines.append(
            Message(
                "After %(number)s runs it still opens files that it did not open before. Let it open the "
                "same files each time.",
                number=MOST_ROUNDS,
            )
        )
    is_failed = not unit.is_equal or not proof.is_settled
    is_fault_elsewhere = bool(unit.before.error) and unit.before.error == unit.after.error
    if is_failed and not is_fault_elsewhere:
        status = CheckStatus.FAILED
    else:
        status = CheckStatus.WARNING if lines or unit.different else CheckStatus.PASSED
    text = shortened(together(lines, "\n"), MAX_DETAIL) if lines else ""
    return CheckItem(PROOF, status, unit.path, text, facts)


def _other_item(other: FileProof) -> CheckItem | None:
    """What becomes of a DAG file that the release does not name; ``None`` if it stays what it is."""
    text, is_harm = explain_other(other)
    if not text:
        return None
    changed = {each.dag_id for each in other.different if each not in other.unsteady}
    everything = {*(other.before.dag_ids if other.before else ()), *other.after.dag_ids}
    facts = {
        "dag_ids": sorted(changed or everything),
        "different": [asdict(each) for each in other.different],
        "logged": list(other.logged),
    }
    status = CheckStatus.FAILED if is_harm else CheckStatus.WARNING
    return CheckItem(ALSO_CHANGES, status, other.path, shortened(text, MAX_DETAIL), facts)


def _confinement(parsed: ParseReport) -> CheckItem:
    found = parsed.confinement
    status = CheckStatus.PASSED if found.is_whole else CheckStatus.WARNING
    facts = {"files": found.files, "network": found.network, "is_whole": found.is_whole}
    return CheckItem(CONFINEMENT, status, detail=found.sentence, facts=facts)


def _duplicates(parsed: ParseReport) -> Iterator[CheckItem]:
    for dag_id, paths in parsed.duplicates.items():
        yield CheckItem(
            "duplicate",
            CheckStatus.FAILED,
            path=paths[-1],
            detail=Message(
                "DAG id %(dag_id)r is defined in %(paths)s; rename one of them.",
                dag_id=dag_id,
                paths=_and_in(paths),
            ),
            facts={"dag_id": dag_id, "paths": list(paths)},
        )


def _joined(lines: Iterable[str]) -> str:
    """Lines of which the last says what happened; of a comparison it is the first."""
    told = [line for line in lines if line]
    text = together(told, "\n") if told else ""
    return text if len(text) <= MAX_DETAIL else text[-MAX_DETAIL:]


def _and_in(paths: Sequence[str]) -> str:
    *others, last = paths
    return Message("%(paths)s and in %(path)s", paths=_and_in(others), path=last) if others else last
