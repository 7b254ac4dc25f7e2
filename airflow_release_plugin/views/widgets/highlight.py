"""Colours of source code, line by line."""

from __future__ import annotations

from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from pygments.lexers import get_lexer_for_filename
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_CHARACTERS = 400_000
"""A longer text stays without colours."""

Piece = tuple[str, str]
"""CSS class, empty for none, and text."""

_CLASSES: tuple[tuple[_TokenType, str], ...] = (
    (Token.Comment, "tk-c"),
    (Token.Literal.String, "tk-s"),
    (Token.Literal.Number, "tk-n"),
    (Token.Keyword, "tk-k"),
    (Token.Operator.Word, "tk-k"),
    (Token.Name.Function, "tk-f"),
    (Token.Name.Class, "tk-f"),
    (Token.Name.Decorator, "tk-d"),
    (Token.Name.Builtin, "tk-d"),
    (Token.Name.Tag, "tk-f"),
    (Token.Name.Attribute, "tk-d"),
)


@cache
def _class_of(kind: _TokenType) -> str:
    return next((name for parent, name in _CLASSES if kind in parent), "")


@cache
def _lexer(name: str) -> Lexer | None:
    try:
        return cast("Lexer", get_lexer_for_filename(name))
    except ClassNotFound:
        return None


def coloured_lines(path: str, text: str) -> list[list[Piece]] | None:
    """The lines of a file in pieces, split at line feeds; ``None`` where it stays without colours."""
    lexer = _lexer(PurePosixPath(path).name) if len(text) <= MAX_CHARACTERS else None
    if lexer is None:
        return None
    lines: list[list[Piece]] = [[]]
    # get_tokens would turn every carriage return into a line feed first.
    for _, kind, value in lexer.get_tokens_unprocessed(text):
        first, *others = value.split("\n")
        name = _class_of(kind)
        if first:
            lines[-1].append((name, first))
        lines += [[(name, part)] if part else [] for part in others]
    return lines
