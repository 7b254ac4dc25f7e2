"""Parses Python source, whatever encoding it names."""

from __future__ import annotations

import ast
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def no_collection() -> Iterator[None]:
    """
    Keep the garbage collector away while a tree is built and read.

    It would look at tens of thousands of new nodes again and again, which takes more time than parsing.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
