from __future__ import annotations

import json
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from tests.db.api.conftest import empty_world, manager, world
from tests.db.api.world import World

__all__ = ["airflow", "empty_world", "manager", "rows", "world"]


def airflow(_world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process: starting Airflow takes seconds, and dozens of commands are run."""
    from airflow.cli.cli_parser import get_parser

    out, err = StringIO(), StringIO()
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            args = get_parser().parse_args(["release", *arguments])
            args.func(args)
        except SystemExit as end:
            code = end.code or 0
    if isinstance(code, str):  # as the interpreter does at the end of a process
        print(code, file=err)
    return subprocess.CompletedProcess(
        arguments, code if isinstance(code, int) else 1, out.getvalue(), err.getvalue()
    )


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stdout + done.stderr
    return list(json.loads(done.stdout))
