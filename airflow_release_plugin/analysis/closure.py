"""
The closure of a unit: one DAG file and everything of the source that it needs.

Found from the text alone; no DAG code is imported or run. When in doubt a file is included.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from airflow_release_plugin.analysis.data_files import DataFinder
from airflow_release_plugin.analysis.data_texts import reader_of
from airflow_release_plugin.analysis.evaluation.scopes import ImportRef
from airflow_release_plugin.analysis.include_rules import RULES_FILE, parse_rules
from airflow_release_plugin.analysis.module_facts import ModuleFacts, Role
from airflow_release_plugin.analysis.module_finder import Found, ModuleFinder
from airflow_release_plugin.analysis.named_files import BESIDE, Named, is_template
from airflow_release_plugin.analysis.packages import strange_modules
from airflow_release_plugin.analysis.refusals import refuse_other_encodings, refuse_twins
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.analysis.source_modules import SourceModules
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message

IGNORE_FILE = ".airflowignore"
_DEEPEST_ATTRIBUTE = 2
"""``module.Class.method`` at most."""
_INSTALLED = sys.stdlib_module_names | {"airflow"}


class FileKind(str, Enum):
    """Why a file belongs to a unit."""

    DAG = "dag"
    """The DAG file itself."""
    MODULE = "module"
    """A local module or package that is imported."""
    DATA = "data"
    """A file that the code names, or that ``release.toml`` adds."""
    OBSERVED = "observed"
    """A file that was opened when the DAG file was run, or read by a task in a dev run."""
    SHARED = "shared"
    """A file that acts on the whole source: ``.airflowignore``, ``release.toml``."""


@dataclass(frozen=True)
class ClosureOptions:
    """
    Bounds.

    :param max_unit_files: more files than this are a ``UnitError``; a folder or pattern with more is left out
    """

    max_unit_files: int = 2000


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
    :param gaps: those of the warnings that say that something may be missing
    :param dag_ids: ids of DAGs that the text of the DAG file names
    """

    entry: str
    files: tuple[ClosureFile, ...]
    external: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    dag_ids: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the text told everything that the unit needs, and all of it is there."""
        return not self.gaps and not self.unresolved

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
        self._named: dict[str, Named] = {"": Named()}
        self._facts: dict[str, ModuleFacts] = {}
        self._modules: ModuleFinder = files.remember("modules", lambda: ModuleFinder(files))
        self._texts = SourceModules(files, self._modules, self._roots)
        self._data = DataFinder(files, entry, options.max_unit_files)

    def run(self) -> Closure:
        self._add(self._entry, FileKind.DAG, "DAG file")
        refuse_other_encodings(self._files, self._entry)
        self._add_rules()
        while self._pending or self._left_over():
            while self._pending:
                self._visit(self._pending.pop())
        self._add_ignore_files()
        refuse_twins(self._found)
        named = self._named.values()
        gaps = _unique(one.gaps for one in named)
        return Closure(
            entry=self._entry,
            files=tuple(
                ClosureFile(path, found.mode, found.blob, found.size, kind, reason)
                for path, (kind, reason) in sorted(self._found.items())
                for found in [self._files.entry(path)]
            ),
            external=tuple(sorted(set().union(*self._external.values()) - sys.stdlib_module_names)),
            unresolved=self._unresolved(),
            warnings=_unique([*(one.warnings for one in named), gaps]),
            gaps=gaps,
            dag_ids=self._facts[self._entry].dag_ids if self._entry in self._facts else (),
        )

    def _unresolved(self) -> tuple[str, ...]:
        """Names that look local and are not there; not those with which a path ends that was found."""
        found = _unique(one.unresolved for one in self._named.values())
        paths = self._found if found else ()
        ends = {path.split("/", depth)[-1] for path in paths for depth in range(1, path.count("/") + 1)}
        return tuple(name for name in found if name.rpartition(" (")[0] not in ends)

    def _add(self, path: str, kind: FileKind, reason: str) -> None:
        if path in self._found:
            return
        self._files.entry(path)  # refuses what must not be shipped
        self._found[path] = (kind, reason)
        if len(self._found) > self._options.max_unit_files:
            raise UnitError(
                "The unit of %(path)r has more than %(max_unit_files)s files ([release] "
                "max_unit_files); name fewer folders in its code or in release.toml.",
                max_unit_files=self._options.max_unit_files,
                path=self._entry,
            )
        self._pending.append(path)

    def _visit(self, path: str) -> None:
        kind = self._found[path][0]
        self._external[path], self._named[path] = set(), Named()
        if path.endswith(".py"):
            facts = self._texts.facts(path)
            if not facts.error:
                self._facts[path] = facts
                self._visit_module(path, facts)
            elif kind is not FileKind.DATA:
                raise UnitError(
                    "%(path)r line %(line)s: %(error)s; correct it and submit again.",
                    path=path,
                    error=facts.error,
                    line=facts.error_line,
                )
        elif kind is FileKind.DATA and is_template(path):
            names = self._files.derive(reader_of(path), path)
            if names:
                self._take(path, self._data.in_data(names, path))

    def _visit_module(self, path: str, facts: ModuleFacts) -> None:
        for reference in facts.imports:
            self._import(path, reference)
        wider = False
        for mention in facts.mentions:
            if mention.assigned:
                continue  # what is given a name counts where that is used
            named = self._data.find(mention)
            self._take(path, named)
            if mention.role is Role.SEARCH:
                wider = self._data.add_search_paths(named.folders) or wider
            elif mention.role is Role.IMPORT_PATH:
                wider = self._add_roots(named.folders) or wider
        if wider:
            # Names that were looked up before may mean something else now.
            self._pending.extend(self._found)

    def _add_roots(self, folders: Iterable[str]) -> bool:
        new = [folder for folder in folders if self._files.is_dir(folder) and folder not in self._roots]
        self._roots.extend(new)
        return bool(new)

    def _left_over(self) -> bool:
        """
        Take what helpers read whose arguments nobody gives, and paths with names that nobody uses.

        Tells whether that adds a file.
        """
        served = frozenset().union(*(facts.served for facts in self._facts.values()))
        used = frozenset().union(*(facts.mentioned for facts in self._facts.values()))
        for path, facts in self._facts.items():
            for function, mention in facts.open_reads:
                if function in used and (mention.module, function) not in served:
                    self._take(path, self._data.find(mention))
            for mention in facts.mentions:
                if mention.assigned and mention.assigned not in used:
                    self._take(path, self._data.find(mention))
        return bool(self._pending)

    def _take(self, path: str, named: Named) -> None:
        said = self._named[path]
        for found, reason in named.files.items():
            if found in named.whole and found not in self._found and (problem := self._problem(found)):
                said.gaps.append(
                    Message(
                        "%(found)r is left out (%(reason)s): %(problem)s",
                        found=found,
                        reason=reason,
                        problem=problem,
                    )
                )
            else:
                self._add(found, FileKind.DATA, reason)
        for name, must_exist in named.modules.items():
            self._import_named(path, name, must_exist=must_exist)
        said.unresolved.extend(named.unresolved)
        said.warnings.extend(named.warnings)
        for gap in named.gaps:
            origin = gap.partition(": ")[0]
            if not any(other.startswith(f"{origin}: ") for other in said.gaps):  # one for each line of code
                said.gaps.append(gap)

    def _problem(self, path: str) -> str:
        try:
            self._files.entry(path)
        except UnitError as error:
            return error.message
        return ""

    def _import_named(self, path: str, name: str, *, must_exist: bool) -> None:
        """Import what a text names: a module, or something in one; a text may also mean something else."""
        module = name.partition(":")[0]
        found = self._modules.find(module, self._roots)
        last = found.files[-1] if found.files else ""
        is_certain = last and (not last.endswith("/__init__.py") or not found.missing)
        if must_exist and not found.missing:
            self._import(path, ImportRef(module, guarded=True))
        elif is_certain and len(found.missing) <= _DEEPEST_ATTRIBUTE:
            self._add_modules(path, module, found.files)
        elif must_exist:
            self._import(path, ImportRef(module, guarded=True))

    def _import(self, path: str, reference: ImportRef) -> None:
        if reference.level:
            start = self._relative_start(path, reference)
            found = self._modules.find_below(start, reference.module)
        else:
            found = self._modules.find(reference.module, self._roots)
            self._warn_about_shadow(path, reference, found.files)
        shown = "." * reference.level + reference.module
        if not found.files and found.folder is None and not reference.level:
            self._add_external(path, reference)
        elif found.missing and not reference.guarded:
            self._warn(
                path,
                Message(
                    "%(path)s line %(line)s imports %(shown)r, of which no file exists in the source",
                    path=path,
                    line=reference.line,
                    shown=shown,
                ),
            )
        self._add_modules(path, shown, found.files)
        if found.folder is not None:
            if not reference.names:
                self._add_namespace(path, shown, found)
            self._import_names(path, shown, found.folder, reference.names)

    def _add_external(self, path: str, reference: ImportRef) -> None:
        top = reference.module.partition(".")[0]
        known = self._external[path]
        if top in known:
            return
        known.add(top)
        if top in self._files.beside() and top not in _INSTALLED and strange_modules([top]):
            self._named[path].gaps.append(
                Message(
                    "%(path)s line %(line)s imports %(module)r, which lies %(beside)s",
                    path=path,
                    line=reference.line,
                    module=reference.module,
                    beside=BESIDE,
                )
            )

    def _add_namespace(self, path: str, shown: str, found: Found) -> None:
        """Take the modules of a namespace package that is imported itself: without files there is none."""
        if found.is_namespace and shown.split(".")[0] not in _INSTALLED:
            modules = self._files.glob(f"{found.folder}/**/*.py")
            if len(modules) <= self._options.max_unit_files:
                self._add_modules(path, shown, modules)

    def _import_names(self, path: str, shown: str, folder: str, names: Iterable[str]) -> None:
        for name in names:
            if name == "*":
                init = posixpath.join(folder, "__init__.py")
                exports = self._texts.facts(init).exports if self._files.is_file(init) else ()
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
                    "%(path)r line %(line)s: the relative import leaves the source; import by full name.",
                    path=path,
                    line=reference.line,
                )
            folder = posixpath.dirname(folder)
        if path == self._entry:
            self._warn(
                path,
                Message(
                    "%(path)s line %(line)s: a relative import in a DAG file fails in Airflow, which "
                    "loads DAG files outside of any package; import by full name",
                    path=path,
                    line=reference.line,
                ),
            )
        return folder

    def _add_modules(self, path: str, shown: str, files: Iterable[str]) -> None:
        for found in files:
            is_package = found.endswith("/__init__.py") and not shown.endswith(posixpath.dirname(found))
            reason = (
                Message("package of %(shown)s, imported by %(path)s", shown=shown, path=path)
                if is_package
                else Message("imported by %(path)s as %(shown)s", path=path, shown=shown)
            )
            if found != self._entry:
                self._add(found, FileKind.MODULE, reason)

    def _warn_about_shadow(self, path: str, reference: ImportRef, files: tuple[str, ...]) -> None:
        top = reference.module.split(".")[0]
        if files and top in _INSTALLED:
            self._warn(
                path,
                Message(
                    "%(files)s has the name of an installed module, which Python prefers; rename it",
                    files=files[0],
                ),
            )

    def _warn(self, path: str, text: str) -> None:
        self._named[path].warnings.append(text)

    def _add_rules(self) -> None:
        if not self._files.is_file(RULES_FILE):
            return
        for rule in self._files.derive(parse_rules, RULES_FILE).of(self._entry):
            self._add(RULES_FILE, FileKind.SHARED, Message("rules of the source"))
            for pattern in rule.files:
                matches = self._files.glob(pattern)
                if not matches:
                    self._warn(
                        "",
                        Message(
                            "%(rules_file)s line %(line)s: %(pattern)r matches no file",
                            rules_file=RULES_FILE,
                            line=rule.line,
                            pattern=pattern,
                        ),
                    )
                for path in matches:
                    self._add(
                        path,
                        FileKind.DATA,
                        Message(
                            "matches %(pattern)r in %(rules_file)s line %(line)s",
                            pattern=pattern,
                            rules_file=RULES_FILE,
                            line=rule.line,
                        ),
                    )

    def _add_ignore_files(self) -> None:
        folders = {""}
        for path in self._found:
            while path := posixpath.dirname(path):
                folders.add(path)
        for folder in sorted(folders):
            path = posixpath.join(folder, IGNORE_FILE)
            if self._files.is_file(path):
                self._add(path, FileKind.SHARED, Message("tells Airflow which files to skip"))


def _unique(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({item for group in groups for item in group}))
