"""
The closure of a unit: one DAG file and everything of the source that it needs.

Found from the text alone; no DAG code is imported or run. When in doubt a file is included.
"""

from __future__ import annotations

import posixpath
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from airflow_release_plugin.analysis.data_files import DataFinder, Named, is_template
from airflow_release_plugin.analysis.include_rules import RULES_FILE, parse_rules
from airflow_release_plugin.analysis.module_finder import Found, ModuleFinder
from airflow_release_plugin.analysis.module_scan import ImportRef, ModuleScan, scan_module, template_files
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError

IGNORE_FILE = ".airflowignore"
_INSTALLED = sys.stdlib_module_names | {"airflow"}


class FileKind(str, Enum):
    """Why a file belongs to a unit."""

    DAG = "dag"
    """The DAG file itself."""
    MODULE = "module"
    """A local module or package that is imported."""
    DATA = "data"
    """A file that the code names, or that ``release.toml`` adds."""
    SHARED = "shared"
    """A file that acts on the whole source: ``.airflowignore``, ``release.toml``."""


@dataclass(frozen=True)
class ClosureOptions:
    """
    Bounds.

    :param max_unit_files: more files than this are a ``UnitError``
    :param max_folder_files: a folder that is named as a whole and has more files is left out, with a warning
    """

    max_unit_files: int = 2000
    max_folder_files: int = 200


@dataclass(frozen=True, order=True)
class ClosureFile:
    """One file of a unit; ``reason`` is a phrase for people. The other fields are those of ``FileEntry``."""

    path: str
    mode: int
    blob: str
    size: int
    kind: FileKind
    reason: str

    @property
    def entry(self) -> FileEntry:
        """The same file as a tree entry."""
        return FileEntry(self.path, self.mode, self.blob, self.size)

    def to_dict(self) -> dict[str, str | int]:
        """The file as it is kept with a version."""
        return {**vars(self), "kind": self.kind.value}


@dataclass(frozen=True)
class Closure:
    """
    A unit.

    :param entry: path of the DAG file
    :param files: sorted by path, the DAG file among them
    :param external: top-level modules that are neither in the source nor in the standard library
    :param unresolved: "name (file line n)" of data files that look local but do not exist
    :param warnings: what a reviewer should know
    """

    entry: str
    files: tuple[ClosureFile, ...]
    external: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 (64 hex digits) over the sorted (path, mode, blob) of all files."""
        return files_digest(self.entries)

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """The files as tree entries, sorted."""
        return tuple(file.entry for file in self.files)


def compute_closure(root: SourceFiles, entry: str, *, options: ClosureOptions | None = None) -> Closure:
    """
    Return what the DAG file at ``entry`` (POSIX path relative to the root) needs.

    Raises ``UnitError``, which names the thing, for a file that is missing, cannot be parsed, lies outside
    the source or must not be shipped, and for too many files.
    """
    return _Closing(root, entry, options or ClosureOptions()).run()


class _Closing:
    """One computation."""

    def __init__(self, files: SourceFiles, entry: str, options: ClosureOptions) -> None:
        self._files = files
        self._entry = entry
        self._options = options
        self._found: dict[str, tuple[FileKind, str]] = {}
        self._pending: list[str] = []
        self._roots: list[str] = [""]
        self._external: dict[str, set[str]] = {}
        self._unresolved: dict[str, list[str]] = {}
        self._warnings: dict[str, list[str]] = {"": []}
        self._modules: ModuleFinder = files.remember("modules", lambda: ModuleFinder(files))
        self._data = DataFinder(files, posixpath.dirname(entry), options.max_folder_files)

    def run(self) -> Closure:
        self._add(self._entry, FileKind.DAG, "DAG file")
        self._add_rules()
        while self._pending:
            self._visit(self._pending.pop())
        self._add_ignore_files()
        self._refuse_twins()
        return Closure(
            entry=self._entry,
            files=tuple(
                ClosureFile(path, found.mode, found.blob, found.size, kind, reason)
                for path, (kind, reason) in sorted(self._found.items())
                for found in [self._files.entry(path)]
            ),
            external=tuple(sorted(set().union(*self._external.values()) - sys.stdlib_module_names)),
            unresolved=_unique(self._unresolved.values()),
            warnings=_unique(self._warnings.values()),
        )

    def _add(self, path: str, kind: FileKind, reason: str) -> None:
        if path in self._found:
            return
        self._files.entry(path)  # refuses what must not be shipped
        self._found[path] = (kind, reason)
        if len(self._found) > self._options.max_unit_files:
            raise UnitError(
                f"The unit of {self._entry!r} has more than {self._options.max_unit_files} files "
                "([release] max_unit_files); name fewer folders in its code or in release.toml.",
                path=self._entry,
            )
        self._pending.append(path)

    def _visit(self, path: str) -> None:
        kind = self._found[path][0]
        self._external[path], self._unresolved[path], self._warnings[path] = set(), [], []
        if path.endswith(".py"):
            scan = self._files.derive(scan_module, path)
            if not scan.error:
                self._visit_module(path, scan)
            elif kind is not FileKind.DATA:
                raise UnitError(
                    f"{path!r} line {scan.error_line}: {scan.error}; correct it and submit again.",
                    path=path,
                    line=scan.error_line,
                )
        elif kind is FileKind.DATA and is_template(path):
            for name in self._files.derive(template_files, path):
                self._take(path, self._data.template(name, path))

    def _visit_module(self, path: str, scan: ModuleScan) -> None:
        if self._widen(path, scan):
            # Names that were looked up before may mean something else now.
            self._pending.extend(known for known in self._found if known != path)
        for reference in scan.imports:
            self._import(path, reference)
        named = scan.paths
        if path != self._entry:
            named += scan.assigned_paths  # other modules may use the name
        for item in named:
            self._take(path, self._data.find(item, path))

    def _widen(self, path: str, scan: ModuleScan) -> bool:
        wider = self._data.add_search_paths(value.resolved(path) for value in scan.search_paths)
        for value in scan.import_paths:
            folder = value.resolved(path)
            if self._files.is_dir(folder) and folder not in self._roots:
                self._roots.append(folder)
                wider = True
        return wider

    def _take(self, path: str, named: Named) -> None:
        for found, reason in named.files:
            self._add(found, FileKind.DATA, reason)
        self._unresolved[path].extend(named.unresolved)
        self._warnings[path].extend(named.warnings)

    def _import(self, path: str, reference: ImportRef) -> None:
        if reference.level:
            start = self._relative_start(path, reference)
            found = self._modules.find_below(start, reference.module)
        else:
            found = self._modules.find(reference.module, self._roots)
            self._warn_about_shadow(path, reference, found.files)
        shown = "." * reference.level + reference.module
        if not found.files and not reference.level:
            self._external[path].add(reference.module.split(".")[0])
        elif found.missing and not reference.guarded:
            self._warn(
                path, f"{path} line {reference.line} imports {shown!r}, of which no file exists in the source"
            )
        self._add_modules(path, shown, found.files)
        if found.folder is not None:
            if not reference.names:
                self._add_namespace(path, shown, found)
            self._import_names(path, shown, found.folder, reference.names)

    def _add_namespace(self, path: str, shown: str, found: Found) -> None:
        """Take the modules of a namespace package that is imported itself: without files there is none."""
        if found.is_namespace and shown.split(".")[0] not in _INSTALLED:
            modules = self._files.glob(f"{found.folder}/**/*.py")
            if len(modules) <= self._options.max_folder_files:
                self._add_modules(path, shown, modules)

    def _import_names(self, path: str, shown: str, folder: str, names: Iterable[str]) -> None:
        for name in names:
            if name == "*":
                init = posixpath.join(folder, "__init__.py")
                exports = self._files.derive(scan_module, init).exports if self._files.is_file(init) else ()
                self._import_names(path, shown, folder, exports)
            else:
                separator = "" if shown.endswith(".") else "."
                found = self._modules.find_below(folder, name)
                self._add_modules(path, f"{shown}{separator}{name}", found.files)
                self._add_namespace(path, f"{shown}{separator}{name}", found)

    def _relative_start(self, path: str, reference: ImportRef) -> str:
        folder = posixpath.dirname(path)
        for _ in range(reference.level - 1):
            if folder == "":
                raise UnitError(
                    f"{path!r} line {reference.line}: the relative import leaves the source; "
                    "import by full name.",
                    path=path,
                    line=reference.line,
                )
            folder = posixpath.dirname(folder)
        if path == self._entry:
            self._warn(
                path,
                f"{path} line {reference.line}: a relative import in a DAG file fails in Airflow, "
                "which loads DAG files outside of any package; import by full name",
            )
        return folder

    def _add_modules(self, path: str, shown: str, files: Iterable[str]) -> None:
        for found in files:
            is_package = found.endswith("/__init__.py") and not shown.endswith(posixpath.dirname(found))
            reason = (
                f"package of {shown}, imported by {path}" if is_package else f"imported by {path} as {shown}"
            )
            if found != self._entry:
                self._add(found, FileKind.MODULE, reason)

    def _warn_about_shadow(self, path: str, reference: ImportRef, files: tuple[str, ...]) -> None:
        top = reference.module.split(".")[0]
        if files and top in _INSTALLED:
            self._warn(
                path, f"{files[0]} has the name of an installed module, which Python prefers; rename it"
            )

    def _warn(self, path: str, text: str) -> None:
        self._warnings[path].append(text)

    def _add_rules(self) -> None:
        if not self._files.is_file(RULES_FILE):
            return
        for rule in self._files.derive(parse_rules, RULES_FILE).of(self._entry):
            self._add(RULES_FILE, FileKind.SHARED, "rules of the source")
            for pattern in rule.files:
                matches = self._files.glob(pattern)
                if not matches:
                    self._warn("", f"{RULES_FILE} line {rule.line}: {pattern!r} matches no file")
                for path in matches:
                    self._add(path, FileKind.DATA, f"matches {pattern!r} in {RULES_FILE} line {rule.line}")

    def _add_ignore_files(self) -> None:
        folders = {""}
        for path in self._found:
            while path := posixpath.dirname(path):
                folders.add(path)
        for folder in sorted(folders):
            path = posixpath.join(folder, IGNORE_FILE)
            if self._files.is_file(path):
                self._add(path, FileKind.SHARED, "tells Airflow which files to skip")

    def _refuse_twins(self) -> None:
        seen: dict[str, str] = {}
        for path in self._found:
            while path:
                folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
                twin = seen.setdefault(folded, path)
                if twin != path:
                    raise UnitError(
                        f"{twin!r} and {path!r} differ only in upper and lower case or in their Unicode "
                        "form, which some file systems cannot keep apart; rename one.",
                        path=path,
                    )
                path = posixpath.dirname(path)


def _unique(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({item for group in groups for item in group}))
