"""Finds the files of a dotted module name below the folders where Python would look."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_release_plugin.analysis.source_files import SourceFiles


@dataclass(frozen=True)
class Found:
    """
    Where a module lies.

    :param files: the ``__init__.py`` of each package on the way, and the module's own file
    :param folder: the package's folder, when the name stands for a package; ``None`` for a plain module
    :param missing: the parts of the name that do not exist
    """

    files: tuple[str, ...] = ()
    folder: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def is_namespace(self) -> bool:
        """Whether the name stands for a folder without ``__init__.py``, which installed packages hide."""
        return self.folder is not None and f"{self.folder}/__init__.py" not in self.files


class ModuleFinder:
    """
    Resolves module names like Python does: package before module before namespace package.

    A name that exists in the source counts as local even where an installed package would win. What was found
    is shared by all finders of the same files; each tells its own files where it looked.
    """

    def __init__(self, files: SourceFiles) -> None:
        self._files = files
        self._found: dict[tuple[str, str], tuple[Found, tuple[str, ...]]] = files.remember("modules", dict)

    def find(self, module: str, roots: Sequence[str]) -> Found:
        """Return the best match over ``roots``, in order; the first that is complete wins."""
        best = Found(missing=tuple(module.split(".")))
        for root in roots:
            found = self.find_below(root, module)
            if not found.missing:
                return found
            if len(found.files) > len(best.files):
                best = found
        return best

    def find_below(self, root: str, module: str) -> Found:
        """Return what ``module`` stands for when its first part is looked up in the folder ``root``."""
        key = (root, module)
        known = self._found.get(key)
        if known is None:
            places: list[str] = []
            found = self._walk(root, module.split(".") if module else [], places)
            known = self._found[key] = (found, tuple(places))
        self._files.note_places(known[1])
        return known[0]

    def _walk(self, root: str, parts: Sequence[str], places: list[str]) -> Found:
        files: list[str] = []
        folder = root
        for index, part in enumerate(parts):
            if not part.isidentifier():
                return Found(tuple(files), None, tuple(parts[index:]))
            base = posixpath.join(folder, part)
            places.append(base)
            if self._files.is_file(f"{base}/__init__.py"):
                files.append(f"{base}/__init__.py")
            elif self._files.is_file(f"{base}.py"):
                return Found((*files, f"{base}.py"), None, tuple(parts[index + 1 :]))
            elif not self._files.is_dir(base):
                return Found(tuple(files), None, tuple(parts[index:]))
            folder = base
        return Found(tuple(files), folder)
