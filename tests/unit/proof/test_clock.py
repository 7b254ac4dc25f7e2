from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from airflow_release_plugin.proof.clock import ProcessClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who had the processors")
SPIN = "import os; os.sched_setaffinity(0, {%d})\nwhile True: pass"


def test_what_other_processes_take_of_the_machine_does_not_count() -> None:
    """Two that work share one processor: each waits about as long as it works."""
    spin = [sys.executable, "-c", SPIN % min(os.sched_getaffinity(0))]
    with subprocess.Popen(spin) as watched, subprocess.Popen(spin) as other:
        try:
            clock, began = ProcessClock(watched.pid), time.monotonic()
            start = clock.now()
            while (spent := clock.now() - start).used < 1:
                time.sleep(0.05)
            passed = time.monotonic() - began
        finally:
            watched.kill()
            other.kill()

    assert spent.own < passed - 0.3


def test_a_process_that_is_gone_uses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert ProcessClock(process.pid).now().used == 0
