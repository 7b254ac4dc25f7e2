"""Folders of bundles on this machine: those that people edit, and where what is served lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import stat_result
from pathlib import Path


@dataclass(frozen=True)
class SourceSnapshot:
    """
    The source bundle as it is now.

    :param root: folder with the files
    :param dag_files: POSIX paths (relative to ``root``) of the files that Airflow would parse
    :param version: the bundle's own version, where it has one
    :param stats: what listing them came to see of files, by path; there may be none
    """

    root: Path
    dag_files: tuple[str, ...]
    version: str | None = None
    stats: Mapping[str, stat_result] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class BundleFolder:
    """A bundle as it is now: ``dag_files`` are the POSIX paths (relative to ``root``) that Airflow parses."""

    name: str
    root: Path
    dag_files: tuple[str, ...]


@dataclass(frozen=True)
class ServingFolders:
    """
    Where this machine keeps the trees of an environment; none of it need exist.

    :param base: everything is below it
    :param current: link to the tree that the dag processor of this machine serves
    :param tracking: trees by commit, to which ``current`` points
    :param pinned: trees by commit, for runs that began with them
    """

    base: Path
    current: Path
    tracking: Path
    pinned: Path
