"""Which files of the source a text stands for, and what to say where that is not clear."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from airflow_release_plugin.analysis.data_texts import template_names
from airflow_release_plugin.analysis.evaluation.values import LISTED, PLACE, ROOT, UNKNOWN
from airflow_release_plugin.analysis.module_facts import NamingPlace, Role
from airflow_release_plugin.analysis.named_files import (
    SCRIPT_SUFFIXES,
    FileNames,
    Named,
    has_hole,
    holds,
    is_foreign,
    is_template,
    is_vague,
    shown,
    suffix_of,
)
from airflow_release_plugin.analysis.shell_words import shell_names
from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.messages import Message

_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+")
_UNCLEAR = Message("the text does not tell which file that is")
_OWN_BASES = 2
"""The DAG file's folder and the root come first; then those that code names for templates."""
_MOVES = Message("the released code would read it there, not in its own version; start from __file__ instead")


class FileTexts:
    """
    Resolves texts that may name files, for one DAG file.

    :param entry: path of the DAG file
    :param most: largest number of files that a folder or pattern may stand for
    """

    def __init__(self, files: SourceFiles, entry: str, most: int) -> None:
        self._files = files
        self._entry = entry
        self._beside: dict[str, str] = {}
        bases = [posixpath.dirname(entry), ""]
        self._names = FileNames(files, bases, most)

    def _file(self, text: str, mention: NamingPlace, named: Named) -> None:
        if is_vague(text):
            self._vague(mention, named)
        elif "{%" in text:
            for name in template_names(text):
                self._plain(name, mention, named)
        elif ROOT[:2] in text.lstrip("/\x02") or (
            mention.role is Role.NAME and " " in text and not text.startswith("/")
        ):
            self._shell(text, mention, named)
        elif (path := self._names.anchored(text)) is not None:
            self._anchored(path, mention, named)
        elif text.startswith("/") or text[:1] in {PLACE, UNKNOWN}:
            self._absolute(text, mention, named)
        elif text[:1] != LISTED and not is_foreign(text):
            self._plain(text, mention, named)

    def _anchored(self, path: str, mention: NamingPlace, named: Named) -> None:
        reason = Message("named in %(origin)s", origin=mention.origin)
        if path == ".." or path.startswith("../"):
            self._outside(path, mention, named)
        elif self._files.is_file(path):
            if path != mention.module:
                named.files[path] = reason
        elif self._files.is_dir(path):
            if not holds(path, mention.module):
                self._folder_whole(path, reason, named)
        elif has_hole(path) or any(char in path for char in "*?["):
            self._pattern(path, mention, named)
        elif mention.role is Role.READ or is_template(path):
            named.unresolved.append(Message("%(name)s (%(origin)s)", name=path, origin=mention.origin))

    def _pattern(self, path: str, mention: NamingPlace, named: Named) -> None:
        found = self._names.matching(path, mention.module)
        if found:
            self._take(
                found,
                Message("matches %(path)r, named in %(origin)s", path=shown(path), origin=mention.origin),
                named,
            )
        elif mention.role is not Role.NAME and has_hole(path, UNKNOWN + PLACE):
            self._gap(mention, named, _UNCLEAR)

    def _folder_whole(self, folder: str, reason: str, named: Named) -> None:
        self._take(
            self._files.walk(folder),
            Message("in folder %(folder)r, %(reason)s", folder=folder, reason=reason),
            named,
        )
        for path, why in self._files.left_out.items():
            if path.startswith(folder + "/"):
                named.gaps.append(
                    Message(
                        "%(path)r is left out (%(reason)s): %(problem)s",
                        path=path,
                        reason=reason,
                        problem=why,
                    )
                )

    def _take(self, paths: Iterable[str], reason: str, named: Named) -> None:
        for path in paths:
            if path not in named.files:
                named.files[path] = reason
                named.whole.add(path)
            if len(named.files) > self._names.most:
                return

    def _vague(self, mention: NamingPlace, named: Named) -> None:
        """Take all templates of the folders where code looks one up; else say that the text does not tell."""
        searched = self._names.bases[_OWN_BASES:] if mention.role is Role.TEMPLATE and mention.line else []
        for base in searched:
            self._take(
                self._files.walk(base),
                Message("may be looked up in %(origin)s", origin=mention.origin),
                named,
            )
        if not searched and mention.role is not Role.NAME:
            self._gap(mention, named, _UNCLEAR)

    def _plain(self, text: str, mention: NamingPlace, named: Named) -> None:
        if is_vague(text):
            self._vague(mention, named)
            return
        if _DOTTED.fullmatch(text):
            named.modules[text] = False
        folder = posixpath.dirname(mention.module)
        name = text.lstrip("/").rstrip() if mention.role is not Role.READ else text
        if has_hole(name):
            self._plain_pattern(name, folder, mention, named)
            return
        reason = Message("named by %(text)r in %(origin)s", text=text, origin=mention.origin)
        found = False
        for path in self._names.below_bases(name, folder):
            if path == ".." or path.startswith("../"):
                self._outside(path, mention, named)
            elif self._files.is_file(path) and path != mention.module:
                found = True
                named.files.setdefault(path, reason)
        if not found:
            self._not_found(text, folder, mention, named)
        elif mention.role is Role.READ:
            named.warnings.append(
                Message(
                    "%(origin)s opens %(text)r relative to the folder in which Airflow runs: %(moves)s",
                    origin=mention.origin,
                    text=text,
                    moves=_MOVES,
                )
            )

    def _plain_pattern(self, name: str, folder: str, mention: NamingPlace, named: Named) -> None:
        if mention.role is Role.NAME and suffix_of(name) not in SCRIPT_SUFFIXES:
            return
        for path in self._names.below_bases(name, folder):
            found = None if path.startswith("../") else self._names.matching(path, mention.module)
            self._take(
                found or (),
                Message("matches %(path)r, named in %(origin)s", path=shown(name), origin=mention.origin),
                named,
            )
        if (
            not named.files
            and has_hole(name, UNKNOWN)
            and not (mention.role is Role.NAME and "/" not in name)
        ):
            self._gap(mention, named, _UNCLEAR)

    def _not_found(self, text: str, folder: str, mention: NamingPlace, named: Named) -> None:
        tails = self._names.tails(text, least=1) if mention.role is Role.READ and "/" in text else []
        if tails:
            self._moved(text, tails, mention, named)
        elif self._names.is_missing_local(text.strip("/ "), folder):
            named.unresolved.append(Message("%(name)s (%(origin)s)", name=text, origin=mention.origin))

    def _absolute(self, text: str, mention: NamingPlace, named: Named) -> None:
        located = self._files.locate(text) if text.startswith("/") else None
        if located is not None and self._files.is_file(located):
            named.files[located] = Message(
                "named by %(text)r in %(origin)s", text=text, origin=mention.origin
            )
            named.warnings.append(
                Message(
                    "%(origin)s names %(text)r by its absolute path: the target would read the source's file",
                    origin=mention.origin,
                    text=text,
                )
            )
            return
        if text.startswith("/") and self._slashed_template(text, mention, named):
            return
        if is_foreign(text):
            return
        is_place = text[:1] in {PLACE, UNKNOWN}
        if mention.role is Role.NAME and text[:1] == UNKNOWN:
            if suffix_of(text) in SCRIPT_SUFFIXES:
                self._plain_pattern(text, posixpath.dirname(mention.module), mention, named)
            return
        tails = self._names.tails(text.lstrip(PLACE + UNKNOWN), least=1 if is_place else 2)
        if tails:
            self._moved(text, tails, mention, named)
        elif is_place and mention.role is not Role.NAME:
            self._gap(mention, named, _UNCLEAR)

    def _slashed_template(self, text: str, mention: NamingPlace, named: Named) -> bool:
        """Take a template: Jinja drops the slash in front of its name."""
        if suffix_of(text.rstrip()) not in SCRIPT_SUFFIXES or mention.role is Role.READ:
            return False
        before = len(named.files)
        for path in self._names.below_bases(text.strip("/ "), posixpath.dirname(mention.module)):
            found = self._names.matching(path, mention.module) if has_hole(path) else [path]
            for one in found or ():
                if self._files.is_file(one):
                    named.files.setdefault(
                        one,
                        Message("named by %(text)r in %(origin)s", text=shown(text), origin=mention.origin),
                    )
        return len(named.files) > before

    def _moved(self, text: str, tails: list[str], mention: NamingPlace, named: Named) -> None:
        """Take files that are named by where a deployment puts them, and say what comes of it."""
        for path in tails:
            if self._files.is_dir(path):
                if path and not holds(path, mention.module):
                    self._folder_whole(path, Message("named in %(origin)s", origin=mention.origin), named)
                named.folders.append(path)
            else:
                named.files[path] = Message(
                    "named by %(text)r in %(origin)s", text=shown(text), origin=mention.origin
                )
        if not named.warnings:  # one for each place in the code
            self._warn_moved(tails[0], text, mention, named)

    def _warn_moved(self, path: str, text: str, mention: NamingPlace, named: Named) -> None:
        named.warnings.append(
            Message(
                "%(origin)s names %(path)r by a place outside of the source (%(text)r): %(moves)s",
                origin=mention.origin,
                path=path,
                text=shown(text),
                moves=_MOVES,
            )
        )

    def _outside(self, path: str, mention: NamingPlace, named: Named) -> None:
        if set(path) <= set("./") or has_hole(path):
            return
        if self._files.is_outside(path) and self._beside.setdefault(path, mention.origin) == mention.origin:
            named.gaps.append(
                Message(
                    "%(origin)s names %(path)r, which lies beside the source and is not released; point the "
                    "source one folder up, so that it holds both",
                    origin=mention.origin,
                    path=path,
                )
            )

    def _gap(self, mention: NamingPlace, named: Named, why: str) -> None:
        said = mention.shown or shown(mention.texts[0])
        named.gaps.append(
            Message(
                "%(origin)s: %(code)s: %(problem)s; name what it needs in release.toml: [[include]] "
                'dags = "%(entry)s" files = ["…"]',
                origin=mention.origin,
                code=said,
                problem=why,
                entry=self._entry,
            )
        )

    def _shell(self, text: str, mention: NamingPlace, named: Named) -> None:
        if mention.role is Role.SHELL and is_vague(text):
            self._gap(mention, named, Message("the text does not tell which command that is"))
            return
        names = shell_names(text)
        for word in names.paths:
            path = self._names.anchored(word)
            if path is not None:
                self._anchored(path, _as_name(mention), named)
            elif word.startswith(PLACE) and len(word) > 1:
                self._absolute(word, _as_name(mention), named)
            elif not is_foreign(word) and not word.startswith("/") and not has_hole(word):
                for found in self._names.below_bases(word, posixpath.dirname(mention.module)):
                    if self._files.is_file(found) and found != mention.module:
                        named.files.setdefault(
                            found,
                            Message("named by %(text)r in %(origin)s", text=word, origin=mention.origin),
                        )
        named.modules.update(dict.fromkeys(names.modules, True))
        named.modules.update((f"{name}.__main__", False) for name in names.modules)
        for entered in names.entered:
            self._entered(entered, mention, named)

    def _entered(self, text: str, mention: NamingPlace, named: Named) -> None:
        """Take a folder that a command works in, unless the command names files in it."""
        anchored = self._names.anchored(text)
        folder = posixpath.dirname(mention.module)
        paths = [anchored] if anchored is not None else self._names.below_bases(text, folder) if text else []
        if anchored is None and text.startswith(PLACE):
            paths = self._names.tails(text.lstrip(PLACE), least=1)
        for path in paths:
            inside = path.rstrip("/") + "/"
            if self._files.is_dir(path) and not any(found.startswith(inside) for found in named.files):
                self._anchored(path, _as_name(mention), named)


def _as_name(mention: NamingPlace) -> NamingPlace:
    return NamingPlace(Role.NAME, mention.texts, mention.module, mention.line, certain=False, via=mention.via)
