"""Finds the files that texts name: known paths, patterns where a part is unknown, command lines."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_release_plugin.analysis.evaluation.values import ELSEWHERE, HOLES, LISTED, PLACE, ROOT, UNKNOWN
from airflow_release_plugin.analysis.source_files import SourceFiles

SCRIPT_SUFFIXES = frozenset(
    {".sql", ".hql", ".ddl", ".dml", ".sh", ".bash", ".j2", ".jinja", ".jinja2", ".tmpl"}
)
"""Airflow loads strings with such a suffix as templates: a missing one is always worth a warning."""
TEMPLATE_SUFFIXES = SCRIPT_SUFFIXES | {
    *(
        ".json",
        ".yaml",
        ".yml",
        ".txt",
        ".md",
        ".html",
        ".htm",
        ".xml",
        ".csv",
        ".toml",
        ".ini",
        ".cfg",
        ".r",
    ),
    *(".rst", ".conf", ".tpl", ".py", ".ipynb"),
}
_HOLE = re.compile(f"[{HOLES}]+")
_GLOB = re.compile(r"[*?\[]")


def suffix_of(path: str) -> str:
    """The suffix in lower case."""
    return posixpath.splitext(path)[1].lower()


def is_template(path: str) -> bool:
    """Whether a file may hold Jinja: judged by its suffix."""
    return suffix_of(path) in TEMPLATE_SUFFIXES


@dataclass
class Named:
    """
    What one place stands for.

    :param files: paths with the reason for people
    :param whole: those of the files that are there because a folder or pattern is
    :param folders: where templates or modules are looked up
    :param modules: dotted names, and whether all of the name must be a module
    :param unresolved: names that look local and stand for nothing
    :param warnings: what a reviewer should know
    :param gaps: warnings that say that something is missing
    """

    files: dict[str, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    modules: dict[str, bool] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


class FileNames:
    """
    Looks names up in a source.

    :param bases: the DAG file's folder, the root, and more where names are tried; may grow
    :param most: largest number of files that a folder or pattern may stand for
    """

    def __init__(self, files: SourceFiles, bases: list[str], most: int) -> None:
        self.files = files
        self.bases = bases
        self.most = most

    def anchored(self, text: str) -> str | None:
        """Path relative to the source of a text that starts at the source; ``..`` leads above."""
        if not text.startswith("/\x02"):
            return None
        path = posixpath.normpath(text)
        below = path.removeprefix(ROOT)
        if below != path:
            return below.lstrip("/")
        above = ROOT.count("/") - path.count("\x02")
        rest = path.replace("/\x02", "").lstrip("/")
        return "/".join([*[".."] * above, *([rest] if rest else [])])

    def below_bases(self, text: str, folder: str) -> list[str]:
        """Where a plain name may be: in the DAG file's folder, the module's, the root, the search paths."""
        found = dict.fromkeys(
            posixpath.normpath(posixpath.join(base, text)) for base in dict.fromkeys([*self.bases, folder])
        )
        return [path for path in found if path != "."]

    def tails(self, text: str, *, least: int) -> list[str]:
        """Paths of the source with which an absolute path ends; at least ``least`` parts of it."""
        parts = [part for part in text.split("/") if part]
        for index in range(len(parts) - least + 1):
            tail = "/".join(parts[index:])
            is_pattern = _HOLE.search(tail) or _GLOB.search(tail)
            found = (self.matching(tail, "") or []) if is_pattern else [tail]
            found = [path for path in found if self.files.is_file(path) or self.files.is_dir(path)]
            if found:
                return found
        return []

    def matching(self, path: str, module: str) -> list[str] | None:
        """Files for a path with holes or wildcards; ``None`` if it says too little to tell."""
        fixed = re.split(f"[{HOLES}*?\\[]", path, maxsplit=1)[0].rpartition("/")[0]
        rest = path[len(fixed) :].lstrip("/")
        if not self.files.is_dir(fixed):
            return []
        if not re.sub(rf"[{HOLES}*?./]", "", rest):  # nothing is known of the name
            return None if _holds(fixed, module) else [*self.files.walk(fixed)]
        deep = not _holds(fixed, module) and fixed != ""
        pattern = _HOLE.sub("\0", path).replace("\0", "**" if deep else "*")
        found = self.files.glob(pattern)
        if not found and not deep:
            found = self.files.glob(_HOLE.sub("**", path)) if fixed else ()
        return [name for name in found if name != module]

    def is_missing_local(self, text: str, folder: str) -> bool:
        """Whether a plain name looks like a file of the source that is not there."""
        if any(char in text for char in " {}*?<>|$%:~"):
            return False
        suffix = suffix_of(text)
        if suffix in SCRIPT_SUFFIXES:
            return True
        parent = posixpath.dirname(posixpath.normpath(text))
        if suffix not in TEMPLATE_SUFFIXES or parent in {"", ".", ".."}:
            return False
        return any(self.files.is_dir(posixpath.join(base, parent)) for base in [*self.bases, folder])


def _holds(folder: str, module: str) -> bool:
    """Whether a folder is that of the module, or one above it: where paths start, not what they mean."""
    return folder == "" or module.startswith(folder + "/")


holds = _holds


def has_hole(text: str, marks: str = HOLES) -> bool:
    """Whether a part of a text is not known."""
    return any(char in text for char in marks)


def is_vague(text: str) -> bool:
    """Whether nothing of a text is known, and it may be a file of the source."""
    return bool(text) and set(text) <= {UNKNOWN, PLACE} and text != ELSEWHERE


def is_foreign(text: str) -> bool:
    """Whether a text certainly names no file of the source."""
    return text[:1] == ELSEWHERE or "://" in text or text.startswith(("/tmp/", "/proc/", "/dev/"))  # noqa: S108


def shown(text: str) -> str:
    """A text with ``…`` for what is not known."""
    return _HOLE.sub("…", text.replace(ROOT + "/", ""))


def listed_only(text: str) -> bool:
    """Whether what is unknown of a text comes out of a folder that was listed."""
    return has_hole(text, LISTED) and not has_hole(text, UNKNOWN + PLACE)


def unique(items: Iterable[str]) -> list[str]:
    """Each item once, in order."""
    return list(dict.fromkeys(items))
