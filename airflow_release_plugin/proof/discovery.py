"""
Which DAG files Airflow would find in a tree: what ``.airflowignore`` and its safe mode leave of them.

A check runs the files that it is told to run, whether or not Airflow would look at them. No DAG code runs
here.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from airflow_release_plugin.messages import Message

_IGNORE_FILE = ".airflowignore"


@dataclass(frozen=True)
class FoundFiles:
    """
    DAG files that Airflow finds in one tree.

    :param error: why it finds none at all; empty if it can look
    """

    files: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True)
class Discovery:
    """
    What a release changes about the DAG files that Airflow finds in the target.

    :param hidden: files that are there and that it would not find, each with what hides it, for people
    :param appeared: files that it would find and does not find now, but for those that the release names
    :param error: why it would find none at all
    """

    hidden: tuple[tuple[str, str], ...] = ()
    appeared: frozenset[str] = frozenset()
    error: str = ""


def discover(
    target: Path | None, candidate: Path, *, own: Collection[str], served: Collection[str]
) -> Discovery:
    """
    Let Airflow look for DAG files in the target as it is and as it would be.

    :param target: its folder; ``None`` while it is empty
    :param own: DAG files that the release brings
    :param served: other DAG files of the target
    """
    then = find_dag_files(candidate)
    if then.error:
        return Discovery(error=then.error)
    now = find_dag_files(target) if target else FoundFiles()
    # Where Airflow finds nothing now, everything that it should find is there as far as anybody knows.
    known = now.files if not now.error else then.files | set(served)
    wanted = {*own, *(path for path in served if path in known)}
    hidden = sorted(path for path in wanted - then.files if (candidate / path).is_file())
    return Discovery(
        hidden=tuple((path, what_hides(candidate, path)) for path in hidden),
        appeared=then.files - known - set(own),
    )


def find_dag_files(tree: Path) -> FoundFiles:
    """The DAG files that Airflow's dag processor would find, as POSIX paths relative to the tree."""
    from airflow.configuration import conf
    from airflow.utils.file import list_py_file_paths

    safe_mode = conf.getboolean("core", "dag_discovery_safe_mode", fallback=True)
    try:
        found = list_py_file_paths(tree, safe_mode=safe_mode)
    except Exception as error:  # whatever a broken .airflowignore makes it raise
        return FoundFiles(error=f"{type(error).__name__}: {error}".replace(f"{tree}{os.sep}", ""))
    return FoundFiles(frozenset(Path(path).relative_to(tree).as_posix() for path in found))


def what_hides(tree: Path, path: str) -> str:
    """The line of an ``.airflowignore`` that keeps Airflow from finding a file, or else its safe mode."""
    last = ""
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder).resolve()
        (alone / path).parent.mkdir(parents=True, exist_ok=True)
        (alone / path).write_text("airflow dag", encoding="utf-8")
        for ignore in _ignore_files(tree, path):
            here = alone / ignore.relative_to(tree)
            for number, line in enumerate(ignore.read_text(encoding="utf-8").split("\n"), start=1):
                here.write_text(line, encoding="utf-8")
                if line.strip() and path not in find_dag_files(alone).files:
                    last = Message(
                        "%(file)s line %(number)s (%(line)r) hides it",
                        file=ignore.relative_to(tree).as_posix(),
                        number=number,
                        line=line.strip(),
                    )
            here.unlink()
    return last or Message(
        "it does not say both 'airflow' and 'dag', without which Airflow's safe mode passes over a file"
    )


def _ignore_files(tree: Path, path: str) -> Iterator[Path]:
    """Those that count for a file, from the top down."""
    for folder in reversed((tree / path).parents):
        if folder == tree or tree in folder.parents:
            ignore = folder / _IGNORE_FILE
            if ignore.is_file():
                yield ignore


NOTHING_NEW = Discovery()
"""Airflow finds what it found before."""
