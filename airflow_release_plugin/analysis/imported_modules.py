"""What the imports of a module bring into a unit: files of the source, and modules from elsewhere."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from airflow_release_plugin.analysis.evaluation.scopes import ImportRef
from airflow_release_plugin.analysis.module_finder import Found, ModuleFinder
from airflow_release_plugin.analysis.packages import strange_modules
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.analysis.source_modules import SourceModules
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message

_DEEPEST_ATTRIBUTE = 2
"""``module.Class.method`` at most."""
_INSTALLED = sys.stdlib_module_names | {"airflow"}


@dataclass
class Imported:
    """
    What one import brings.

    :param files: of the source, with the reason
    :param external: a top-level module that is not in the source, if it is one; what may be missing of it
    :param warnings: what a reviewer should know
    """

    files: dict[str, str] = field(default_factory=dict)
    external: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class ImportFinder:
    """
    Looks up imports.

    :param entry: path of the DAG file
    :param roots: folders that modules are looked up in; may grow
    :param most: a namespace package of more files is left out
    """

    def __init__(
        self,
        files: SourceFiles,
        entry: str,
        modules: ModuleFinder,
        texts: SourceModules,
        roots: list[str],
        most: int,
    ) -> None:
        self._files = files
        self._entry = entry
        self._modules = modules
        self._texts = texts
        self._roots = roots
        self._most = most

    def named(self, path: str, name: str, *, must_exist: bool) -> Imported:
        """What a text means by a name: a module, or something in one; it may also mean something else."""
        module = name.partition(":")[0]
        found = self._modules.find(module, self._roots)
        last = found.files[-1] if found.files else ""
        is_certain = last and (not last.endswith("/__init__.py") or not found.missing)
        if must_exist and not found.missing:
            return self.find(path, ImportRef(module, guarded=True))
        imported = Imported()
        if is_certain and len(found.missing) <= _DEEPEST_ATTRIBUTE:
            self._add_modules(imported, path, module, found.files)
        elif must_exist:
            return self.find(path, ImportRef(module, guarded=True))
        return imported

    def find(self, path: str, reference: ImportRef) -> Imported:
        """
        What an import in the module at ``path`` brings.

        :raises UnitError: it is relative, and leaves the source
        """
        imported = Imported()
        if reference.level:
            start = self._relative_start(imported, path, reference)
            found = self._modules.find_below(start, reference.module)
        else:
            found = self._modules.find(reference.module, self._roots)
            _warn_about_shadow(imported, reference, found.files)
        shown = "." * reference.level + reference.module
        if not found.files and found.folder is None and not reference.level:
            self._add_external(imported, path, reference)
        elif found.missing and not reference.guarded:
            imported.warnings.append(
                Message(
                    "%(path)s line %(line)s imports %(module)r, of which no file exists in the source",
                    path=path,
                    line=reference.line,
                    module=shown,
                ),
            )
        self._add_modules(imported, path, shown, found.files)
        if found.folder is not None:
            if not reference.names:
                self._add_namespace(imported, path, shown, found)
            self._import_names(imported, path, shown, found.folder, reference.names)
        return imported

    def _add_external(self, imported: Imported, path: str, reference: ImportRef) -> None:
        top = reference.module.partition(".")[0]
        imported.external[top] = ""
        if top in self._files.beside() and top not in _INSTALLED and strange_modules([top]):
            imported.external[top] = Message(
                "%(path)s line %(line)s imports %(module)r, which lies beside the source and is not "
                "released; point the source one folder up, so that it holds both",
                path=path,
                line=reference.line,
                module=reference.module,
            )

    def _add_namespace(self, imported: Imported, path: str, shown: str, found: Found) -> None:
        """Take the modules of a namespace package that is imported itself: without files there is none."""
        if found.is_namespace and shown.split(".")[0] not in _INSTALLED:
            modules = self._files.glob(f"{found.folder}/**/*.py")
            if len(modules) <= self._most:
                self._add_modules(imported, path, shown, modules)

    def _import_names(
        self, imported: Imported, path: str, shown: str, folder: str, names: Iterable[str]
    ) -> None:
        for name in names:
            if name == "*":
                init = posixpath.join(folder, "__init__.py")
                exports = self._texts.facts(init).exports if self._files.is_file(init) else ()
                self._import_names(imported, path, shown, folder, exports)
            else:
                separator = "" if shown.endswith(".") else "."
                found = self._modules.find_below(folder, name)
                self._add_modules(imported, path, f"{shown}{separator}{name}", found.files)
                self._add_namespace(imported, path, f"{shown}{separator}{name}", found)

    def _relative_start(self, imported: Imported, path: str, reference: ImportRef) -> str:
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
            imported.warnings.append(
                Message(
                    "%(path)s line %(line)s: a relative import in a DAG file fails in Airflow, which "
                    "loads DAG files outside of any package; import by full name",
                    path=path,
                    line=reference.line,
                ),
            )
        return folder

    def _add_modules(self, imported: Imported, path: str, shown: str, files: Iterable[str]) -> None:
        for found in files:
            is_package = found.endswith("/__init__.py") and not shown.endswith(posixpath.dirname(found))
            reason = (
                Message("package of %(module)s, imported by %(path)s", module=shown, path=path)
                if is_package
                else Message("imported by %(path)s as %(module)s", path=path, module=shown)
            )
            if found != self._entry:
                imported.files.setdefault(found, reason)


def _warn_about_shadow(imported: Imported, reference: ImportRef, files: tuple[str, ...]) -> None:
    top = reference.module.split(".")[0]
    if files and top in _INSTALLED:
        imported.warnings.append(
            Message(
                "%(path)s has the name of an installed module, which Python prefers; rename it",
                path=files[0],
            ),
        )
