"""Other names for what a file refers to literally; nothing else of the file changes, and it is not run."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_release_plugin.analysis.module_scan import parse_python
from airflow_release_plugin.analysis.references import (
    Mention,
    mentions,
    replace_in_expressions,
    template_references,
)
from airflow_release_plugin.domain.bundle.name_table import NameTable

_FIELDS = {"connection": "connections", "variable": "variables", "pool": "pools", "queue": "queues"}
_IN_TEMPLATES = ("connections", "variables")
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")

Names = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Renamed:
    """
    A file with other names in it.

    :param reached: ``(kind, there)`` of what was renamed somewhere in it
    :param missed: the same of what it names in a place that could not be changed
    """

    data: bytes
    reached: frozenset[tuple[str, str]] = frozenset()
    missed: frozenset[tuple[str, str]] = frozenset()


def rename_literals(data: bytes, table: NameTable, *, path: str) -> Renamed:
    """
    Give connections, variables, pools and queues the names that they have here.

    In Python: literal arguments, constants and template expressions; elsewhere: template expressions. A
    file that cannot be read stays as it is.
    """
    names: Names = {_FIELDS[kind]: pairs for kind, pairs in table.names.items()}
    if not any(names.values()):
        return Renamed(data)
    try:
        if path.endswith(".py"):
            return _python(data, names)
        text = data.decode()
    except (SyntaxError, RecursionError, UnicodeDecodeError):
        return Renamed(data)
    new, reached, missed = _template(text, names)
    return Renamed(new.encode(), _by_kind(reached), _by_kind(missed))


def _by_kind(found: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    kinds = {field: kind for kind, field in _FIELDS.items()}
    return frozenset((kinds[field], name) for field, name in found)


def _python(data: bytes, names: Names) -> Renamed:
    tree = parse_python(data)
    inside_f_strings = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant)
    }
    by_node: dict[int, list[Mention]] = defaultdict(list)
    for mention in mentions(tree):
        if mention.name in names.get(mention.kind, {}):
            by_node[id(mention.node)].append(mention)
    source = _Source(data)
    reached: set[tuple[str, str]] = set()
    missed: set[tuple[str, str]] = set()
    for node_id, found in by_node.items():
        new = None if node_id in inside_f_strings else source.literal(found, names)
        keys = {(mention.kind, mention.name) for mention in found}
        if new is None:
            missed |= keys
        else:
            reached |= keys
            source.replace(found[0].node, new)
    return Renamed(source.result(), _by_kind(reached), _by_kind(missed))


class _Source:
    """The bytes of a module, with the places of its literals."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        start = len(_BOM) if data.startswith(_BOM) else 0
        self._lines = [start]
        for match in _LINE.finditer(data, start):
            self._lines.append(match.end())
        self._edits: dict[tuple[int, int], bytes] = {}

    def literal(self, found: list[Mention], names: Names) -> str | None:
        """How the literal of these mentions is written with new names; ``None`` if that is not clear."""
        node = found[0].node
        try:
            old = self._data[slice(*self._span(node))].decode()
            if ast.literal_eval(old) != node.value:
                return None
        except (SyntaxError, ValueError, IndexError):
            return None  # positions do not fit: the file has an encoding of its own
        wanted = {(mention.kind, mention.name) for mention in found}
        if not found[0].in_template:
            new_names = {names[kind][name] for kind, name in wanted}
            return _quoted(new_names.pop(), like=old) if len(new_names) == 1 else None
        new, reached, missed = _template(old, names)
        return new if not missed and reached >= wanted and _is_string(new) else None

    def replace(self, node: ast.Constant, new: str) -> None:
        """Note the new text of a literal."""
        self._edits[self._span(node)] = new.encode()

    def result(self) -> bytes:
        """The module with everything that was noted."""
        parts, position = [], 0
        for (start, end), new in sorted(self._edits.items()):
            parts += [self._data[position:start], new]
            position = end
        return b"".join([*parts, self._data[position:]])

    def _span(self, node: ast.Constant) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._lines[node.lineno - 1] + node.col_offset, self._lines[end_line - 1] + end_column


def _quoted(value: str, *, like: str) -> str:
    """A literal of ``value``, with the quotes of another where it can have them."""
    plain = f'"{value}"' if like.endswith('"') else f"'{value}'"
    return plain if _evaluates_to(plain, value) else repr(value)


def _evaluates_to(literal: str, value: str) -> bool:
    try:
        return bool(ast.literal_eval(literal) == value)
    except (SyntaxError, ValueError):
        return False


def _is_string(literal: str) -> bool:
    try:
        return isinstance(ast.literal_eval(literal), str)
    except (SyntaxError, ValueError):
        return False


def _template(text: str, names: Names) -> tuple[str, set[tuple[str, str]], set[tuple[str, str]]]:
    """The text with new names, what was renamed in it, and what it names in a way that cannot be changed."""
    reached: set[tuple[str, str]] = set()
    missed: set[tuple[str, str]] = set()
    for kind in _IN_TEMPLATES:
        wanted = set(getattr(template_references(text), kind)) & names.get(kind, {}).keys()
        for there in sorted(wanted):
            alone = replace_in_expressions(text, kind, {there: names[kind][there]})
            left = there in getattr(template_references(alone), kind)
            (missed if left else reached).add((kind, there))
        changed = {there: names[kind][there] for of, there in reached if of == kind}
        text = replace_in_expressions(text, kind, changed)
    return text, reached, missed
