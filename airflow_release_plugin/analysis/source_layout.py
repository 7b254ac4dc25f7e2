"""The names of all files and folders of a source, and whom a change of them may concern."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_release_plugin.analysis.source_files import FolderFiles
from airflow_release_plugin.domain.tree.delta import ROOT, parent
from airflow_release_plugin.domain.tree.footprint import module_bases
from airflow_release_plugin.exceptions import UnitError

_MOST_NEWS = 1000
"""With more names that came and went, everybody is concerned."""


@dataclass(frozen=True)
class SourceLayout:
    """
    All names at one moment.

    :param bounds: what else counts for everything that was made from them
    :param digest: hash of bounds and names; empty where the names cannot all be listed
    :param names: paths of files, and of folders with a slash at their end
    :param is_tree: each file has one path; not where a link leads to a folder above itself
    """

    bounds: str
    digest: str
    names: frozenset[str]
    is_tree: bool = True

    def news_since(self, earlier: SourceLayout) -> frozenset[int] | None:
        """
        Questions that have another answer now than they had then, as :func:`question` has them.

        ``None`` where everything has to be asked again.
        """
        if self.bounds != earlier.bounds or not (self.digest and earlier.digest):
            return None
        if not (self.is_tree and earlier.is_tree):
            return None
        changed = self.names ^ earlier.names
        if len(changed) > _MOST_NEWS:
            return None
        return frozenset(each for name in changed for each in _questions(name))


def question(kind: str, path: str) -> int:
    """
    A question about names as a number that counts in this process.

    :param kind: ``name``: what is at that path; ``folder``: which names are in it; ``module``: what is
        there with an ending of Python's, or as a folder
    """
    return hash((kind, path))


def layout_of(files: FolderFiles, bounds: str) -> SourceLayout:
    """Look at all names; they are listed already, or are from here on."""
    beside = sorted(name.encode("utf-8", "surrogateescape") for name in files.beside())
    bounds = f"{bounds} {files.max_file_bytes} {beside}"
    names: list[str] = []
    folders, is_tree = [""], True
    try:
        for folder in folders:
            prefix = f"{folder}/" if folder else ""
            for name, is_folder in files.names(folder).items():
                path = prefix + name
                names.append(f"{path}/" if is_folder else path)
                if is_folder and files.may_descend(path):
                    folders.append(path)
                elif is_folder:
                    is_tree = False
    except UnitError:
        return SourceLayout(bounds, "", frozenset())
    text = "\0".join((bounds, *sorted(names)))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return SourceLayout(bounds, digest, frozenset(names), is_tree)


def _questions(name: str) -> Iterator[int]:
    path = name.rstrip("/")
    yield question("name", path)
    folder = parent(path)
    yield question("folder", "" if folder == ROOT else folder)
    if name != path:
        yield question("folder", path)
        yield question("module", path)
    else:
        yield from (question("module", base) for base in module_bases(path))
