"""Tasks and schedules that the text of a DAG file names, as far as they stand there as constants."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from airflow_release_plugin.analysis.evaluation.names import last_name
from airflow_release_plugin.analysis.text_decoding import decode_text

_LONGEST = 60
"""A schedule that is written longer says less than the lines that changed."""


@dataclass(frozen=True)
class WrittenStructure:
    """
    What can be read without running the file; what a loop or a variable makes is not among it.

    :param tasks: ids of tasks
    :param schedules: by DAG id, as it is written; empty for none
    """

    tasks: frozenset[str] = frozenset()
    schedules: Mapping[str, str] = field(default_factory=dict)


def read_structure(data: bytes) -> WrittenStructure | None:
    """What a DAG file names; ``None`` for a text that is no Python."""
    try:
        tree = ast.parse(decode_text(data)[0])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nodes = list(ast.walk(tree))
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    tasks: set[str] = set()
    schedules: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Call):
            tasks.update(_operator_tasks(node))
            schedules.update(_dag_of_call(node))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            tasks.update(_function_tasks(node, used))
            schedules.update(_dag_of_function(node))
    return WrittenStructure(frozenset(tasks), schedules)


def _operator_tasks(call: ast.Call) -> Iterator[str]:
    """``SomeOperator(task_id="load")`` or ``SomeOperator.partial(task_id="load")``."""
    name = last_name(call.func)
    if name[:1].isupper() or name == "partial":
        given = _keyword(call, "task_id")
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield given.value


def _function_tasks(node: ast.FunctionDef | ast.AsyncFunctionDef, used: set[str]) -> Iterator[str]:
    """A function with ``@task`` that something calls: without a call there is no task."""
    for decorator in node.decorator_list:
        called = decorator if isinstance(decorator, ast.Call) else None
        function = called.func if called else decorator
        root = function.value if isinstance(function, ast.Attribute) else function
        if last_name(root) != "task" or node.name not in used:
            continue
        given = _keyword(called, "task_id") if called else None
        if given is None:
            yield node.name
        elif isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield given.value


def _dag_of_call(call: ast.Call) -> Iterator[tuple[str, str]]:
    if last_name(call.func) == "DAG":
        given = _keyword(call, "dag_id") or (call.args[0] if call.args else None)
        yield from _schedule(given, call)


def _dag_of_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    for decorator in node.decorator_list:
        called = decorator if isinstance(decorator, ast.Call) else None
        if last_name(called.func if called else decorator) == "dag":
            named = (
                _keyword(called, "dag_id") or (called.args[0] if called.args else None) if called else None
            )
            yield from _schedule(named or ast.Constant(node.name), called)


def _schedule(dag_id: ast.expr | None, call: ast.Call | None) -> Iterator[tuple[str, str]]:
    if not isinstance(dag_id, ast.Constant) or not isinstance(dag_id.value, str):
        return
    if call is not None and any(keyword.arg is None for keyword in call.keywords):
        return  # **options may say more
    given = _keyword(call, "schedule") if call else None
    if given is None or (isinstance(given, ast.Constant) and given.value is None):
        yield dag_id.value, ""
    elif isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield dag_id.value, given.value
    elif isinstance(given, ast.Call) and len(text := ast.unparse(given)) <= _LONGEST:
        yield dag_id.value, text


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
