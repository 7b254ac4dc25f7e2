"""The modules of a source, parsed once and read with what they take from each other."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from airflow_release_plugin.analysis.evaluation.scopes import ModuleText
from airflow_release_plugin.analysis.evaluation.walk import read_module
from airflow_release_plugin.analysis.module_facts import ModuleFacts
from airflow_release_plugin.analysis.module_finder import ModuleFinder
from airflow_release_plugin.analysis.module_reading import ModuleReading
from airflow_release_plugin.analysis.module_scan import parse_python
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.garbage import no_collection
from airflow_release_plugin.messages import Message

_MOST_READINGS = 64
"""Syntax trees are large: only those of modules that were used last are kept."""
_INSTALLED = frozenset({"airflow", "pandas", "numpy", "os", "pathlib", "datetime", "json", "yaml", "typing"})


class _ReadModule:
    """What was read of a module, and of what that depended."""

    def __init__(self, facts: ModuleFacts, blobs: dict[str, str]) -> None:
        self.facts = facts
        self.blobs = blobs


class SourceModules:
    """
    Facts about the modules of one source; one for each :class:`SourceFiles`.

    :param roots: folders where imports are looked up; the list may grow
    """

    def __init__(self, files: SourceFiles, finder: ModuleFinder, roots: Sequence[str]) -> None:
        self._files = files
        self._finder = finder
        self._roots = roots
        self._readings: dict[str, tuple[str, ModuleReading]] = files.remember("readings", dict)
        self._consulted: dict[tuple[str, int, str], str] = {}

    def facts(self, path: str) -> ModuleFacts:
        """What a module says, taken from the cache where neither it nor what it depends on changed."""
        blob = self._files.entry(path).blob
        known = self._files.cache.kept.get((path, blob))
        if isinstance(known, _ReadModule) and self._holds(known, path):
            return known.facts
        with no_collection():
            facts = self._read(path)
        for key in facts.consulted:
            self._resolved(*key)  # what others had read before was looked up for them: note where
        used = {found for found in facts.consulted.values() if found.endswith(".py")}
        self._files.cache.keep(
            (path, blob), _ReadModule(facts, {name: self._files.entry(name).blob for name in used})
        )
        return facts

    def _holds(self, known: _ReadModule, path: str) -> bool:
        try:
            return all(self._resolved(*key) == found for key, found in known.facts.consulted.items()) and all(
                self._files.entry(name).blob == blob for name, blob in known.blobs.items()
            )
        except UnitError:
            return False

    def _read(self, path: str) -> ModuleFacts:
        self._consulted = {}
        is_used_by_others = path in self._readings
        try:
            reading = self._reading(path)
            others = {
                scope.module.path: self._reading(scope.module.path)
                for scope in [*reading.sites]
                if scope.module is not reading.text
            }
            for other in [*others.values()]:
                for scope in other.sites:
                    others.setdefault(scope.module.path, self._reading(scope.module.path))
            reading.read_helpers(others)
        except SyntaxError as error:
            return ModuleFacts(error=error.msg or Message("invalid syntax"), error_line=error.lineno or 1)
        except RecursionError:
            return ModuleFacts(error=Message("too deeply nested"), error_line=1)
        text = reading.text
        facts = ModuleFacts(
            imports=tuple(text.imports),
            exports=tuple(text.exports),
            mentions=tuple(reading.mentions),
            open_reads=tuple(reading.open_reads),
            served=frozenset(reading.served),
            mentioned=frozenset(text.mentioned),
            dag_ids=reading.dag_ids,
            consulted=self._consulted,
        )
        if not is_used_by_others:
            del self._readings[path]
            reading.release()
        return facts

    def _reading(self, path: str) -> ModuleReading:
        blob = self._files.entry(path).blob
        known = self._readings.get(path)
        if known is not None and known[0] == blob:
            self._consulted.update(known[1].consulted)
            return known[1]
        reading = ModuleReading(read_module(parse_python(self._files.read(path)), path), self)
        if len(self._readings) >= _MOST_READINGS:
            self._readings.pop(next(iter(self._readings)))
        self._readings[path] = (blob, reading)
        outer, self._consulted = self._consulted, reading.consulted
        try:
            reading.read()
        finally:
            self._consulted = {**outer, **reading.consulted}
        return reading

    # -- for the evaluator -----------------------------------------------------------------------------

    def text(self, module: str, level: int, importer: str) -> ModuleText | None:
        """The text of a module, ``None`` if the source has none of this name."""
        if module.partition(".")[0] in _INSTALLED and not level:
            return None
        path = self._consult(module, level, importer)
        if not path.endswith(".py"):
            return None
        try:
            return self._reading(path).text
        except (SyntaxError, RecursionError, UnitError):
            return None

    def folder(self, module: str) -> str:
        """Folder of a package, also of one that does not exist."""
        path = self._consult(module, 0, "")
        return (posixpath.dirname(path) if path.endswith(".py") else path) or module.replace(".", "/")

    def _consult(self, module: str, level: int, importer: str) -> str:
        key = (module, level, importer if level else "")
        if key not in self._consulted:
            self._consulted[key] = self._resolved(module, level, importer)
        return self._consulted[key]

    def _resolved(self, module: str, level: int, importer: str) -> str:
        """Path of the module's file, or of its folder; empty if the source has none."""
        if level:
            start = posixpath.dirname(importer)
            for _ in range(level - 1):
                start = posixpath.dirname(start)
            found = self._finder.find_below(start, module)
            if not module and not found.files and found.folder is not None:
                init = posixpath.join(found.folder, "__init__.py")
                return init if self._files.is_file(init) else found.folder
        else:
            found = self._finder.find(module, self._roots)
        if found.missing:
            return ""
        if found.folder is not None:
            init = posixpath.join(found.folder, "__init__.py")
            return init if init in found.files else found.folder
        return found.files[-1]
