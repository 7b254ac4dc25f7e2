"""What a Python file refers to literally: connections, variables, pools, queues, other DAGs, assets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

from airflow_release_plugin.analysis.literal_paths import called_name
from airflow_release_plugin.analysis.module_scan import parse_python
from airflow_release_plugin.exceptions import UnitError

_TEMPLATE_VARIABLE = re.compile(r"\bvar\.(?:value|json)\.(?:get\(\s*['\"]([^'\"]+)['\"]|([A-Za-z_]\w*))")
_TEMPLATE_CONNECTION = re.compile(r"\bconn\.(?:get\(\s*['\"]([^'\"]+)['\"]|([A-Za-z_]\w*))")
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_GETTERS = {
    ("Variable", "get"): "variables",
    ("Connection", "get"): "connections",
    ("Connection", "get_connection_from_secrets"): "connections",
    ("BaseHook", "get_connection"): "connections",
    ("BaseHook", "get_hook"): "connections",
}
_KEYWORDS = {
    "pool": "pools",
    "queue": "queues",
    "executor": "executors",
    "trigger_dag_id": "triggered_dags",
    "external_dag_id": "awaited_dags",
}
_ASSETS = frozenset({"Asset", "Dataset", "AssetAlias"})


@dataclass(frozen=True)
class References:
    """
    Literal references of one or more Python files, each sorted and without repeats.

    :param triggered_dags: ids given as ``trigger_dag_id``
    :param awaited_dags: ids given as ``external_dag_id``
    :param assets: names or URIs given to ``Asset(…)``
    """

    connections: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    executors: tuple[str, ...] = ()
    triggered_dags: tuple[str, ...] = ()
    awaited_dags: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()

    def merged(self, others: Iterable[References]) -> References:
        """Return the union with others, as for all files of a unit."""
        everything = [self, *others]
        return References(
            **{
                field.name: tuple(sorted({name for one in everything for name in getattr(one, field.name)}))
                for field in fields(self)
            }
        )


def find_references(data: bytes, *, path: str = "") -> References:
    """
    Return the literal references of a Python file; ``path`` is for messages.

    Raises ``UnitError`` for code that cannot be parsed. The code is not run.
    """
    try:
        return _Finder().find(parse_python(data))
    except (SyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UnitError(
            f"{path!r} line {line}: {getattr(error, 'msg', error)}.", path=path, line=line
        ) from error


def template_references(text: str) -> References:
    """Return the variables and connections that a template's expressions name."""
    finder = _Finder()
    finder.template(text)
    return finder.result()


class _Finder:
    """Collects names by kind."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {field.name: set() for field in fields(References)}

    def find(self, tree: ast.Module) -> References:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.template(node.value)
            elif isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.Dict):
                self._defaults(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                self._assigned(node)
        return self.result()

    def result(self) -> References:
        return References(**{kind: tuple(sorted(names)) for kind, names in self._names.items()})

    def template(self, text: str) -> None:
        if "{" not in text:
            return
        for expression in _EXPRESSION.findall(text):
            for quoted, name in _TEMPLATE_VARIABLE.findall(expression):
                self._names["variables"].add(quoted or name)
            for quoted, name in _TEMPLATE_CONNECTION.findall(expression):
                self._names["connections"].add(quoted or name)

    def _call(self, node: ast.Call) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            holder = function.value
            owner = holder.attr if isinstance(holder, ast.Attribute) else getattr(holder, "id", "")
            kind = _GETTERS.get((owner, function.attr))
            if kind is not None:
                self._add(kind, node.args[0] if node.args else _keyword(node, "key", "conn_id"))
        if called_name(node).endswith("Hook") and node.args:
            self._add("connections", node.args[0])
        if called_name(node) in _ASSETS:
            for value in (*node.args[:2], _keyword(node, "uri"), _keyword(node, "name")):
                self._add("assets", value)
        for keyword in node.keywords:
            self._named(keyword.arg or "", keyword.value)

    def _defaults(self, node: ast.Dict) -> None:
        """Take ``default_args`` and the like: dictionaries whose keys are arguments of operators."""
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._named(key.value, value)

    def _assigned(self, node: ast.Assign | ast.AnnAssign) -> None:
        """Take constants such as ``WAREHOUSE_CONN_ID = "warehouse"``."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if name.lower().endswith("conn_id"):
                self._add("connections", node.value)

    def _named(self, name: str, value: ast.expr) -> None:
        if name == "conn_id" or name.endswith("_conn_id"):
            self._add("connections", value)
        elif name in _KEYWORDS:
            self._add(_KEYWORDS[name], value)

    def _add(self, kind: str, value: ast.expr | None) -> None:
        name = value.value if isinstance(value, ast.Constant) else None
        if isinstance(name, str) and name and "{{" not in name:
            self._names[kind].add(name)


def _keyword(node: ast.Call, *names: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg in names), None)
