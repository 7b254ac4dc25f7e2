"""Words that the examples of ``closure_cases.toml`` use as their own, so that Airflow can run them."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator as OfAirflow
from airflow.sdk import DAG, BaseOperator, task

__all__ = ["DAG", "Bash", "Notebook", "PythonOperator", "Query", "Step", "begin", "chosen", "load", "make"]
__all__ += ["ready", "task"]
ready = True
_numbers = count()
_value = ""


def begin(dag_file: str, value: str) -> DAG:
    """Let imports be looked up as if the example were a source of its own, and make a DAG for its tasks."""
    global _value
    root = Path(dag_file).parents[1]
    _value = value.replace("{root}", str(root))
    sys.path.insert(0, str(root))
    dag = DAG("flow")
    dag.__enter__()
    return dag


def chosen() -> str:
    """What nobody can tell from the text."""
    return _value


def load(path: Path) -> str:
    """Read a file as a library would."""
    return Path(path).read_text()


def make(found: object) -> None:
    """Make a DAG of what a listing gave, and read it if it is a file with its path."""
    names = found if isinstance(found, list) else [found]
    with DAG("_".join(sorted(Path(name).name for name in names)) or "nothing"):
        pass
    if isinstance(found, (str, Path)) and Path(found).is_absolute():
        Path(found).read_bytes()


def _task_id() -> str:
    return f"task_{next(_numbers)}"


class Query(BaseOperator):
    """Runs a statement, or the file with it."""

    template_fields = ("sql",)
    template_ext = (".sql",)

    def __init__(self, *, sql: str, **values: Any) -> None:
        super().__init__(task_id=_task_id(), **values)
        self.sql = sql


class Step(BaseOperator):
    """Calls something by its dotted name."""

    def __init__(self, *, python_callable: str, **values: Any) -> None:
        super().__init__(task_id=_task_id(), **values)
        self.python_callable = python_callable


class Notebook(BaseOperator):
    """Runs a notebook."""

    def __init__(self, *, input_nb: str, **values: Any) -> None:
        super().__init__(task_id=_task_id(), **values)
        self.input_nb = input_nb


class Bash(BashOperator):
    """Runs a command."""

    def __init__(self, *, bash_command: str, **values: Any) -> None:
        super().__init__(task_id=_task_id(), bash_command=bash_command, **values)


class PythonOperator(OfAirflow):
    """Calls a function."""

    def __init__(self, **values: Any) -> None:
        super().__init__(task_id=_task_id(), **values)
