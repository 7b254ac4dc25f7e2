"""
A release of 100 DAGs out of 5,000, in a browser, in a whole Airflow on this machine: seconds of each step.

``python -m benchmarks release``. The promise is two minutes for all of it. The installation is a fresh one:
its dag processor parses the other files all the while.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

FILES = 5000


def run() -> dict[str, float]:
    """Drive it; return the seconds of each step and of all."""
    from demo.browser import find_browser, open_browser
    from tests.harness.big_release import PROMISED_SECONDS, release_out_of

    path = find_browser()
    if path is None:
        raise SystemExit("No Chromium or Chrome is installed; install one, or name it in CHROME.")
    with tempfile.TemporaryDirectory(prefix="bench_release_") as folder, open_browser(path) as browser:
        release = release_out_of(FILES, Path(folder), browser)
    found = {**release.seconds, "all steps": release.whole}
    print(f"{release.whole:.0f} s in all; {PROMISED_SECONDS} s are promised")
    return {f"{step} (s)": seconds for step, seconds in found.items()}
