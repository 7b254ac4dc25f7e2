"""``benchmarks/results.json``: figures by the name of their row, and what the machine was."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results.json"
MACHINE = "machine"


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Everything that was measured, by whichever runs."""
    return json.loads(path.read_text()) if path.exists() else {}


def keep_result(name: str, figures: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Put the figures of one row among those that are there."""
    _write({**read_results(path), MACHINE: machine(), name: dict(figures)}, path)


def forget_others(names: Collection[str], path: Path = RESULTS) -> None:
    """Remove rows that are not declared any more."""
    found = read_results(path)
    if left := {name: row for name, row in found.items() if name == MACHINE or name in names}:
        _write(left, path)


def machine() -> dict[str, Any]:
    """What ratios may depend on; no names."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "python": platform.python_version(),
        "airflow": _version("apache-airflow"),
        "git_provider": _version("apache-airflow-providers-git"),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _write(results: Mapping[str, Any], path: Path) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps({MACHINE: results.get(MACHINE), **results}, indent=2) + "\n")
    unfinished.replace(path)
