"""A Python file as rules look at it, and what they find in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

PACKAGE = "airflow_release_plugin"


@dataclass(frozen=True)
class Finding:
    """One broken rule at one line."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Source:
    """
    A Python file.

    :param path: POSIX path relative to the repository
    """

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    def calls(self) -> Iterator[ast.Call]:
        """Every call in the file."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def is_in(self, *places: str) -> bool:
        """Whether the file is one of ``places``, or below one, all relative to the package."""
        return any(self.path.startswith(f"{PACKAGE}/{place}") for place in places)


def last_name(node: ast.expr) -> str:
    """The name by which something is called or read: ``c`` of ``a.b.c``; empty for other expressions."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
