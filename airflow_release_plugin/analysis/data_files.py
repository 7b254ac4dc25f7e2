"""Finds the data files that code and templates name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_release_plugin.analysis.literal_paths import Anchor, PathValue
from airflow_release_plugin.analysis.module_scan import PathRef
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.exceptions import UnitError

_SCRIPT_SUFFIXES = frozenset(
    {".sql", ".hql", ".ddl", ".dml", ".sh", ".bash", ".j2", ".jinja", ".jinja2", ".tmpl"}
)
"""Airflow loads strings with such a suffix as templates: a missing one is always worth a warning."""
_TEMPLATE_SUFFIXES = _SCRIPT_SUFFIXES | {
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
    *(".rst", ".conf", ".tpl", ".py"),
}


def is_template(path: str) -> bool:
    """Whether a file may hold Jinja: judged by its suffix."""
    return posixpath.splitext(path)[1].lower() in _TEMPLATE_SUFFIXES


@dataclass
class Named:
    """What one name stands for: files with the reason for people, names that stand for nothing, warnings."""

    files: list[tuple[str, str]]
    unresolved: list[str]
    warnings: list[str]


class DataFinder:
    """
    Resolves names of data files for one DAG file.

    A plain text is tried below the DAG file's folder, the module's folder, the root of the source and the
    template search paths: every match counts, because which one is meant depends on who reads it.

    :param dag_folder: folder of the DAG file
    :param max_folder_files: largest folder that is taken as a whole
    """

    def __init__(self, files: SourceFiles, dag_folder: str, max_folder_files: int) -> None:
        self._files = files
        self._max_folder_files = max_folder_files
        self._bases = list(dict.fromkeys([dag_folder, ""]))

    def add_search_paths(self, folders: Iterable[str]) -> bool:
        """Add folders of templates; tell whether one was new."""
        new = [folder for folder in map(self._inside, folders) if self._files.is_dir(folder)]
        new = [folder for folder in new if folder not in self._bases]
        self._bases.extend(new)
        return bool(new)

    def find(self, named: PathRef, module: str) -> Named:
        """Resolve a path that ``module`` names."""
        origin = f"{module} line {named.line}"
        if named.value.anchor is Anchor.TEXT:
            return self._text(named.value.path, posixpath.dirname(module), origin)
        return self._anchored(named.value, module, origin)

    def template(self, name: str, template: str) -> Named:
        """Resolve a file that ``template`` includes."""
        return self._text(name, posixpath.dirname(template), template)

    def _inside(self, path: str) -> str:
        return (self._files.locate(path) or path) if path.startswith("/") else path

    def _text(self, text: str, folder: str, origin: str) -> Named:
        reason = f"named by {text!r} in {origin}"
        if text.startswith("/"):
            return self._absolute(text, reason, origin)
        found: dict[str, str] = {}
        for base in dict.fromkeys([*self._bases, folder]):
            path = posixpath.normpath(posixpath.join(base, text))
            if path == ".." or path.startswith("../"):
                self._refuse_outside(path, text, origin)
            elif self._files.is_file(path):
                found[path] = reason
        missing = not found and self._looks_local(text, folder)
        return Named(list(found.items()), [f"{text} ({origin})"] if missing else [], [])

    def _absolute(self, text: str, reason: str, origin: str) -> Named:
        path = self._files.locate(text)
        if path is None or not self._files.is_file(path):
            return Named([], [], [])
        warning = f"{origin} names {text!r} by its absolute path: the target would read the source's file"
        return Named([(path, reason)], [], [warning])

    def _anchored(self, value: PathValue, module: str, origin: str) -> Named:
        path = value.resolved(module)
        reason = f"named in {origin}"
        if path == ".." or path.startswith("../"):
            self._refuse_outside(path, path, origin)
            return Named([], [], [])
        if self._files.is_file(path):
            return Named([(path, reason)] if path != module else [], [], [])
        if self._files.is_dir(path):
            return self._whole([*self._listed(path, module)], path, f"in folder {path!r}, {reason}", origin)
        if any(char in path for char in "*?["):
            return self._whole(self._globbed(path, module), path, f"matches {path!r}, {reason}", origin)
        missing = posixpath.splitext(path)[1].lower() in _TEMPLATE_SUFFIXES
        return Named([], [f"{path} ({origin})"] if missing else [], [])

    def _listed(self, folder: str, module: str) -> Iterable[str]:
        # The module's own folder, or one above it, is where paths start, not what they mean.
        if _holds(folder, module):
            return
        for count, path in enumerate(self._files.walk(folder)):
            if count > self._max_folder_files:
                return
            yield path

    def _globbed(self, pattern: str, module: str) -> list[str]:
        folder, _, last = pattern.rpartition("/")
        while last and set(last) <= set("*?."):
            if _holds(folder, module):
                return []
            folder, _, last = folder.rpartition("/")
        return [path for path in self._files.glob(pattern) if path != module]

    def _whole(self, paths: list[str], what: str, reason: str, origin: str) -> Named:
        if len(paths) <= self._max_folder_files:
            return Named([(path, reason) for path in paths], [], [])
        warning = (
            f"{origin} names {what!r} with more than {self._max_folder_files} files, which are left out; "
            "list those that are needed in release.toml"
        )
        return Named([], [], [warning])

    def _refuse_outside(self, path: str, shown: str, origin: str) -> None:
        if self._files.is_outside_file(path):
            raise UnitError(
                f"{origin} names {shown!r}, a file outside the source; move it into the source.", path=shown
            )

    def _looks_local(self, text: str, folder: str) -> bool:
        if any(char in text for char in " {}*?<>|$%:~"):
            return False
        suffix = posixpath.splitext(text)[1].lower()
        if suffix in _SCRIPT_SUFFIXES:
            return True
        parent = posixpath.dirname(posixpath.normpath(text))
        if suffix not in _TEMPLATE_SUFFIXES or parent in {"", ".", ".."}:
            return False
        return any(self._files.is_dir(posixpath.join(base, parent)) for base in [*self._bases, folder])


def _holds(folder: str, module: str) -> bool:
    return folder == "" or module.startswith(folder + "/")
