"""
Notes what DAG files open, list, import, start and connect to, with the line of theirs that did it.

Python tells an audit hook before it does such a thing, whether it will work or not. Only ``os.stat`` it does
not tell; it is wrapped, so that what is looked for in vain shows, by ``Path.exists`` and by templates, too.
That the import system lists folders says little of what it looks for; modules are noted as they are asked
for.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from importlib.util import source_from_cache
from types import FrameType
from typing import Any

from airflow_release_plugin.proof.areas import Area, AreaKind, Areas, is_below
from airflow_release_plugin.proof.module_requests import ModuleRequests, is_found_in
from airflow_release_plugin.proof.observation import TEMPLATE_OF_TASK, Access, Observed, OutsideAccess

MOST = 5000
"""Entries of one kind that are kept of one file."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_KERNEL = re.compile(r"/(?:proc|sys|dev)(?:/|$)")
_RESOLVES_TEMPLATES = "resolve_template_files"
"""Airflow's method of operators that reads the files that their template fields name."""
_IN_TREE = ("opened", "looked_at", "missing", "listed", "modules", "spawned", "connected")


class _Notes:
    """What was seen since the last file, the first place of each."""

    def __init__(self) -> None:
        self.places: dict[str, dict[str, str]] = {kind: {} for kind in _IN_TREE}
        self.outside: dict[str, OutsideAccess] = {}
        self.is_whole = True
        self.known_entries = set(filter(_is_text, sys.path))
        self.folders: dict[str, str | None] = {}

    def add(self, kind: str, path: str, place: Callable[[], str]) -> None:
        found = self.places[kind]
        if path not in found and self._has_room(found):
            found[path] = place()

    def add_outside(self, access: OutsideAccess) -> None:
        if access.path not in self.outside and self._has_room(self.outside):
            self.outside[access.path] = access

    def _has_room(self, found: Mapping[str, object]) -> bool:
        self.is_whole = self.is_whole and len(found) < MOST
        return self.is_whole

    def observed(self) -> Observed:
        kinds = {
            kind: tuple(sorted(Access(path, place) for path, place in found.items()))
            for kind, found in self.places.items()
        }
        return Observed(**kinds, outside=tuple(sorted(self.outside.values())), is_whole=self.is_whole)


class DagFileWatcher:
    """
    Watches the process it is installed in, for good.

    :param tree: folder of the files that are checked, without links
    :param areas: what counts where
    :param aliases: folders of the scratch that stand for others, by what they stand for: ``AIRFLOW_HOME`` and
        the home folder; empty text for the working directory
    """

    def __init__(self, tree: str, areas: Areas, aliases: Mapping[str, str]) -> None:
        self._tree = tree
        self._prefix = f"{tree}/"
        self._areas = areas
        self._aliases = dict(aliases)
        self._notes: _Notes | None = None
        self._ignored: set[str] = set()
        self._requests = ModuleRequests(self._asked)
        paths = sysconfig.get_paths()
        self._stdlib = (paths["stdlib"], paths["platstdlib"], "<frozen")
        self._packages = (paths["purelib"], paths["platlib"])

    def install(self) -> None:
        """From now on, be told; nothing is noted before :meth:`start`."""
        heard: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "import": self._imported,
            "sqlite3.connect": self._opened,
            "subprocess.Popen": self._spawned,
            "os.exec": self._spawned,
            "os.posix_spawn": self._spawned,
            "os.spawn": lambda mode, path, arguments, *_: self._spawned(path, arguments),
            "os.system": lambda command: self._spawned(command, [command]),
            "socket.connect": lambda _, address: self._connected(address),
            "socket.getaddrinfo": lambda host, port, *_: self._connected((host, port)),
        }

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in heard and self._notes is not None:
                # What is raised here would be raised in DAG code.
                with contextlib.suppress(Exception):
                    heard[event](*arguments)

        sys.addaudithook(hook)
        self._wrap_stat()

    def start(self) -> None:
        """Begin to note what one file does."""
        self._requests.be_first()
        self._notes = _Notes()

    def stop(self) -> Observed:
        """Stop noting, and tell what was noted."""
        notes, self._notes = self._notes, None
        return notes.observed() if notes else Observed()

    # What Python tells.

    def _opened(self, path: Any, mode: Any = None, flags: int = 0) -> None:
        if not isinstance(path, int):
            name = _text(path)
            if name not in self._ignored:
                is_written = isinstance(flags, int) and flags & _WRITES
                self._note(name, "writes to" if is_written else "opens")

    def _listed(self, path: Any) -> None:
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        name = _text(path if path is not None else ".")
        if name not in self._ignored:
            self._note(name, "looks for modules in" if _is_import(sys._getframe(1)) else "lists")

    def _imported(self, module: str, file: Any, entries: Any, *_: Any) -> None:
        known = self._notes.known_entries if self._notes else set()
        for entry in entries or ():
            # Of one that exists the import lists the folder; one that does not is passed over in silence.
            if _is_text(entry) and entry not in known:
                known.add(entry)
                if not os.path.lexists(entry):
                    self._note(entry, "looks for modules in")

    def _asked(self, module: str, folders: Sequence[str] | None) -> None:
        notes = self._notes
        if notes is None:
            return
        entries = list(filter(_is_text, sys.path if folders is None else folders))
        places = [self._folder_in_tree(entry) for entry in entries]
        inside = [place for place in places if place is not None]
        if not inside:
            return
        first = next(number for number, place in enumerate(places) if place is not None)
        if folders is None and is_found_in(module, entries[:first]):
            return
        name = module.rpartition(".")[2]
        for place in inside:
            notes.add("modules", name if place == "." else f"{place}/{name}", self._first_place)

    def _folder_in_tree(self, entry: str) -> str | None:
        """A folder of the tree as it is noted; ``None`` for one elsewhere."""
        known = self._notes.folders if self._notes else {}
        if entry not in known:
            path = os.path.realpath(entry)
            area = self._areas.find(path)
            is_inside = area is not None and area.kind is AreaKind.TREE
            known[entry] = (path[len(self._prefix) :] or ".") if is_inside else None
        return known[entry]

    def _spawned(self, program: Any, arguments: Any, folder: Any = None, *_: Any) -> None:
        place, _is_imported = self._place()
        if not place or self._notes is None:
            return
        if isinstance(arguments, (str, bytes, os.PathLike)):
            arguments = [arguments]
        words = [_text(word) for word in (*(arguments or ()), *((folder,) if folder else ()))]
        name = _text(program) if program else words[0]
        self._notes.add("spawned", name, lambda: place)
        for area in self._areas.private:
            for word in words:
                if area.folder in word:
                    # A word with other things around it is a command for a shell.
                    path = word if is_below(word, area.folder) else area.folder
                    deed = f"runs {os.path.basename(name)} with"
                    self._notes.add_outside(OutsideAccess(path, place, deed, area.name))

    def _connected(self, address: Any) -> None:
        place, _is_imported = self._place()
        if place and self._notes is not None:
            host, *rest = address if isinstance(address, tuple) else (address,)
            name = _text(host) if host is not None else ""
            self._notes.add("connected", f"{name}:{rest[0]}" if rest and rest[0] else name, lambda: place)

    def _wrap_stat(self) -> None:
        real = os.stat

        def watched_stat(
            path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True
        ) -> os.stat_result:
            try:
                found = real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
            except (FileNotFoundError, NotADirectoryError):
                self._looked_at(path)
                raise
            self._looked_at(path)
            return found

        for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            known.add(watched_stat)
        os.stat = watched_stat

    def _looked_at(self, path: Any) -> None:
        if self._notes is None or isinstance(path, int):
            return
        with contextlib.suppress(Exception):
            name = _text(path)
            if name not in self._ignored:
                self._note(name, "looks for")

    # What it means.

    def _note(self, name: str, deed: str) -> None:
        absolute = name if name.startswith("/") else os.path.join(os.getcwd(), name)
        area = self._areas.find(absolute)
        if area is not None and area.kind is AreaKind.INSTALLED and "/.." not in absolute:
            if absolute is name:
                self._ignored.add(name)
            return
        path = os.path.realpath(absolute)
        area = self._areas.find(path)
        if area is None:
            self._note_elsewhere(path, deed)
        elif area.kind is AreaKind.TREE:
            self._note_in_tree(path, deed)
        elif area.kind is AreaKind.PRIVATE:
            self._note_private(path, deed, area)
        elif area.kind is AreaKind.SCRATCH and not os.path.lexists(path):
            self._note_alias(path, deed)

    def _note_in_tree(self, path: str, deed: str) -> None:
        notes = self._notes
        if notes is None or deed in {"writes to", "looks for modules in"}:
            return
        inside = path[len(self._prefix) :] or "."
        if inside.endswith(".pyc"):
            with contextlib.suppress(ValueError):
                # An import asks for this first; with or without it, the source is what counts.
                inside, path = source_from_cache(inside), source_from_cache(path)
                if not os.path.lexists(path):
                    return
        if not os.path.lexists(path):
            notes.add("missing", inside, self._first_place)
        elif deed == "looks for":
            notes.add("looked_at", inside, self._first_place)
        else:
            is_list = deed == "lists" or stat.S_ISDIR(os.lstat(path).st_mode)
            notes.add("listed" if is_list else "opened", inside, self._first_place)

    def _note_private(self, path: str, deed: str, area: Area) -> None:
        place, is_imported = self._place()
        if deed == "looks for" and self._is_airflows_own():
            return
        if area.is_bundle or (place and not is_imported and deed != "looks for"):
            self._add_outside(_source(path), place, deed, area.name)

    def _note_elsewhere(self, path: str, deed: str) -> None:
        if deed == "looks for" or _KERNEL.match(path) or not os.path.lexists(path):
            return
        place, is_imported = self._place()
        if place and not is_imported:
            self._add_outside(path, place, deed, "")

    def _note_alias(self, path: str, deed: str) -> None:
        """Something that is not where the scratch stands for a folder that only this process is not told."""
        for alias, meant in self._aliases.items():
            if not is_below(path, alias):
                continue
            rest = path[len(alias) + 1 :]
            if not meant:
                self._note_relative(rest, deed)
                return
            real = os.path.realpath(os.path.join(meant, rest))
            area = self._areas.find(real)
            if area is None:
                self._note_elsewhere(real, deed)
            elif area.kind is AreaKind.PRIVATE:
                self._note_private(real, deed, area)

    def _note_relative(self, path: str, deed: str) -> None:
        place, is_imported = self._place()
        if not place or is_imported:
            return
        for area in self._areas.private:
            # Airflow is mostly started in the folder above its DAGs, or in AIRFLOW_HOME.
            for start in (area.folder, os.path.dirname(area.folder)):
                real = os.path.join(start, path)
                found = self._areas.find(os.path.realpath(real))
                if found is not None and found.is_bundle and os.path.lexists(real):
                    self._add_outside(path, place, deed, found.name)
                    return
        if deed not in {"looks for", "writes to"}:
            self._add_outside(path, place, deed, "")

    def _add_outside(self, path: str, place: str, deed: str, area: str) -> None:
        if self._notes is not None:
            self._notes.add_outside(OutsideAccess(path, place, deed, area))

    # Which code did it.

    def _first_place(self) -> str:
        return self._place()[0]

    def _place(self) -> tuple[str, bool]:
        """
        The innermost line of the tree's code, or the task whose template it is, and whether that imported an
        installed module that did it.
        """
        frame: FrameType | None = sys._getframe(1)
        is_imported = False
        while frame is not None:
            code = frame.f_code
            if code.co_filename.startswith(self._prefix):
                return f"{code.co_filename[len(self._prefix) :]} line {frame.f_lineno}", is_imported
            if code.co_name == _RESOLVES_TEMPLATES and (place := _template_place(frame)):
                return place, is_imported
            is_imported = is_imported or code.co_name == "<module>"
            frame = frame.f_back
        return "", is_imported

    def _is_airflows_own(self) -> bool:
        """Whether Airflow, and no DAG code or template, looks by itself."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file != __file__ and (file.startswith(self._packages) or not file.startswith(self._stdlib)):
                return f"{os.sep}airflow{os.sep}" in file or f"{os.sep}airflow_release_plugin{os.sep}" in file
            frame = frame.f_back
        return True


def _is_import(frame: FrameType | None) -> bool:
    """Whether the import system does it, above what is ours."""
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib")


def _template_place(frame: FrameType) -> str:
    """Of which task Airflow reads the templates; empty if this is something else of that name."""
    task_id = getattr(frame.f_locals.get("self"), "task_id", None)
    return f"{TEMPLATE_OF_TASK} {task_id}" if isinstance(task_id, str) else ""


def _source(path: str) -> str:
    """The source of a compiled file, which is what people know."""
    if path.endswith(".pyc"):
        with contextlib.suppress(ValueError):
            return source_from_cache(path)
    return path


def _is_text(entry: object) -> bool:
    return isinstance(entry, str)


def _text(path: Any) -> str:
    return os.fsdecode(path)
