"""
Evaluates the expressions by which code names files: literals, ``Path(__file__).parent / "x.sql"`` and such.

Nothing is executed. A value is a path with an anchor; what cannot be told from the text has no value.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

STEM = "\x00"
"""Stands for the stem of the module's own file name, since scans are shared by files with equal content."""
_UNKNOWN_SELF = STEM + ".py"
_MAX_TEXT = 4096


class Anchor(str, Enum):
    """What a path is relative to."""

    TEXT = "text"
    """Nothing in particular: a plain string, to be tried in the folders that its reader might use."""
    FILE = "file"
    """The folder of the module that contains the expression."""
    ROOT = "root"
    """The root of the source, where absolute imports start."""


@dataclass(frozen=True)
class PathValue:
    """A path that was read off the code, POSIX; ``..`` at the start goes above the anchor."""

    anchor: Anchor
    path: str

    def join(self, other: PathValue) -> PathValue | None:
        """Return ``self / other``."""
        if other.anchor is not Anchor.TEXT or other.path.startswith("/"):
            return other
        return (
            PathValue(self.anchor, posixpath.join(self.path, other.path))
            if len(self.path) < _MAX_TEXT
            else None
        )

    def add(self, other: PathValue) -> PathValue | None:
        """Return ``self + other`` as strings."""
        if other.anchor is not Anchor.TEXT or len(self.path) > _MAX_TEXT:
            return None
        return PathValue(self.anchor, self.path + other.path)

    def parent(self, levels: int = 1) -> PathValue:
        """Return the folder ``levels`` above."""
        path = posixpath.normpath(self.path)
        for _ in range(min(levels, 64)):
            if path == "." or path.split("/")[-1] == "..":
                path = posixpath.normpath(f"{path}/..")
            else:
                path = posixpath.dirname(path) or "."
        return PathValue(self.anchor, path)

    def resolved(self, module: str) -> str:
        """Return the normalised path relative to the root, for code in ``module``; may start with ``..``."""
        folder, _, name = module.rpartition("/")
        path = self.path.replace(STEM, name.rpartition(".")[0])
        path = posixpath.join(folder if self.anchor is Anchor.FILE else "", path)
        return "" if (normal := posixpath.normpath(path)) == "." else normal


_SAME = frozenset({"resolve", "absolute", "expanduser", "as_posix", "__str__"})
_PATH_CLASSES = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath"})
_SAME_FUNCTIONS = frozenset({"str", "fspath", "abspath", "realpath", "normpath", "expanduser"})


class PathEvaluator:
    """
    Gives expressions of one module a path value, where the text alone decides it.

    :param assigned: the single value that a name is ever given in the module, by name
    """

    def __init__(self, assigned: Mapping[str, ast.expr]) -> None:
        self._assigned = assigned
        self._known: dict[ast.expr, PathValue | None] = {}
        self._rules: dict[type[ast.expr], Callable[..., PathValue | None]] = {
            ast.Constant: self._constant,
            ast.JoinedStr: self._f_string,
            ast.BinOp: self._operator,
            ast.Call: self._call,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Name: self._name,
        }

    def value(self, node: ast.expr) -> PathValue | None:
        """Return the path that ``node`` stands for, or ``None``."""
        rule = self._rules.get(type(node))
        if rule is None:
            return None
        if node not in self._known:
            self._known[node] = None  # a name that is defined through itself has no value
            self._known[node] = rule(node)
        return self._known[node]

    def pattern(self, node: ast.expr) -> PathValue | None:
        """
        Return a glob for an expression that is known in part: ``SQL / f"{name}.sql"`` is ``…/sql/*.sql``.

        Where nothing is known of the last part the folder is returned, and ``None`` for other expressions.
        """
        found = self._pattern(node)
        if found is None:
            return None
        path = found.path
        while path == "*" or path.endswith("/*"):
            path = path.rpartition("/")[0] or "."
        return PathValue(found.anchor, path)

    def _pattern(self, node: ast.expr) -> PathValue | None:
        if isinstance(node, ast.JoinedStr):
            return self._concatenated(
                part.value if isinstance(part, ast.FormattedValue) else part for part in node.values
            )
        if isinstance(node, ast.BinOp):
            sides = (node.left, node.right)
            if isinstance(node.op, ast.Div):
                return self._separated(sides)
            return self._concatenated(sides) if isinstance(node.op, ast.Add) else None
        if isinstance(node, ast.Call):
            name = called_name(node)
            if name == "joinpath" and isinstance(node.func, ast.Attribute):
                return self._separated([node.func.value, *node.args])
            if name in _PATH_CLASSES or (name == "join" and _is_os_path_join(node)):
                return self._separated(node.args)
        return None

    def _part(self, node: ast.expr) -> PathValue:
        return self.value(node) or self._pattern(node) or PathValue(Anchor.TEXT, "*")

    def _concatenated(self, nodes: Iterable[ast.expr]) -> PathValue | None:
        parts = [self._part(node) for node in nodes]
        result = parts[0] if parts else None
        for part in parts[1:]:
            result = result and result.add(part)
        return result

    def _separated(self, nodes: Iterable[ast.expr]) -> PathValue | None:
        parts = [self._part(node) for node in nodes]
        result = parts[0] if parts else None
        for part in parts[1:]:
            result = result and result.join(part)
        return result

    def _constant(self, node: ast.Constant) -> PathValue | None:
        usable = isinstance(node.value, str) and len(node.value) < _MAX_TEXT and STEM not in node.value
        return PathValue(Anchor.TEXT, node.value) if usable else None  # type: ignore[arg-type]

    def _f_string(self, node: ast.JoinedStr) -> PathValue | None:
        result = PathValue(Anchor.TEXT, "")
        for position, part in enumerate(node.values):
            value = self.value(part.value if isinstance(part, ast.FormattedValue) else part)
            if value is None:
                return None
            joined = value if position == 0 else result.add(value)
            if joined is None:
                return None
            result = joined
        return result

    def _operator(self, node: ast.BinOp) -> PathValue | None:
        if not isinstance(node.op, (ast.Div, ast.Add)):
            return None
        left, right = self.value(node.left), self.value(node.right)
        if left is None or right is None:
            return None
        return left.join(right) if isinstance(node.op, ast.Div) else left.add(right)

    def _name(self, node: ast.Name) -> PathValue | None:
        if node.id == "__file__":
            return PathValue(Anchor.FILE, _UNKNOWN_SELF)
        source = self._assigned.get(node.id)
        return None if source is None else self.value(source)

    def _attribute(self, node: ast.Attribute) -> PathValue | None:
        if node.attr != "parent" or (value := self.value(node.value)) is None:
            return None
        return value.parent()

    def _subscript(self, node: ast.Subscript) -> PathValue | None:
        holder, index = node.value, node.slice
        if not (
            isinstance(holder, ast.Attribute) and holder.attr == "parents" and isinstance(index, ast.Constant)
        ):
            return None
        value = self.value(holder.value)
        if value is None or not isinstance(index.value, int) or index.value < 0:
            return None
        return value.parent(index.value + 1)

    def _call(self, node: ast.Call) -> PathValue | None:
        name = called_name(node)
        if isinstance(node.func, ast.Attribute) and (own := self.value(node.func.value)) is not None:
            return self._method(own, name, node.args)
        if name == "join" and not _is_os_path_join(node):
            return None
        if name in _PATH_CLASSES or name == "join":
            return self._joined(node.args)
        if name in _SAME_FUNCTIONS and len(node.args) == 1:
            return self.value(node.args[0])
        if name == "dirname" and len(node.args) == 1:
            value = self.value(node.args[0])
            return value and value.parent()
        if name == "files" and node.args and isinstance(node.args[0], ast.Constant):
            package = self.value(node.args[0])  # importlib.resources.files("package")
            return package and PathValue(Anchor.ROOT, package.path.replace(".", "/"))
        return None

    def _joined(self, arguments: Sequence[ast.expr]) -> PathValue | None:
        result = PathValue(Anchor.TEXT, "")
        for argument in arguments:
            value = self.value(argument)
            joined = None if value is None else result.join(value)
            if joined is None:
                return None
            result = joined
        return result if arguments else None

    def _method(self, own: PathValue, name: str, arguments: Sequence[ast.expr]) -> PathValue | None:
        if name in _SAME:
            return own
        other = self._joined(arguments)
        if other is None or other.anchor is not Anchor.TEXT:
            return None
        if name in {"joinpath", "glob"}:
            return own.join(other)
        if name == "rglob":
            return own.join(PathValue(Anchor.TEXT, "**/" + other.path))
        if name == "with_name":
            return own.parent().join(other)
        if name == "with_suffix":
            return PathValue(own.anchor, posixpath.splitext(own.path)[0] + other.path)
        return None


def called_name(node: ast.Call) -> str:
    """Return the last part of the called name: ``join`` for ``os.path.join(…)``; ``""`` without a name."""
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_os_path_join(node: ast.Call) -> bool:
    function = node.func
    if isinstance(function, ast.Name):
        return True
    holder = function.value if isinstance(function, ast.Attribute) else None
    if isinstance(holder, ast.Attribute):
        return holder.attr == "path"
    return isinstance(holder, ast.Name) and holder.id in {"path", "osp", "posixpath"}
