"""
Starts tasks as Airflow does, one for each line of input: a fork of a process that has loaded Airflow.

A line is JSON: module, class and arguments of a bundle; the answer is what importing, constructing and
initialising it took.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys

import airflow.dag_processing.bundles.base  # noqa: F401 - every task has it by then

from benchmarks.frame.samples import taken


def main() -> int:
    """Answer lines until there are no more."""
    logging.disable(logging.CRITICAL)
    sys.dont_write_bytecode = False  # what pip installs has byte code; ours gets it in the first round
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _start(*json.loads(line))
        if os.waitpid(child, 0)[1]:
            return 1
    return 0


def _start(module: str, name: str, options: dict[str, str]) -> None:
    def begin() -> None:
        getattr(importlib.import_module(module), name)(**options).initialize()

    print(json.dumps(vars(taken(begin))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
