"""What a Python file refers to literally: connections, variables, pools, queues, other DAGs, assets."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from airflow_release_plugin.analysis.evaluation.calls import called_name
from airflow_release_plugin.analysis.module_scan import LEAVES, parse_python
from airflow_release_plugin.garbage import no_collection

_TEMPLATE_VARIABLE = re.compile(r"\bvar\.(?:value|json)\.(?:get\(\s*['\"]([^'\"]+)['\"]|([A-Za-z_]\w*))")
_TEMPLATE_CONNECTION = re.compile(r"\bconn\.(?:get\(\s*['\"]([^'\"]+)['\"]|([A-Za-z_]\w*))")
_TEMPLATES = {"variables": _TEMPLATE_VARIABLE, "connections": _TEMPLATE_CONNECTION}
_UNSAFE = frozenset("'\"\\{}%")
"""What a name in an expression cannot hold without being escaped."""
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
                field.name: tuple(sorted(set().union(*(getattr(one, field.name) for one in everything))))
                for field in fields(self)
            }
        )


def find_references(data: bytes) -> References:
    """Return the literal references of a Python file, none of one that cannot be parsed. It is not run."""
    try:
        with no_collection():
            return references_of(parse_python(data))
    except (SyntaxError, RecursionError):
        return References()


def references_of(tree: ast.Module) -> References:
    """Return the literal references of a parsed Python file, none of one that is nested too deeply."""
    try:
        return _Finder().find(tree)
    except RecursionError:
        return References()


def template_references(text: str) -> References:
    """Return the variables and connections that a template's expressions name."""
    finder = _Finder()
    finder.template(text)
    return finder.result()


@dataclass(frozen=True)
class Mention:
    """
    One place that names something.

    :param kind: a field of :class:`References`
    :param node: the literal
    :param in_template: whether the name is in an expression inside of the literal, not all of it
    """

    kind: str
    name: str
    node: ast.Constant
    in_template: bool


def mentions(tree: ast.Module) -> tuple[Mention, ...]:
    """Every place of a module that :func:`find_references` takes a name from."""
    finder = _Finder()
    finder.find(tree)
    return tuple(finder.mentions)


def replace_in_expressions(text: str, kind: str, names: Mapping[str, str]) -> str:
    """
    Return a text whose template expressions name connections or variables otherwise.

    :param kind: ``connections`` or ``variables``
    :param names: new names by old ones
    """
    pattern = _TEMPLATES[kind]

    def renamed(match: re.Match[str]) -> str:
        group = 1 if match[1] else 2
        new = names.get(match[group], match[group])
        if (group == 2 and not new.isidentifier()) or not _UNSAFE.isdisjoint(new):
            return match[0]
        start, end = (match.start(group) - match.start(), match.end(group) - match.start())
        return match[0][:start] + new + match[0][end:]

    return _EXPRESSION.sub(lambda expression: pattern.sub(renamed, expression[0]), text)


class _Finder:
    """Collects names by kind."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {field.name: set() for field in fields(References)}
        self.mentions: list[Mention] = []

    def find(self, tree: ast.Module) -> References:
        for node in _nodes(tree):
            kind = node.__class__
            if kind is ast.Constant:
                if isinstance(node.value, str):  # type: ignore[attr-defined]
                    self.template(node.value, node)  # type: ignore[attr-defined, arg-type]
            elif kind in _TOLD:
                _TOLD[kind](self, node)
        return self.result()

    def result(self) -> References:
        return References(**{kind: tuple(sorted(names)) for kind, names in self._names.items()})

    def template(self, text: str, node: ast.Constant | None = None) -> None:
        if "{" not in text:
            return
        for expression in _EXPRESSION.findall(text):
            for kind, pattern in _TEMPLATES.items():
                for quoted, plain in pattern.findall(expression):
                    self._names[kind].add(quoted or plain)
                    if node is not None:
                        self.mentions.append(Mention(kind, quoted or plain, node, in_template=True))

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
        if isinstance(value, ast.Constant) and isinstance(name, str) and name and "{{" not in name:
            self._names[kind].add(name)
            self.mentions.append(Mention(kind, name, value, in_template=False))


_TOLD: Mapping[type[ast.AST], Callable[[_Finder, Any], None]] = {
    ast.Call: _Finder._call,
    ast.Dict: _Finder._defaults,
    ast.Assign: _Finder._assigned,
    ast.AnnAssign: _Finder._assigned,
}


def _nodes(tree: ast.Module) -> list[ast.AST]:
    """All nodes in the order of :func:`ast.walk`, which takes several times as long."""
    found: list[ast.AST] = [tree]
    for node in found:
        for value in node.__dict__.values():
            kind = value.__class__
            if kind is list:
                found.extend([item for item in value if item.__class__ not in LEAVES])
            elif kind not in LEAVES and isinstance(value, ast.AST):
                found.append(value)
    return found


def _keyword(node: ast.Call, *names: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg in names), None)
