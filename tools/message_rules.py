"""House rules on texts for people: they are templates and values, so that they can be translated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.source import PACKAGE, Finding, Source, last_name

_ERRORS_FILE = Path(__file__).resolve().parents[1] / PACKAGE / "exceptions.py"
_TEXTS = {"Message": 1, "counted": 2, "_": 1, "gettext": 1, "ngettext": 2}
"""What takes a text for people, and how many of its arguments are templates."""


@cache
def _takers() -> dict[str, int]:
    errors = ast.parse(_ERRORS_FILE.read_text(encoding="utf-8")).body
    return {**dict.fromkeys((node.name for node in errors if isinstance(node, ast.ClassDef)), 1), **_TEXTS}


def texts_are_templates(source: Source) -> Iterator[Finding]:
    """An error and a message take a literal with ``%(name)s`` and the values; no text that has them in it."""
    if not source.is_in("") or source.is_in("messages.py"):
        return
    for call in source.calls():
        name = last_name(call.func)
        for text in call.args[: _takers().get(name, 0)]:
            if _is_filled(text):
                message = (
                    f"{name}(): pass a template and values, '… %(name)s …', name=…; not a text made of them"
                )
                yield Finding(source.path, text.lineno, message)


def _is_filled(text: ast.expr) -> bool:
    if isinstance(text, ast.IfExp):
        return _is_filled(text.body) or _is_filled(text.orelse)
    if isinstance(text, ast.BoolOp):
        return any(map(_is_filled, text.values))
    if isinstance(text, ast.BinOp):
        return isinstance(text.op, (ast.Add, ast.Mod))
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute):
        return text.func.attr in {"format", "join"}
    return isinstance(text, ast.JoinedStr)
