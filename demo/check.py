"""``make demo-check``: does the main job in a demo of its own, over HTTP and in a browser, and stops it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from demo.browser import find_browser, open_browser
from demo.instance import DemoError, running_demo
from demo.main_job import MainJob, MainJobError


def main() -> int:
    """Return 0 when every step gave what it should."""
    browser_path = find_browser()
    if browser_path is None:
        print("No Chromium or Chrome is installed; install one, or name it in CHROME.", file=sys.stderr)
        return 1
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:5.1f} s] {line}", flush=True)

    given = os.environ.get("DEMO_HOME")
    with tempfile.TemporaryDirectory(prefix="airflow-release-") as scratch:
        home = Path(given) if given else Path(scratch) / "home"
        try:
            with running_demo(home, say=say) as demo, open_browser(browser_path) as browser:
                MainJob(demo, browser, lambda step, seconds: say(f"{step} ({seconds:.1f} s)")).run()
        except (DemoError, MainJobError) as error:
            print(f"\n{error}", file=sys.stderr)
            return 1
    say("main job: ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
