"""Runs one DAG file as Airflow's dag processor does, and describes the DAGs that it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_release_plugin.analysis.outlook import find_outlook
from airflow_release_plugin.analysis.parsed_dag import ParsedDag
from airflow_release_plugin.proof.dag_description import canonical, describe
from airflow_release_plugin.proof.report import FileReport

_MOST_WARNINGS = 20


def parser(
    tree: Path, bundle_name: str, last_runs: Mapping[str, Mapping[str, str] | None]
) -> Callable[[str], FileReport]:
    """
    What runs a file of a tree, in this process.

    :param last_runs: by DAG id, what is known of its last run; for these it is told what comes next
    """
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    def parse(path: str) -> FileReport:
        file = str(tree / path)
        # A bag for each file: an id that two files define is reported by the caller, not lost here.
        bag = BundleDagBag(
            dag_folder=file, bundle_path=tree, bundle_name=bundle_name or None, collect_dags=False
        )
        dags: list[ParsedDag] = []
        texts: list[tuple[str, str]] = []
        try:
            bag.process_file(file, only_if_updated=False, safe_mode=False)
            errors = list(bag.import_errors.values())
            for dag in bag.dags.values():
                serialized = LazyDeserializedDAG.from_dag(dag)
                parsed = describe(dag, serialized.timetable.summary)
                if dag.dag_id in last_runs:
                    parsed = replace(
                        parsed, outlook=find_outlook(serialized, _run_info(last_runs[dag.dag_id]))
                    )
                dags.append(parsed)
                texts.append((dag.dag_id, canonical(serialized.data, str(tree))))
        except Exception as error:  # what Airflow's dag processor would store as an import error
            errors = [f"{type(error).__name__}: {error}"]
        warnings = [text for texts in bag.captured_warnings.values() for text in texts]
        return FileReport(
            path=path,
            dags=tuple(sorted(dags, key=lambda dag: dag.dag_id)),
            error="\n".join(errors),
            warnings=tuple(warnings[:_MOST_WARNINGS]),
            serialized=tuple(sorted(texts)),
        )

    return parse


def _run_info(last_run: Mapping[str, str] | None) -> Any:
    if last_run is None:
        return None
    from airflow.timetables.base import DagRunInfo, DataInterval

    start, end = _moment(last_run.get("interval_start")), _moment(last_run.get("interval_end"))
    return DagRunInfo(
        run_after=_moment(last_run.get("run_after")),
        data_interval=DataInterval(start, end) if start and end else None,
        partition_date=_moment(last_run.get("partition_date")),
        partition_key=last_run.get("partition_key") or None,
    )


def _moment(text: str | None) -> Any:
    import pendulum

    return pendulum.parse(text) if text else None
