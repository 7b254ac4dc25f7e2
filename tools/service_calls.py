"""
How many use cases the handlers at the edges call: a page or route gets what it shows from one call.

``python -m tools.service_calls`` prints the handlers with the most calls. Counted along the longest path of
a handler, into the functions and methods of its own file: a call in a loop counts twice, branches do not add
up.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.source import PACKAGE, Finding, Source

SERVICES = f"{PACKAGE}.services"
READ_MODELS = f"{SERVICES}.read_models"
RUNTIME = (f"{SERVICES}.runtime.unit_of_work", f"{SERVICES}.runtime.context")
"""The transaction of a request and what it holds: no use cases."""
VERBS = frozenset({"get", "post", "put", "patch", "delete"})
MORE_THAN_ONE = {
    "api/routes/imports.py:send": "one request, three transactions: whether bytes are wanted is asked before "
    "they come, they are kept once they are here, and the whole file is looked at, which takes its time",
}
"""Handlers that call more, as file:function, and why they have to."""
CALLS_FOR_ALL = {
    "views/web/base.py": "the frame around each page is a read model of its own, and every page has it",
}
"""Files of an edge that call services though no handler is in them, and why."""


@dataclass(frozen=True, order=True)
class Calls:
    """Calls along one path: of use cases, and of read models."""

    acts: int = 0
    reads: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.acts + other.acts, self.reads + other.reads)

    @property
    def total(self) -> int:
        """Both together."""
        return self.acts + self.reads


NONE = Calls()


@dataclass(frozen=True)
class Handler:
    """
    A function that answers requests.

    :param changes: whether it takes another method than GET
    """

    name: str
    line: int
    changes: bool
    calls: Calls

    @property
    def is_kept(self) -> bool:
        """One call; what changes something may read once, what to answer with, beside its act."""
        if self.changes:
            return self.calls.acts <= 1 and self.calls.reads <= 1
        return self.calls.total <= 1


_Function = (ast.FunctionDef, ast.AsyncFunctionDef)
_Body = Sequence[ast.stmt]


class _Module:
    """A file of an edge: what it imports from services, and its own functions."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.services: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SERVICES):
                for alias in node.names:
                    self.services[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        self.functions = {node.name: node for node in ast.walk(tree) if isinstance(node, _Function)}

    def of_call(self, call: ast.Call, under: frozenset[str]) -> Calls:
        """What a call is, or leads to."""
        function = call.func
        root, chain = function, []
        while isinstance(root, ast.Attribute):
            chain.append(root.attr)
            root = root.value
        name = root.id if isinstance(root, ast.Name) else ""
        last = function.attr if isinstance(function, ast.Attribute) else name
        if name in self.services:
            origin = self.services[name]
            # Classes and constants are values; their methods ask no use case.
            is_value = any(part[:1].isupper() for part in (*chain, origin.rpartition(".")[2]))
            if is_value or origin.startswith(RUNTIME):
                return NONE
            return Calls(reads=1) if origin.startswith(READ_MODELS) else Calls(acts=1)
        own = last if name == "self" or function is root else ""
        if own in self.functions and own not in under:
            return self.of_body(self.functions[own].body, under | {own})
        return NONE

    def of_expression(self, node: ast.AST | None, under: frozenset[str]) -> Calls:
        """The calls of an expression, or of a statement without a body."""
        if node is None or isinstance(node, ast.Lambda):
            return NONE
        if isinstance(node, ast.IfExp):
            branches = [self.of_expression(part, under) for part in (node.body, node.orelse)]
            return self.of_expression(node.test, under) + _most(branches)
        inner = _sum(self.of_expression(child, under) for child in ast.iter_child_nodes(node))
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            # All but what it goes through is done again and again.
            once = self.of_expression(node.generators[0].iter, under)
            return inner if inner == once else inner + inner
        return inner + self.of_call(node, under) if isinstance(node, ast.Call) else inner

    def of_body(self, body: _Body, under: frozenset[str]) -> Calls:
        """The most calls along any way through statements."""
        through, ended = self._ways(body, under)
        return _most([*([through] if through is not None else []), *ended])

    def _ways(self, body: _Body, under: frozenset[str]) -> tuple[Calls | None, list[Calls]]:
        """Calls of ways that go on behind the statements, ``None`` if none does, and of those that end."""
        so_far = NONE
        ended: list[Calls] = []
        for statement in body:
            through, ends = self._statement(statement, under)
            ended += [so_far + end for end in ends]
            if through is None:
                return None, ended
            so_far = so_far + through
        return so_far, ended

    def _statement(self, node: ast.stmt, under: frozenset[str]) -> tuple[Calls | None, list[Calls]]:
        if isinstance(node, (*_Function, ast.ClassDef)):
            return NONE, []
        if isinstance(node, (ast.Return, ast.Raise)):
            return None, [self.of_expression(node, under)]
        if isinstance(node, ast.If):
            test = self.of_expression(node.test, under)
            return self._either(test, [node.body, node.orelse], under)
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            head = self.of_expression(node.test if isinstance(node, ast.While) else node.iter, under)
            through, ends = self._ways(node.body, under)
            twice = (through or NONE) + (through or NONE)
            return head + twice, [head + (through or NONE) + end for end in ends]
        if isinstance(node, (ast.With, ast.AsyncWith)):
            head = _sum(self.of_expression(item.context_expr, under) for item in node.items)
            return self._either(head, [node.body], under)
        if isinstance(node, ast.Try):
            return self._tried(node, under)
        return self.of_expression(node, under), []

    def _either(
        self, head: Calls, bodies: Iterable[_Body], under: frozenset[str]
    ) -> tuple[Calls | None, list[Calls]]:
        ways = [self._ways(body, under) for body in bodies]
        through = [head + way for way, _ends in ways if way is not None]
        return (_most(through) if through else None), [head + end for _way, ends in ways for end in ends]

    def _tried(self, node: ast.Try, under: frozenset[str]) -> tuple[Calls | None, list[Calls]]:
        """What failed has been called as well."""
        whole = self._ways([*node.body, *node.orelse, *node.finalbody], under)
        failed = self.of_body(node.body, under)
        caught = self._either(failed, [handler.body for handler in node.handlers], under)
        through = [way for way, _ends in (whole, caught) if way is not None]
        return (_most(through) if through else None), [*whole[1], *caught[1]]


def _sum(parts: Iterable[Calls]) -> Calls:
    return sum(parts, NONE)


def _most(ways: Iterable[Calls]) -> Calls:
    return max(ways, key=lambda way: (way.total, way.acts), default=NONE)


def _changes(decorator: ast.expr) -> bool | None:
    """Whether what is decorated changes something, ``None`` if the decorator makes no handler of it."""
    if not isinstance(decorator, ast.Call):
        return None
    function = decorator.func
    if isinstance(function, ast.Name) and function.id == "route":
        return any(getattr(argument, "value", "GET") != "GET" for argument in decorator.args[1:])
    if isinstance(function, ast.Attribute) and function.attr in VERBS:
        return function.attr != "get"
    return None


def handlers(tree: ast.Module) -> Iterator[Handler]:
    """Every handler of a file."""
    module = _Module(tree)
    for node in ast.walk(tree):
        if not isinstance(node, _Function):
            continue
        kinds = [kind for kind in map(_changes, node.decorator_list) if kind is not None]
        if kinds:
            calls = module.of_body(node.body, frozenset({node.name}))
            yield Handler(node.name, node.lineno, any(kinds), calls)


def one_call_for_a_handler(source: Source) -> Iterator[Finding]:
    """
    A handler gets what it shows, or does what it is for, by one call of a service.

    What changes something may call a read model once, beside its act, for its answer. Serializers, widgets
    and whatever else stands around handlers is given what it needs.
    """
    if not source.is_in("api/", "views/"):
        return
    name = source.path.removeprefix(f"{PACKAGE}/")
    found = list(handlers(source.tree))
    for handler in found:
        if not handler.is_kept and f"{name}:{handler.name}" not in MORE_THAN_ONE:
            message = (
                f"{handler.name}() makes {handler.calls.total} calls of services; one read model answers all "
                "that it shows (services/read_models/), one use case does all that it does"
            )
            yield Finding(source.path, handler.line, message)
    if not found and name not in CALLS_FOR_ALL:
        module = _Module(source.tree)
        for call in source.calls():
            if module.of_call(call, frozenset()).total:
                message = "only handlers call services; take what the handler got from them"
                yield Finding(source.path, call.lineno, message)


def main() -> int:
    """Print the handlers that call more than they may, those with a reason among them."""
    root = Path(__file__).resolve().parents[1] / PACKAGE
    found = [
        (handler, path.relative_to(root))
        for edge in ("api", "views")
        for path in sorted((root / edge).rglob("*.py"))
        for handler in handlers(ast.parse(path.read_text(encoding="utf-8")))
    ]
    for handler, path in found:
        if not handler.is_kept:
            print(f"{path}:{handler.line}: {handler.name}() {handler.calls.acts} + {handler.calls.reads}")
    print(f"{len(found)} handlers, {sum(not handler.is_kept for handler, _ in found)} call more than one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
