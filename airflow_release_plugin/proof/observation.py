"""What was seen while a DAG file ran, and how its process was confined: plain data that travels as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from airflow_release_plugin.domain.tree.footprint import Footprint
from airflow_release_plugin.messages import Message, together

ALL_OF_IT, ONLY_TCP, NONE_OF_IT = "all", "tcp", ""
"""How much of the network is shut."""


_CONFINED = {
    ALL_OF_IT: Message("Confined: files and network."),
    ONLY_TCP: Message("Confined: files and TCP connections."),
}

TEMPLATE_OF_TASK = "template of task"
"""How the place of a file begins that Airflow reads because a field of a task names it."""
_LINE = re.compile(r"(.+) line (\d+)")


def shown_place(place: str) -> str:
    """A place of an :class:`Access`, in the middle of a sentence."""
    if place.startswith(f"{TEMPLATE_OF_TASK} "):
        return Message("template of task %(task_id)s", task_id=place.removeprefix(f"{TEMPLATE_OF_TASK} "))
    if found := _LINE.fullmatch(place):
        return Message("%(path)s line %(line)s", path=found[1], line=found[2])
    return place


@dataclass(frozen=True)
class PrivateFolder:
    """
    A folder of this machine that no DAG file may read: approving the file does not cover what is there.

    :param name: of what it is, in the middle of a sentence: ``the source 'dev'``
    :param is_bundle: whether it holds DAG files, so that even looking for something there counts
    """

    folder: str
    name: str
    is_bundle: bool = True


@dataclass(frozen=True)
class Confinement:
    """
    What was in force while files ran.

    :param files: whether the process could read and write nothing but what it was meant to
    :param network: how much of the network was shut
    :param reason: why it was not confined, or not wholly
    """

    files: bool = False
    network: str = NONE_OF_IT
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether both files and network were shut, the latter for TCP at least."""
        return self.files and self.network != NONE_OF_IT

    @property
    def sentence(self) -> str:
        """For people."""
        if not self.files:
            return Message("Not confined: %(reason)s.", reason=self.reason)
        confined = _CONFINED.get(self.network, Message("Confined: files."))
        return (
            together([confined, Message("Open: %(reason)s.", reason=self.reason)])
            if self.reason
            else confined
        )


@dataclass(frozen=True, order=True)
class Access:
    """
    Something that was opened, looked for, listed or started.

    :param path: POSIX path relative to the tree, ``.`` for the tree itself; or a program, or ``host:port``
    :param place: where in the tree's code it was first done, as ``etl/flow.py line 3``, or ``template of task
        load``; empty where Airflow did it by itself
    """

    path: str
    place: str = ""


@dataclass(frozen=True, order=True)
class OutsideAccess:
    """
    Something that lies outside of what may be read.

    :param path: absolute; relative if code named it so, to the folder that Airflow was started in
    :param place: as in :class:`Access`
    :param deed: ``opens``, ``writes to``, ``lists``, ``looks for``, ``looks for modules in`` or ``runs …``
    :param area: name of the private folder that it lies in; empty for any other place
    """

    path: str
    place: str = ""
    deed: str = "opens"
    area: str = ""

    @property
    def is_forbidden(self) -> bool:
        """Whether this fails the check."""
        return bool(self.area)


@dataclass(frozen=True)
class Observed:
    """
    What one file did while it ran, each sorted by path.

    Seen is what Python does, in whichever way: opening, listing, importing. What compiled code opens by
    itself and what sub-processes read is not; there only the confinement counts.

    :param opened: files of the tree
    :param looked_at: files and folders of the tree of which ``os.stat`` told that they are there
    :param missing: what was looked for in vain below the tree, by opening it or by ``os.stat``
    :param listed: folders of the tree; not those that only the import system lists
    :param modules: where below the tree a module was looked for, found or not, without an ending
    :param outside: what lies neither in the tree nor in what is installed
    :param spawned: programs
    :param connected: ``host:port``
    :param is_whole: whether everything is listed; false where there was more than is kept
    """

    opened: tuple[Access, ...] = ()
    looked_at: tuple[Access, ...] = ()
    missing: tuple[Access, ...] = ()
    listed: tuple[Access, ...] = ()
    modules: tuple[Access, ...] = ()
    outside: tuple[OutsideAccess, ...] = ()
    spawned: tuple[Access, ...] = ()
    connected: tuple[Access, ...] = ()
    is_whole: bool = True

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Observed:
        """Read what :func:`dataclasses.asdict` wrote; unknown keys are ignored."""
        kinds = {
            name: tuple(Access(**_known(Access, each)) for each in data.get(name, ())) for name in _ACCESSES
        }
        outside = tuple(OutsideAccess(**_known(OutsideAccess, each)) for each in data.get("outside", ()))
        return cls(**kinds, outside=outside, is_whole=bool(data.get("is_whole", True)))

    @property
    def footprint(self) -> Footprint:
        """
        What it depends on in the tree.

        Not whole where a program was started: what that reads, nobody sees.
        """
        return Footprint(
            used=_paths(self.opened) | _paths(self.looked_at),
            missing=_paths(self.missing),
            listed=_paths(self.listed),
            modules=_paths(self.modules),
            is_whole=self.is_whole and not self.spawned,
        )

    def shortened(self, most: int) -> Observed:
        """The first ``most`` of each kind; a shorter list says that it is not whole."""
        lists: dict[str, Any] = {
            item.name: getattr(self, item.name) for item in fields(self) if item.name != "is_whole"
        }
        is_all = all(len(found) <= most for found in lists.values())
        cut = {name: found[:most] for name, found in lists.items()}
        return replace(self, **cut, is_whole=self.is_whole and is_all)


_ACCESSES = tuple(item.name for item in fields(Observed) if item.name not in {"outside", "is_whole"})


def _paths(accesses: tuple[Access, ...]) -> frozenset[str]:
    return frozenset(access.path for access in accesses)


def _known(cls: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {item.name: data[item.name] for item in fields(cls) if item.name in data}


NOTHING_KNOWN = Confinement(reason=Message("nothing ran"))
