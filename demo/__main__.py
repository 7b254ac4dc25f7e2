"""``make demo``: runs the demo in a terminal until Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

from demo.instance import DemoError, DemoInstance, running_demo
from demo.settings import USERS

STEPS = (
    "Log in as dev. Open Releases in the navigation, then “To be released”: it lists what changed.",
    "Submit etl_orders, select it and release it; name reviewer as reviewer.",
    "Log out, log in as reviewer: “My approvals” has it. Read Changes, approve.",
    "Watch the release: check, approval, promotion and verification run as the DAG release_pipeline.",
    "Open Dags: etl_orders now runs from prod, beside dev.etl_orders. Edit the file and go again.",
)


def main() -> int:
    """Run until SIGINT or SIGTERM; return 0 then, and 1 when it could not start or a part died."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job starts with SIGINT ignored
        signal.signal(number, _interrupt)
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:5.1f} s] {line}", flush=True)

    try:
        home = Path(os.environ.get("DEMO_HOME") or ".demo").resolve()
        with _only_demo_in(home), running_demo(home, _port(), _dags(), say=say) as demo:
            say("ready")
            _print_ready(demo)
            while True:
                demo.check()
                time.sleep(1)
    except KeyboardInterrupt:
        say("stopped")
        return 0
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _port() -> int:
    given = os.environ.get("PORT") or "8080"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise DemoError(f"PORT={given} is not a port. Give a number from 1 to 65535.")
    return int(given)


def _dags() -> Path | None:
    given = os.environ.get("DEMO_DAGS")
    return Path(given).expanduser() if given else None


def _only_demo_in(home: Path) -> IO[str]:
    """A lock on ``home``, held until the returned file is closed."""
    home.mkdir(parents=True, exist_ok=True)
    lock = (home / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise DemoError(
            f"A demo runs in {home} already. Stop it, or choose another: DEMO_HOME=/some/folder make demo"
        ) from None
    return lock


def _print_ready(demo: DemoInstance) -> None:
    lines = ["", f"  Airflow with Airflow Release: {demo.url}", ""]
    lines += [f"    {user.name:9} password {user.password:9} {user.purpose}" for user in USERS]
    lines += ["", "  Try the main job:"]
    lines += [f"    {number}. {step}" for number, step in enumerate(STEPS, start=1)]
    lines += [
        "",
        f"  The dev folder, edit it: {demo.settings.source}",
        f"  Logs: {demo.settings.logs}    Everything else: {demo.settings.home}",
        "  Ctrl-C stops it.",
        "",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
