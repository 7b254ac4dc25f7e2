"""What running DAG files showed: plain data that travels as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from airflow_release_plugin.analysis.parsed_dag import ParsedDag, known_values
from airflow_release_plugin.analysis.references import References
from airflow_release_plugin.domain.text.phrasing import reason_of
from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.proof.observation import NOTHING_KNOWN, Confinement, Observed


@dataclass(frozen=True)
class FileReport:
    """
    What became of one DAG file.

    :param error: why it cannot be used, for people; ``""`` when it can. Paths are relative to the tree
    :param warnings: what Airflow or Python warned about
    :param seconds: time that parsing took
    :param references: what the file itself names literally; empty when it cannot be read
    :param observed: what it did while it ran
    :param serialized: DAG ids, each with its DAG as Airflow serialises it: JSON without where it lies
    :param logged: warnings and errors that Airflow or DAG code logged meanwhile
    :param skipped_imports: modules that files which ran name at their top level and that were not imported,
        since a branch was not taken
    :param is_reached: whether it was run; one that was not is neither good nor bad
    """

    path: str
    dags: tuple[ParsedDag, ...] = ()
    error: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    references: References = field(default_factory=References)
    observed: Observed = field(default_factory=Observed)
    serialized: tuple[tuple[str, str], ...] = ()
    logged: tuple[str, ...] = ()
    skipped_imports: tuple[str, ...] = ()
    is_reached: bool = True

    @property
    def is_ok(self) -> bool:
        """Whether it ran, made what it was to make, and read nothing that no approval covers."""
        is_forbidden = any(access.is_forbidden for access in self.observed.outside)
        return self.is_reached and not self.error and not is_forbidden

    @property
    def reason(self) -> str:
        """Why it cannot be used, in one line."""
        return reason_of(self.error)

    @property
    def footprint(self) -> Footprint:
        """What it depends on in its tree; not whole where the run did not come to a good end."""
        seen = self.observed.footprint
        return replace(seen, is_whole=seen.is_whole and self.is_ok)

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Sorted ids of the DAGs in the file."""
        return tuple(sorted(dag.dag_id for dag in self.dags))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FileReport:
        """Read what :func:`dataclasses.asdict` wrote; unknown keys are ignored."""
        values = known_values(cls, data)
        values["dags"] = tuple(ParsedDag.from_dict(dag) for dag in data.get("dags", ()))
        values["references"] = References(**known_values(References, data.get("references", {})))
        values["observed"] = Observed.from_dict(data.get("observed", {}))
        values["serialized"] = tuple((dag_id, text) for dag_id, text in data.get("serialized", ()))
        return cls(**values)


@dataclass(frozen=True)
class ParseReport:
    """
    What became of the files of one tree.

    :param files: in the order in which they were asked for
    :param seconds: wall time of it all
    :param confinement: what was in force
    """

    files: tuple[FileReport, ...]
    seconds: float = 0.0
    confinement: Confinement = NOTHING_KNOWN

    @property
    def duplicates(self) -> dict[str, tuple[str, ...]]:
        """DAG ids that several files define, with these files."""
        places: dict[str, list[str]] = {}
        for file in self.files:
            for dag_id in file.dag_ids:
                places.setdefault(dag_id, []).append(file.path)
        return {dag_id: tuple(paths) for dag_id, paths in sorted(places.items()) if len(paths) > 1}

    @property
    def is_ok(self) -> bool:
        """Whether every file is and no DAG id is defined twice."""
        return not self.duplicates and all(file.is_ok for file in self.files)

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Sorted ids of all DAGs."""
        return tuple(sorted({dag_id for file in self.files for dag_id in file.dag_ids}))

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; ``is_ok`` and ``duplicates`` are added for readers."""
        return {**asdict(self), "is_ok": self.is_ok, "duplicates": self.duplicates}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ParseReport:
        """Read what :meth:`to_dict` wrote, also after a trip through JSON."""
        files = tuple(FileReport.from_dict(file) for file in data.get("files", ()))
        confinement = Confinement(**known_values(Confinement, data.get("confinement", {})))
        return cls(files, seconds=float(data.get("seconds", 0.0)), confinement=confinement)
