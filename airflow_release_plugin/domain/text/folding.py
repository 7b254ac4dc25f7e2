"""One form of texts that people take for the same when they look for them."""

from __future__ import annotations

import re
import unicodedata

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DOTTED = "i\N{COMBINING DOT ABOVE}"


def folded(text: str) -> str:
    """
    The text as searches compare it: in small letters, without what keyboards write in two ways.

    Full-width letters and ligatures are plain ones, ``ß`` is ``ss``, ``İ`` is ``i``, and an accent is a part
    of its letter. What no database holds is a blank: a file system may have names that are no text.
    """
    if text.isascii():
        return text.lower().replace("\x00", " ")
    small = unicodedata.normalize("NFKC", _UNSTORABLE.sub(" ", text)).casefold()
    return unicodedata.normalize("NFKC", small.replace(_DOTTED, "i"))
