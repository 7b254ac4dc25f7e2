"""Decides for each place in code and data which files, folders and modules of the source it stands for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable

from airflow_release_plugin.analysis.data_texts import DataNames
from airflow_release_plugin.analysis.evaluation.values import ELSEWHERE, HOLES, LISTED, PLACE, UNKNOWN
from airflow_release_plugin.analysis.file_texts import FileTexts
from airflow_release_plugin.analysis.module_facts import NamingPlace, Role
from airflow_release_plugin.analysis.named_files import (
    SCRIPT_SUFFIXES,
    Named,
    has_hole,
    holds,
    is_foreign,
    is_vague,
    listed_only,
    shown,
    suffix_of,
)
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.messages import Message

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+")
_LISTINGS = frozenset({Role.FOLDER, Role.TREE, Role.GLOB})


class DataFinder(FileTexts):
    """
    Resolves what code and data name, for one DAG file.

    :param entry: path of the DAG file
    :param most: largest number of files that a folder or pattern may stand for
    """

    def __init__(self, files: SourceFiles, entry: str, most: int) -> None:
        super().__init__(files, entry, most)
        self._roles: dict[Role, Callable[[str, NamingPlace, Named], None]] = {
            Role.SHELL: self._shell,
            Role.MODULE: self._module,
            Role.OBJECT: self._module,
            Role.PACKAGE: self._package,
            Role.SEARCH: self._folder,
            Role.IMPORT_PATH: self._folder,
            Role.YAML_DAGS: self._yaml_dags,
            Role.FOLDER: self._listing,
            Role.TREE: self._listing,
            Role.GLOB: self._listing,
            Role.STATEMENT: self._statement,
        }

    def add_search_paths(self, folders: Iterable[str]) -> bool:
        """Add folders of templates; tell whether one was new."""
        new = [folder for folder in folders if self._files.is_dir(folder) and folder not in self._names.bases]
        self._names.bases.extend(new)
        return bool(new)

    def find(self, mention: NamingPlace) -> Named:
        """What a place stands for."""
        named = Named()
        rule = self._roles.get(mention.role, self._file)
        for text in mention.texts:
            rule(text, mention, named)
        if named.files and mention.role is not Role.READ and not mention.certain:
            named.unresolved.clear()  # combinations that nobody meant
        if len(named.files) > self._names.most:
            named.files.clear()
            self._gap(
                mention,
                named,
                Message("stands for more than %(most)s files, which are left out", most=self._names.most),
            )
        return named

    def in_data(self, names: DataNames, path: str) -> Named:
        """What a template or data file names."""
        named = Named()
        folder = posixpath.dirname(path)
        for text in names.templates:
            mention = NamingPlace(Role.TEMPLATE, (text,), path, 0, shown=f"include {shown(text)}")
            self._plain(text, mention, named)
        for each in names.paths:
            # "$HERE/a.sh" and "{{ params.here }}/a.sh" may lie anywhere, so mostly here.
            text = each[1:] if each[:1] in HOLES and each[1:2] == "/" else each
            if text.startswith("/"):
                for found in self._names.tails(text, least=2):
                    named.files.setdefault(found, Message("named in %(path)s", path=path))
            for found in self._names.below_bases(text.lstrip("/"), folder):
                if found != path and self._files.is_file(found):
                    named.files[found] = Message("named in %(path)s", path=path)
        named.modules.update(dict.fromkeys(names.dotted, False))
        named.modules.update(dict.fromkeys(names.imports, True))
        return named

    # -- roles -----------------------------------------------------------------------------------------

    def _statement(self, text: str, mention: NamingPlace, named: Named) -> None:
        if is_vague(text):
            self._gap(mention, named, Message("the text does not tell whether that is the name of a file"))
        elif has_hole(text) and suffix_of(text) in SCRIPT_SUFFIXES and " " not in text:
            self._plain(text, mention, named)

    def _module(self, text: str, mention: NamingPlace, named: Named) -> None:
        if not has_hole(text):
            named.modules[text] = mention.role is Role.MODULE
            return
        package = re.split(f"[{UNKNOWN}{PLACE}{LISTED}{ELSEWHERE}]", text, maxsplit=1)[0].rpartition(".")[0]
        folder = package.replace(".", "/")
        if package and self._files.is_dir(folder):
            named.modules[package] = True
            self._take(
                (path for path in self._files.walk(folder) if path.endswith(".py")),
                Message("may be imported in %(origin)s", origin=mention.origin),
                named,
            )
        elif text[:1] != ELSEWHERE and not listed_only(text):
            self._gap(mention, named, Message("the text does not tell which module that is"))

    def _package(self, text: str, mention: NamingPlace, named: Named) -> None:
        path = self._names.anchored(text)
        if path and self._files.is_dir(path) and not holds(path, mention.module):
            modules = (found for found in self._files.walk(path) if found.endswith(".py"))
            self._take(
                modules,
                Message("in folder %(path)r, listed in %(origin)s", path=path, origin=mention.origin),
                named,
            )
        elif path is not None and self._files.is_dir(path):
            found = [
                name for name in self._files.glob(posixpath.join(path, "*.py")) if name != mention.module
            ]
            if mention.module.endswith("__init__.py"):
                self._take(
                    found,
                    Message("in folder %(path)r, listed in %(origin)s", path=path, origin=mention.origin),
                    named,
                )
            else:
                self._gap(mention, named, Message("the text does not tell which modules that are"))
        elif is_vague(text):
            self._gap(mention, named, Message("the text does not tell which modules that are"))

    def _folder(self, text: str, mention: NamingPlace, named: Named) -> None:
        path = self._names.anchored(text)
        if path is not None:
            if path.startswith(".."):
                self._outside(path, mention, named)
            elif has_hole(path):
                self._gap(mention, named, Message("the text does not tell which folder that is"))
            else:
                named.folders.append(path)
            return
        if is_foreign(text) or not text:
            return
        located = self._files.locate(text) if text.startswith("/") else None
        if located is not None and self._files.is_dir(located):
            named.folders.append(located)
            named.warnings.append(
                Message(
                    "%(origin)s names %(text)r by its absolute path: the target would read the source's "
                    "folder",
                    origin=mention.origin,
                    text=text,
                )
            )
            return
        tails = self._names.tails(text.lstrip(PLACE + UNKNOWN), least=1)
        folders = [tail for tail in tails if self._files.is_dir(tail)]
        if folders:
            named.folders.extend(folders)
            self._warn_moved(folders[0], text, mention, named)
        elif text[:1] in {UNKNOWN, PLACE} and mention.shown:
            self._gap(mention, named, Message("the text does not tell which folder that is"))

    def _yaml_dags(self, text: str, mention: NamingPlace, named: Named) -> None:
        path = self._names.anchored(text)
        if path is None:
            tails = self._names.tails(text.lstrip(PLACE + UNKNOWN), least=1) if len(text) > 1 else [""]
            path = tails[0] if tails else ""
            named.warnings.append(
                Message(
                    "%(origin)s: %(code)s reads Airflow's dags folder; give it dags_folder, made from "
                    "__file__, so that the released code reads its own version",
                    origin=mention.origin,
                    code=mention.shown,
                )
            )
        for pattern in ("*.yaml", "*.yml"):
            found = self._files.glob(posixpath.join(path, "**", pattern))
            self._take(found, Message("makes Dags, listed in %(origin)s", origin=mention.origin), named)

    def _listing(self, text: str, mention: NamingPlace, named: Named) -> None:
        path = self._names.anchored(text)
        if path is None:
            if listed_only(text):
                return
            if is_vague(text.rstrip("*/")):
                self._gap(mention, named, Message("the text does not tell which folder that is"))
            else:
                self._file(text, mention, named)
            return
        folder, _, last = path.rpartition("/")
        if mention.role is Role.GLOB and last.strip("*?."):
            self._file(text, mention, named)
            return
        tree = mention.role is Role.TREE or (mention.role is Role.GLOB and "**" in path)
        if mention.role is Role.GLOB:
            while folder and not folder.rpartition("/")[2].strip("*?."):
                folder = folder.rpartition("/")[0]
            path = folder
        if path.startswith("..") or has_hole(path) or not holds(path, mention.module):
            self._anchored(path, mention, named)
            return
        self._own_folder(path, mention, named, tree=tree)

    def _own_folder(self, folder: str, mention: NamingPlace, named: Named, *, tree: bool) -> None:
        """Take what a listing of the module's own folder, or of one above, asks for; never all of it."""
        for pattern in mention.filters:
            where = posixpath.join(folder, "**", pattern) if tree else posixpath.join(folder, pattern)
            found = (path for path in self._files.glob(where) if path != mention.module)
            self._take(
                found,
                Message(
                    "in the listed folder %(folder)r, %(origin)s", folder=folder or ".", origin=mention.origin
                ),
                named,
            )
        if not mention.filters and not mention.takes_apart:
            self._gap(
                mention,
                named,
                Message("lists the folder of the Dag file itself or one above, of which nothing is taken"),
            )
