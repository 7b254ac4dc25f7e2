"""Patterns of paths, as the code of DAGs has them."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=1024)
def glob_expression(pattern: str) -> re.Pattern[str]:
    """Translate a glob into a regular expression over whole POSIX paths; ``**/`` also matches no folder."""
    parts = []
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|[^*?]", pattern, re.DOTALL):
        if token in _WILDCARDS:
            parts.append(_WILDCARDS[token])
        elif token.startswith("[") and len(token) > 1:
            inner = token[1:-1].replace("\\", r"\\")
            parts.append(f"[{'^' + inner[1:] if inner.startswith('!') else inner}]")
        else:
            parts.append(re.escape(token))
    try:
        return re.compile("".join(parts), re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))


_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
