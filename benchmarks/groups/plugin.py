"""What the plugin costs processes of Airflow that do something else; beside not having it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

from benchmarks.frame.bench import Bench
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit
from benchmarks.frame.samples import Sample

PACKAGE = "airflow-release-plugin"
_WITHOUT = "the same without the plugin"
_HIDE = f"""
import importlib.metadata, importlib_metadata
def hide(metadata):
    everything = metadata.distributions
    metadata.distributions = lambda **given: (
        each for each in everything(**given) if each.metadata["Name"] != "{PACKAGE}"
    )
hide(importlib.metadata)
hide(importlib_metadata)
"""
_NOT_THERE = """
import sys
assert "airflow_release_plugin" not in sys.modules
"""
_MEASURE = """
import json, resource, time
def used(who=resource.RUSAGE_SELF):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime
before, began = used(), time.perf_counter()
{action}
cpu, wall = used() - before, time.perf_counter() - began
print(json.dumps([cpu, wall, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""
_TASK = """
import airflow_release_plugin.plugin
import airflow_release_plugin.airflow_internals.dag_policy
import airflow_release_plugin.bundles.release
"""
_LOADED = """
import airflow.sdk, airflow.settings, airflow.plugins_manager, airflow.dag_processing.bundles.base
import airflow.sdk.execution_time.task_runner
"""
_CLI = """
import sys
sys.argv = ["airflow", "version"]
from airflow.__main__ import main
main()
"""
_SERVER = """
from airflow.api_fastapi.app import create_app
create_app(apps="all")
"""
_BUILT = """
from airflow_release_plugin.plugin import fastapi_apps
fastapi_apps()[0]["app"].built()
"""


def _row(name: str, goal: Goal, floor: str = "", unit: Unit = Unit.CPU, note: str = "") -> Row:
    return Row(f"the plugin in {name}", goal, 1, floor=floor, unit=unit, note=note)


_IN_TASK = _row(
    "a task process",
    Goal(at_most=0.005),
    note="Import of the plugin, of its policy and of the bundle class, in a process that has loaded what "
    "every task has; without the plugin it is nothing.",
)
_IN_CLI = _row(
    "the command line", Goal(over_floor=0.02), _WITHOUT, note="`airflow version`, from start to end."
)
_IN_SERVER = _row(
    "an API server: start",
    Goal(over_floor=0.3),
    _WITHOUT,
    note="Making the app of a server. Ours is built when the server runs, in a thread beside its requests.",
)
_BUILDING = _row(
    "an API server: first page",
    Goal(at_most=2),
    note="What the first request to us waits for at most: building the API and the pages, in a thread. "
    "No goal was set; two seconds are what somebody forgives once.",
)
_MEMORY = _row(
    "an API server: memory",
    Goal(over_floor=40e6),
    _WITHOUT,
    Unit.SIZE,
    note="When everything is built.",
)
ROWS = (_IN_TASK, _IN_CLI, _IN_SERVER, _BUILDING, _MEMORY)


def process(action: str, *, before: str = "", is_hidden: bool = False) -> Sample:
    """What an action takes in a process of its own, and the most memory that the process had."""
    code = (_HIDE if is_hidden else "") + before + _MEASURE.format(action=action)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Sample(*json.loads(done.stdout.splitlines()[-1]))


def measure(bench: Bench) -> None:
    """Each process with the plugin and without."""
    bench.alternate(_IN_TASK, ours=lambda: process(_TASK, before=_HIDE + _LOADED + _NOT_THERE))
    bench.alternate(_IN_CLI, ours=lambda: process(_CLI), floor=lambda: process(_CLI, is_hidden=True))
    without = partial(process, _SERVER + _NOT_THERE, is_hidden=True)
    bench.alternate(_IN_SERVER, ours=lambda: process(_SERVER), floor=without)
    bench.alternate(_BUILDING, ours=lambda: process(_BUILT, before=_SERVER))
    bench.alternate(_MEMORY, ours=lambda: process(_SERVER + _BUILT), floor=without)


GROUP = RowGroup("plugin", "what the plugin costs processes that do something else", ROWS, measure, minutes=8)
