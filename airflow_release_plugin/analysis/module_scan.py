"""Parses Python source, whatever encoding it names."""

from __future__ import annotations

import ast
import threading
import warnings

LEAVES = frozenset({str, int, type(None), float, bytes, bool, complex, ast.Load, ast.Store, ast.Del})
"""Classes of what is in the fields of nodes, and has no node below it."""

_PARSE_LOCK = threading.Lock()
"""Python's warning filters are global to the process."""


def parse_python(data: bytes) -> ast.Module:
    """Parse source bytes; every reason why that fails is a ``SyntaxError`` with a line."""
    try:
        with _PARSE_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "too deeply nested", ("", 1, 1, "")) from error
