"""Text of files as Python reads it: by the encoding that the first lines name (PEP 263), else UTF-8."""

from __future__ import annotations

import codecs
import re

_COOKIE = re.compile(rb"\A(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""What utf-7 and unicode_escape can make of plain bytes, and no page, answer or database can hold."""
_SLOW = frozenset({"punycode", "idna"})
"""Their decoders take quadratic time, and nobody writes code in them."""


def decode_text(data: bytes) -> tuple[str, str]:
    """
    The text of a file, and the name of its encoding: ``utf-8`` unless it names another that fits.

    Never fails: bytes that are in no such encoding are read as ``latin-1``, and halves of surrogate pairs are
    replaced, so that every line can be shown.
    """
    for encoding in (_named(data), "utf-8"):
        try:
            if encoding:
                return _HALF_PAIR.sub("\ufffd", data.decode(encoding)), encoding
        except (UnicodeError, LookupError, ValueError):
            continue
    return data.decode("latin-1"), "latin-1"


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8, whatever they name."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _named(data: bytes) -> str:
    found = _COOKIE.match(data[:1000].removeprefix(codecs.BOM_UTF8))
    try:
        name = codecs.lookup(found[1].decode("ascii")).name if found else ""
    except (LookupError, UnicodeError):
        return ""
    return "" if name in _SLOW else name
