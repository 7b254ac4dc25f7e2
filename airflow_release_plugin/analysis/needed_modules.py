"""
Which modules a Python file cannot do without where Airflow runs, and which it may.

It may where the import is guarded, and where the function runs in another environment than Airflow's: what
that one has installed is its own affair.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_release_plugin.analysis.module_scan import LEAVES, parse_python

_ELSEWHERE_DECORATORS = frozenset(
    {
        "virtualenv",
        "branch_virtualenv",
        "external_python",
        "branch_external_python",
        "docker",
        "kubernetes",
    }
)
"""Of ``@task.…``."""
_ELSEWHERE_OPERATORS = frozenset(
    {
        "PythonVirtualenvOperator",
        "BranchPythonVirtualenvOperator",
        "ExternalPythonOperator",
        "BranchExternalPythonOperator",
    }
)
_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True)
class NeededModules:
    """
    Dotted names that a file imports absolutely.

    :param needed: without them it cannot be imported
    :param optional: guarded ones, and those of functions that run in another environment
    :param functions: those that functions import, by function, inner ones as ``outer.inner``
    :param elsewhere: names of functions that operators run in another environment
    """

    needed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    functions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    elsewhere: frozenset[str] = frozenset()

    def needed_but_for(self, elsewhere: Iterable[str]) -> frozenset[str]:
        """What is needed where Airflow runs, if these functions run somewhere else."""
        away = set(elsewhere)
        own = (names for function, names in self.functions.items() if away.isdisjoint(function.split(".")))
        return self.needed.union(*own)

    @property
    def every(self) -> frozenset[str]:
        """All of them."""
        return self.needed.union(self.optional, *self.functions.values())


def needed_modules(data: bytes) -> NeededModules:
    """What a Python file imports; nothing of one that cannot be parsed. It is not run."""
    try:
        return modules_of(parse_python(data))
    except (SyntaxError, RecursionError):
        return NeededModules()


def modules_of(tree: ast.Module) -> NeededModules:
    """What a Python file that was parsed imports; nothing of one that is nested too deeply."""
    finder = _ImportFinder()
    try:
        finder.visit(tree)
    except RecursionError:
        return NeededModules()
    return NeededModules(
        frozenset(finder.needed),
        frozenset(finder.optional),
        {name: frozenset(modules) for name, modules in finder.functions.items()},
        frozenset(finder.elsewhere),
    )


class _ImportFinder:
    """Visits every node that may hold an import; ``ast.NodeVisitor`` takes three times as long."""

    def __init__(self) -> None:
        self.needed: set[str] = set()
        self.optional: set[str] = set()
        self.functions: dict[str, set[str]] = {}
        self.elsewhere: set[str] = set()
        self._target = self.needed
        self._around: list[str] = []

    def visit(self, node: ast.AST) -> None:
        handler = _HANDLERS.get(node.__class__)
        if handler is not None:
            handler(self, node)
        else:
            self._children(node)

    def _children(self, node: ast.AST) -> None:
        for value in node.__dict__.values():
            kind = value.__class__
            if kind is list:
                self._visit_all(item for item in value if item.__class__ not in _BARREN)
            elif kind not in _BARREN:
                self.visit(value)

    def _import(self, node: ast.Import) -> None:
        self._target.update(alias.name for alias in node.names)

    def _import_from(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            self._target.add(node.module)

    def _try(self, node: ast.Try) -> None:
        if any(_catches_imports(handler) for handler in node.handlers):
            # One of several is there: body and handlers, whichever.
            self._into(self.optional, [*node.body, *node.handlers, *node.orelse])
            self._visit_all(node.finalbody)
        else:
            self._children(node)

    def _with(self, node: ast.With) -> None:
        is_guard = any(_is_suppress(item.context_expr) for item in node.items)
        self._into(self.optional if is_guard else self._target, node.body)
        self._visit_all(item.context_expr for item in node.items)

    def _if(self, node: ast.If) -> None:
        if _last_name(node.test) == "TYPE_CHECKING":
            self._into(self.optional, node.body)
            self._visit_all(node.orelse)
        else:
            self._children(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all([*node.decorator_list, node.args])
        if any(_runs_elsewhere(each) for each in node.decorator_list):
            self._into(self.optional, node.body)
        else:
            self._around.append(node.name)
            self._into(self.functions.setdefault(".".join(self._around), set()), node.body)
            self._around.pop()

    def _call(self, node: ast.Call) -> None:
        if _last_name(node.func) in _ELSEWHERE_OPERATORS or (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "partial"
            and _last_name(node.func.value) in _ELSEWHERE_OPERATORS
        ):
            given = (word.value for word in node.keywords if word.arg == "python_callable")
            self.elsewhere.update(name for value in given if (name := _last_name(value)))
        self._children(node)

    def _into(self, target: set[str], nodes: Iterable[ast.AST]) -> None:
        before, self._target = self._target, target
        # What is optional stays so, whatever is inside of it.
        if before is self.optional:
            self._target = before
        self._visit_all(nodes)
        self._target = before

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


_HANDLERS: Mapping[type[ast.AST], Callable[[_ImportFinder, Any], None]] = {
    ast.Import: _ImportFinder._import,
    ast.ImportFrom: _ImportFinder._import_from,
    ast.With: _ImportFinder._with,
    ast.If: _ImportFinder._if,
    ast.Call: _ImportFinder._call,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), _ImportFinder._function),
    # ``except*`` came with Python 3.11
    **dict.fromkeys((ast.Try, getattr(ast, "TryStar", ast.Try)), _ImportFinder._try),
}
_BARREN = LEAVES | {ast.Name, ast.Constant}


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or _last_name(kind) in _CAUGHT for kind in kinds)


def _is_suppress(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or _last_name(node.func) != "suppress":
        return False
    return any(_last_name(kind) in _CAUGHT for kind in node.args)


def _runs_elsewhere(decorator: ast.expr) -> bool:
    """``@task.virtualenv``, with arguments or without."""
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (
        isinstance(node, ast.Attribute)
        and node.attr in _ELSEWHERE_DECORATORS
        and _last_name(node.value) == "task"
    )


def _last_name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
