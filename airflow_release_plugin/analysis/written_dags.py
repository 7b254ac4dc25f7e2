"""Ids of DAGs that a text names: what the file would make, as far as can be told without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from airflow_release_plugin.analysis.evaluation.evaluator import Evaluator
from airflow_release_plugin.analysis.evaluation.names import last_name
from airflow_release_plugin.analysis.evaluation.scopes import ModuleText
from airflow_release_plugin.analysis.evaluation.values import is_known


def written_dag_ids(text: ModuleText, ev: Evaluator) -> Iterator[str]:
    """Ids that are given to ``DAG(…)``, and those of functions with ``@dag``."""
    for node, scope in text.calls:
        if last_name(node.func) == "DAG":
            given = _dag_id(node)
            yield from (value for value in ev(given, scope) if is_known(value)) if given else ()
    for scope in text.functions:
        for decorator in getattr(scope.node, "decorator_list", ()):
            call = decorator if isinstance(decorator, ast.Call) else None
            if last_name(call.func if call else decorator) == "dag":
                given = _dag_id(call) if call else None
                outer = scope.parent or scope
                yield from (
                    (value for value in ev(given, outer) if is_known(value)) if given else (scope.name,)
                )


def _dag_id(node: ast.Call) -> ast.expr | None:
    named = (keyword.value for keyword in node.keywords if keyword.arg == "dag_id")
    return next(named, node.args[0] if node.args else None)
