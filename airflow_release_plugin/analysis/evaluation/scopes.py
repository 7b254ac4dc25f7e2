"""The names of a module, scope by scope, and the places that may concern files."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class ImportRef:
    """
    One import.

    :param module: dotted name as written; ``""`` for ``from . import x``
    :param names: what ``from`` takes from the module; ``*`` for everything
    :param level: leading dots
    :param guarded: inside ``try`` or ``if TYPE_CHECKING``: may be missing
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0
    line: int = 0
    guarded: bool = False


class Binding(NamedTuple):
    """
    One way how a name gets a value.

    :param kind: ``value``, ``item`` (of what ``path`` leads to), ``each`` (element of an iterable), ``enter``
        (``with``), ``added`` (``+=``), ``appended`` (to a list), ``entry`` (of a dictionary), ``import``,
        ``def``, ``class``, ``param`` or ``other``
    :param path: indexes that lead from the value, or from its element, to what the name gets
    """

    kind: str
    node: ast.AST
    scope: CodeScope
    path: tuple[int, ...] = ()
    imported: tuple[str, str, int] = ("", "", 0)


class CodeScope:
    """
    A module, class, function or comprehension.

    :param attributes: what methods assign to ``self``, of a class
    :param returns: what a function returns or yields
    :param elsewhere: names that ``global`` and ``nonlocal`` take from another scope
    """

    __slots__ = ("attributes", "elsewhere", "kind", "module", "name", "names", "node", "parent", "returns")

    def __init__(
        self, kind: str, node: ast.AST, parent: CodeScope | None, module: ModuleText, name: str
    ) -> None:
        self.kind = kind
        self.node = node
        self.parent = parent
        self.module = module
        self.name = name
        self.names: dict[str, list[Binding]] = {}
        self.attributes: dict[str, list[Binding]] = {}
        self.returns: list[ast.expr] = []
        self.elsewhere: dict[str, CodeScope] = {}
        module.scopes.append(self)

    def bind(self, name: str, binding: Binding) -> None:
        scope = self.elsewhere.get(name, self)
        scope.names.setdefault(name, []).append(binding)

    def lookup(self, name: str) -> list[Binding] | None:
        """Bindings of a name as code in this scope sees it; methods do not see the names of their class."""
        scope: CodeScope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None and (scope.kind != "class" or scope is self):
                return found
            scope = scope.parent
        return None

    @property
    def enclosing_class(self) -> CodeScope | None:
        """The class of which this is a method."""
        return self.parent if self.parent is not None and self.parent.kind == "class" else None


class Place(NamedTuple):
    """An expression, where its names are looked up, and the name that it is assigned to."""

    node: ast.expr
    scope: CodeScope
    target: str = ""


GIVEN = frozenset(
    {
        *("template_searchpath", "PYTHONPATH", "bash_command", "sql", "hql", "command", "cmd", "cmds"),
        *("arguments", "entrypoint", "remote_command"),
    }
)
"""Arguments and keys that concern files whatever they are given to."""


class Given(NamedTuple):
    """A value of one of these."""

    name: str
    node: ast.expr
    scope: CodeScope


@dataclass
class ModuleText:
    """
    What one walk over a module collects.

    :param places: expressions that may name a file, outer ones before inner ones
    :param mentioned: every identifier that the module reads
    """

    path: str
    scope: CodeScope = field(init=False)
    imports: list[ImportRef] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    calls: list[tuple[ast.Call, CodeScope]] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    loops: dict[ast.AST, list[ast.AST]] = field(default_factory=dict)
    inner: dict[ast.AST, CodeScope] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)
    functions: list[CodeScope] = field(default_factory=list)
    scopes: list[CodeScope] = field(default_factory=list)

    def release(self) -> None:
        """Take scopes and nodes apart, so that they go at once: they refer to each other in circles."""
        for scope in self.scopes:
            scope.names.clear()
            scope.attributes.clear()
            scope.returns.clear()
            scope.parent = None
        for group in (self.scopes, self.functions, self.places, self.calls, self.given):
            group.clear()
        self.loops.clear()
        self.inner.clear()
