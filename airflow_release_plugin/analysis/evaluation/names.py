"""Names of modules and of what is called."""

from __future__ import annotations

import ast


def dotted_name(path: str, *, package: bool = False) -> str:
    """The dotted name of a module by its path."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name.rpartition(".")[0] if package and not path.endswith("__init__.py") else name


def last_name(node: ast.AST) -> str:
    """``b`` of ``a.b``."""
    return getattr(node, "attr", getattr(node, "id", ""))


def first_name(node: ast.AST) -> str:
    """``a`` of ``a.b(…)``."""
    while isinstance(node, (ast.Call, ast.Attribute)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return last_name(node)


def makes_own_files(name: str) -> bool:
    """Whether a function that is named so gives files that it made itself."""
    lowered = name.lower()
    return lowered.endswith("hook") or any(word in lowered for word in ("download", "temp", "tmp", "xcom"))
