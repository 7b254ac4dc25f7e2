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
from functools import cached_property

from airflow_release_plugin.analysis.data_files import DataFinder
from airflow_release_plugin.analysis.data_texts import reader_of
from airflow_release_plugin.analysis.imported_modules import Imported, ImportFinder
from airflow_release_plugin.analysis.include_rules import RULES_FILE, parse_rules
from airflow_release_plugin.analysis.module_facts import ModuleFacts, Role
from airflow_release_plugin.analysis.module_finder import ModuleFinder
from airflow_release_plugin.analysis.named_files import Named, is_template
from airflow_release_plugin.analysis.refusals import refuse_other_encodings, refuse_twins
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.analysis.source_modules import SourceModules
from airflow_release_plugin.domain.release.digest import files_digest
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message

IGNORE_FILE = ".airflowignore"


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

    @cached_property
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
        modules = ModuleFinder(files)
        self._texts = SourceModules(files, modules, self._roots)
        self._imports = ImportFinder(files, entry, modules, self._texts, self._roots, options.max_unit_files)
        self._data = DataFinder(files, entry, options.max_unit_files)

    def run(self) -> Closure:
        self._add(self._entry, FileKind.DAG, Message("DAG file"))
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
                "The unit of %(path)r has more than %(most)s files ([release] "
                "max_unit_files); name fewer folders in its code or in release.toml.",
                most=self._options.max_unit_files,
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
            self._import(path, self._imports.find(path, reference))
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
                        "%(path)r is left out (%(reason)s): %(problem)s",
                        path=found,
                        reason=reason,
                        problem=problem,
                    )
                )
            else:
                self._add(found, FileKind.DATA, reason)
        for name, must_exist in named.modules.items():
            self._import(path, self._imports.named(path, name, must_exist=must_exist))
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

    def _import(self, path: str, imported: Imported) -> None:
        named, known = self._named[path], self._external[path]
        named.gaps += [gap for module, gap in imported.external.items() if gap and module not in known]
        known.update(imported.external)
        named.warnings += imported.warnings
        for found, reason in imported.files.items():
            self._add(found, FileKind.MODULE, reason)

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
                            "%(file)s line %(line)s: %(pattern)r matches no file",
                            file=RULES_FILE,
                            line=rule.line,
                            pattern=pattern,
                        ),
                    )
                for path in matches:
                    self._add(
                        path,
                        FileKind.DATA,
                        Message(
                            "matches %(pattern)r in %(file)s line %(line)s",
                            pattern=pattern,
                            file=RULES_FILE,
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
