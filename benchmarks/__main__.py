"""
``make bench``: run every ``bench_*.py`` and write what they find to ``benchmarks/results.json``.

Ratios travel between machines, milliseconds do not; so the file holds ratios, and what the machine was. Where
seconds are what was promised it holds those, with ``(s)`` in their names.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"


def machine() -> dict[str, Any]:
    """What ratios may depend on; no names."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "airflow": version("apache-airflow"),
    }


def main() -> None:
    """Run the benchmarks whose names are given, or all."""
    wanted = sys.argv[1:] or sorted(file.stem.removeprefix("bench_") for file in FOLDER.glob("bench_*.py"))
    results: dict[str, Any] = {"machine": machine(), "benchmarks": {}}
    if RESULTS.exists() and sys.argv[1:]:
        results["benchmarks"] = json.loads(RESULTS.read_text())["benchmarks"]
    for name in wanted:
        print(f"--- {name}", flush=True)
        begun = time.monotonic()
        found: dict[str, float] = importlib.import_module(f"benchmarks.bench_{name}").run()
        results["benchmarks"][name] = {what: float(f"{value:.3g}") for what, value in found.items()}
        print(f"{name} took {time.monotonic() - begun:.0f} s", flush=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="airflow-release-bench-") as home:
        os.environ["AIRFLOW_HOME"] = home  # before anything imports Airflow, which makes the folder
        main()
