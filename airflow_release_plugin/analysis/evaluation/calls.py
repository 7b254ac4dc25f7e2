"""Which argument of a call a parameter gets."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import NamedTuple

from airflow_release_plugin.analysis.evaluation.scopes import CodeScope
from airflow_release_plugin.analysis.evaluation.values import ANYTHING, Value, Values


class CallSite(NamedTuple):
    """
    A call of a function of the source.

    :param receiver: the object whose method it is
    :param each: the arguments are lists of what single calls get, as in ``expand``
    """

    node: ast.Call
    scope: CodeScope
    receiver: Value = None
    each: bool = False


class Parameters(NamedTuple):
    """Parameters of a function: names, defaults by name, and the names of ``*args`` and ``**kwargs``."""

    names: tuple[str, ...]
    defaults: Mapping[str, ast.expr]
    rest: str
    others: str


def parameters(scope: CodeScope) -> Parameters:
    """The parameters of a function's scope."""
    node = scope.node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return Parameters((), {}, "", "")
    found = node.args
    positional = [*found.posonlyargs, *found.args]
    pairs = list(zip(reversed(positional), reversed(found.defaults), strict=False))
    pairs += [
        (item, default) for item, default in zip(found.kwonlyargs, found.kw_defaults, strict=True) if default
    ]
    return Parameters(
        tuple(item.arg for item in (*positional, *found.kwonlyargs)),
        {item.arg: default for item, default in pairs},
        found.vararg.arg if found.vararg else "",
        found.kwarg.arg if found.kwarg else "",
    )


def argument(site: CallSite, scope: CodeScope, name: str) -> ast.expr | Values | None:
    """What a call gives to a parameter: an expression, or values; ``None`` for the default."""
    listed = parameters(scope)
    names = list(listed.names)
    is_method = scope.enclosing_class is not None and names[:1] in (["self"], ["cls"])
    if is_method:
        if name == names[0]:
            return (site.receiver,) if site.receiver is not None else None
        names = names[1:]
    keyword = next((item.value for item in site.node.keywords if item.arg == name), None)
    if keyword is not None:
        return keyword
    has_star = any(isinstance(item, ast.Starred) for item in site.node.args)
    if name in names and not has_star:
        index = names.index(name)
        if index < len(site.node.args):
            return site.node.args[index]
    elif name == listed.rest and not has_star:
        extra = site.node.args[len(names) - _keyword_only(scope) :]
        return ast.Tuple(elts=list(extra), ctx=ast.Load())
    unclear = has_star or any(item.arg is None for item in site.node.keywords) or name == listed.others
    return ANYTHING if unclear else None


def _keyword_only(scope: CodeScope) -> int:
    return len(scope.node.args.kwonlyargs) if hasattr(scope.node, "args") else 0


def called_name(node: ast.Call) -> str:
    """Return the last part of the called name: ``join`` for ``os.path.join(…)``; ``""`` without a name."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
