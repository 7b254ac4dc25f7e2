"""
Ways in which code names files, with what a unit made from its text must hold: ``closure_cases.toml``.

``docs/reference/closure-cases.md`` shows what becomes of each; a test compares it with the code, and another
runs them (:mod:`tests.harness.closure_runs`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_release_plugin.analysis.closure import Closure, compute_closure
from tests.harness.mapping_files import MappingFiles

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENTRY = "shop/daily.py"
HEAD = """\
import os, sys, glob, importlib
from pathlib import Path
HERE = Path(__file__).parent
DIR = os.path.dirname(__file__)
"""
_WHEN = {"parse": "while it is parsed", "run": "when a task runs"}


@dataclass(frozen=True)
class ClosureCase:
    """
    One way.

    :param kind: for people
    :param code: what stands in the DAG file after :data:`HEAD`; its last line is shown
    :param needs: files that the unit must hold, or a warning must speak of
    :param when: when they are needed: ``parse`` or ``run``
    :param others: contents by path; files of ``needs`` that are not here are empty
    :param told: the text alone cannot tell all: a warning is right
    :param chosen: what ``chosen()`` gives when the example is run
    """

    kind: str
    code: str
    needs: tuple[str, ...]
    when: str = "parse"
    others: Mapping[str, str] = field(default_factory=dict)
    told: bool = False
    chosen: str = ""

    @property
    def files(self) -> dict[str, str]:
        """The source."""
        return {ENTRY: HEAD + self.code, **dict.fromkeys(self.needs, ""), **self.others}

    def closure(self) -> Closure:
        """What the text gives."""
        data = {path: text.encode() for path, text in self.files.items()}
        return compute_closure(MappingFiles(data), ENTRY)

    @property
    def says(self) -> tuple[str, ...]:
        """Everything that is said about the unit."""
        found = self.closure()
        return (*found.warnings, *found.unresolved)

    @property
    def missing(self) -> tuple[str, ...]:
        """Files that the unit lacks."""
        held = {file.path for file in self.closure().files}
        return tuple(path for path in self.needs if path not in held)


def _cases() -> Iterable[ClosureCase]:
    for row in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["case"]:
        yield ClosureCase(**{**row, "needs": tuple(row["needs"])})


CASES = tuple(_cases())


def rows(found: Mapping[str, str]) -> Iterable[tuple[str, str, str, str, str]]:
    """
    What becomes of each: kind, code, when the files are needed, what the text tells, what running it finds.

    :param found: the last, by kind
    """
    for case in CASES:
        code = case.code.strip().splitlines()[-1].strip()
        outcome = "not told by the text" if case.missing else "complete"
        yield case.kind, f"`{code}`", _WHEN[case.when], "; ".join([outcome, *case.says]), found[case.kind]
