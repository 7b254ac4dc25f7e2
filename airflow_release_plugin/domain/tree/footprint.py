"""What a DAG file had to do with the tree that it ran in, and which changes of the tree meet that."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.domain.tree.delta import TreeDelta, parent

MOST_PATHS = 2000
"""Paths of each kind that a footprint keeps; one that was cut says so, and then everything meets it."""
_MODULE_ENDINGS = (".py", ".pyc", ".so", ".pyd")
_INIT = "__init__"
_KINDS = ("used", "missing", "listed", "modules")
_ANY = "any:"
"""The mark of a footprint that everything meets."""


@dataclass(frozen=True)
class Footprint:
    """
    Everything in a tree on which depends what a DAG file makes, as POSIX paths relative to the tree.

    :param used: files that were read, and what was looked at and is there
    :param missing: what was looked for in vain
    :param listed: folders whose names code has asked for, ``.`` for the tree itself; not those that only
        the import system has listed
    :param modules: where modules were looked for, found or not, without an ending: ``lib/tool`` stands for
        ``lib/tool.py``, ``lib/tool/__init__.py`` and the folder
    :param is_whole: whether that is all; if not, whatever happens to the tree may matter
    """

    used: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    listed: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    is_whole: bool = True

    def met_by(self, delta: TreeDelta) -> tuple[str, ...]:
        """Sorted paths that come, change or go and on which depends what the file makes; empty for none."""
        if not self.is_whole:
            return tuple(sorted(delta.paths))
        return tuple(
            sorted(
                (self.used & (delta.changed | delta.vanished))
                | (self.missing & delta.appeared)
                | {path for path in delta.entries if parent(path) in self.listed or path in self.listed}
                | {path for path in delta.entries if not self.modules.isdisjoint(module_bases(path))}
            )
        )

    def marks(self) -> frozenset[str]:
        """
        What to file it under, so that whoever has :func:`marks_of` a change finds it.

        A footprint that a change meets shares a mark with it. One that shares a mark may still not be met.
        """
        whole = frozenset() if self.is_whole else frozenset({_ANY})
        return whole.union(*({f"{kind}:{path}" for path in getattr(self, kind)} for kind in _KINDS))

    def with_files(self, paths: Iterable[str], modules: Iterable[str] = ()) -> Footprint:
        """The same with further files and modules: those that only tasks use."""
        return Footprint(
            self.used | frozenset(paths),
            self.missing,
            self.listed,
            self.modules | frozenset(modules),
            self.is_whole,
        )

    def shortened(self, most: int = MOST_PATHS) -> Footprint:
        """The first ``most`` of each kind; one that is longer is not whole afterwards."""
        is_all = all(len(getattr(self, kind)) <= most for kind in _KINDS)
        kept = {kind: frozenset(sorted(getattr(self, kind))[:most]) for kind in _KINDS}
        return Footprint(**kept, is_whole=self.is_whole and is_all)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, sorted."""
        return {**{kind: sorted(getattr(self, kind)) for kind in _KINDS}, "is_whole": self.is_whole}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Footprint:
        """
        Read what :meth:`to_dict` wrote; what says nothing of being whole is not.

        :raises TypeError: it is something else
        """
        kept: dict[str, frozenset[str]] = {}
        for kind in _KINDS:
            paths = data.get(kind, [])
            if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
                raise TypeError(f"{kind!r} of a footprint is no list of paths")
            kept[kind] = frozenset(paths)
        return cls(**kept, is_whole=data.get("is_whole") is True)


def marks_of(delta: TreeDelta) -> frozenset[str]:
    """What the footprints that a change may meet are filed under."""
    entries = tuple(delta.entries)
    return users_marks(delta.changed | delta.vanished).union(
        {_ANY},
        (f"missing:{path}" for path in delta.appeared),
        (f"listed:{folder}" for path in entries for folder in (path, parent(path))),
        (f"modules:{place}" for path in entries for place in module_bases(path)),
    )


def users_marks(paths: Iterable[str]) -> frozenset[str]:
    """What the footprints that use one of these files are filed under."""
    return frozenset(f"used:{path}" for path in paths)


def module_places(path: str) -> frozenset[str]:
    """Where modules were looked for if the file at ``path`` was imported by its name from the root."""
    found = set(module_bases(path))
    for place in tuple(found):
        while "/" in place:
            place = posixpath.dirname(place)
            found.add(place)
    return frozenset(found)


def module_bases(path: str) -> Iterator[str]:
    """What an import may be looking for when a file or folder at ``path`` is what it finds."""
    folder, name = posixpath.split(path)
    stem, dot, _ = name.partition(".")
    if not dot:
        yield path
    elif name.endswith(_MODULE_ENDINGS):
        yield folder if stem == _INIT else posixpath.join(folder, stem)
