"""What editors, file managers and Python itself leave beside the code: it never ships."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache

LEAVINGS = (
    *("*~", "#*#", ".#*", ".*.sw?", "*.swp", "*.swo", ".~lock.*#", "*.kate-swp", "*.py[co]"),
    *(".DS_Store", "._*", "Thumbs.db", "desktop.ini"),
    *(".git", ".hg", ".svn", "__pycache__", ".ipynb_checkpoints", ".idea", ".vscode"),
)
"""Globs of names; a folder of such a name is left with all that is in it."""


class IgnoreRules:
    """
    Globs that name files and folders, in the manner of ``.gitignore``.

    One without a slash is a name at any depth; one with a slash is a path from the root, of which ``*`` stays
    within one folder and ``**`` does not. A folder that is named goes with all that is in it.
    """

    def __init__(self, globs: Iterable[str]) -> None:
        cleaned = [glob.strip().strip("/") for glob in globs]
        self.globs = tuple(dict.fromkeys(glob for glob in cleaned if glob))
        self._names = {glob: re.compile(fnmatch.translate(glob)) for glob in self.globs if "/" not in glob}
        self._paths = {glob: _path_expression(glob) for glob in self.globs if "/" in glob}
        self._any_name = re.compile("|".join(each.pattern for each in self._names.values()) or "(?!)")

    def match_here(self, path: str, name: str) -> str:
        """The glob that names the file or folder ``path`` itself, whose last part is ``name``; else empty."""
        if self._any_name.match(name):
            return next(glob for glob, expression in self._names.items() if expression.match(name))
        return next((glob for glob, expression in self._paths.items() if expression.fullmatch(path)), "")

    def match(self, path: str) -> str:
        """The glob that names ``path`` or a folder above it; empty if none does."""
        above = ""
        for name in path.split("/"):
            above = f"{above}/{name}" if above else name
            if glob := self.match_here(above, name):
                return glob
        return ""


_LEAVINGS = IgnoreRules(LEAVINGS)


@lru_cache(maxsize=100_000)
def is_leaving(path: str) -> bool:
    """Whether a file or folder (POSIX path relative to the source) is such a leaving, or lies in one."""
    return bool(_LEAVINGS.match(path))


_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _path_expression(glob: str) -> re.Pattern[str]:
    parts = re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", glob)
    return re.compile("".join(_WILDCARDS.get(part) or re.escape(part) for part in parts), re.DOTALL)
