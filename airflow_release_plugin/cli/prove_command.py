"""``airflow release prove``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from airflow_release_plugin import config
from airflow_release_plugin.cli.common import Row, command, fail, operator
from airflow_release_plugin.domain.release.environment_proof import wrong
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.services.verification.stored_environment import StoredEnvironment

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_release_plugin.proof.report import FileReport


@command
def prove(args: Namespace) -> list[Row]:
    """Run what an environment serves, and say DAG by DAG whether that is what its code makes."""
    from airflow_release_plugin.proof.environment import prove_environment
    from airflow_release_plugin.proof.here import own_limits, processors, running_here

    if bool(args.all) == bool(args.dag_id):
        raise InvalidRequestError("Say --all for every Dag, or --dag-id for some of them.")
    if args.jobs < 0:
        raise InvalidRequestError(
            "--jobs is %(jobs)s; give a number from 1 on, or 0 for one on each processor.", jobs=args.jobs
        )
    confined = config.require_confinement()
    with running_here(args.environment, limits=own_limits(), require_confinement=confined) as run:
        found = prove_environment(
            StoredEnvironment(args.environment, operator()),
            run=run,
            jobs=args.jobs or processors(),
            dag_ids=args.dag_id or (),
            on_file=_Progress(),
        )
    _say(
        f"{found.files} files at {found.version[:12]} in {found.seconds:.1f} s. {found.confinement.sentence}"
    )
    rows: list[Row] = [
        {
            "dag_id": dag.dag_id,
            "path": dag.path,
            "standing": dag.standing.value,
            "detail": " ".join(dag.detail.split()),
        }
        for dag in found.dags
    ]
    if wrong(found.dags):
        fail(args, rows)
    return rows


class _Progress:
    """One line that counts, where somebody looks; a line for each file where the output is kept."""

    def __init__(self) -> None:
        self._done = 0

    def __call__(self, report: FileReport, total: int) -> None:
        self._done += 1
        line = f"{self._done} of {total} files: {report.path}"
        if not sys.stderr.isatty():
            _say(line)
            return
        end = "\n" if self._done == total else ""
        sys.stderr.write(f"\r\033[K{line}{end}")
        sys.stderr.flush()


def _say(line: str) -> None:
    """For people: rows for programs go to the standard output."""
    sys.stderr.write(f"{line}\n")
