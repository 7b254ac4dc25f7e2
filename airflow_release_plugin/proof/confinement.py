"""Shuts the process that runs DAG files in, before it loads Airflow: what it may read, and no network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_release_plugin.proof import installed, landlock, network
from airflow_release_plugin.proof.areas import Area, AreaKind, Areas, is_below
from airflow_release_plugin.proof.observation import (
    ALL_OF_IT,
    NONE_OF_IT,
    ONLY_TCP,
    Confinement,
    PrivateFolder,
)

_TCP_SINCE = 4


@dataclass(frozen=True)
class Surroundings:
    """
    The machine around the tree, as the process may see it.

    :param dropped: entries of ``PYTHONPATH`` that were taken out: DAG code or Airflow's own folder is there
    """

    areas: Areas
    confinement: Confinement
    dropped: tuple[str, ...]


def shut_in(
    tree: str, scratch: str, private: Iterable[PrivateFolder], readable: Iterable[str]
) -> Surroundings:
    """
    Confine this process for good, as far as the kernel does it. To be called while there is one thread.

    :param tree: folder of the files that are checked, without links
    :param scratch: the only folder that may be written to, without links
    :param private: folders that must not be read; what lies in an installed package is installed, not private
    :param readable: further folders and files that may be read
    """
    packages = installed.packages()
    shut = [each for each in private if not any(is_below(each.folder, package) for package in packages)]
    dropped = _clean_import_path(scratch, shut)
    around = [*packages, *installed.without(shut, installed.others(readable))]
    areas = [Area(path, AreaKind.INSTALLED) for path in around]
    areas += [Area(each.folder, AreaKind.PRIVATE, each.name, each.is_bundle) for each in shut]
    areas += [Area(scratch, AreaKind.SCRATCH), Area(tree, AreaKind.TREE)]
    is_alone = network.leave([*packages, tree, scratch])
    confinement = _confine(installed.rights(around, shut, scratch, tree), is_alone=is_alone)
    return Surroundings(Areas(areas), confinement, dropped)


def _clean_import_path(scratch: str, private: Sequence[PrivateFolder]) -> tuple[str, ...]:
    # Python puts the working directory there for a program that is started as a module.
    sys.path[:] = [path for path in sys.path if not is_below(os.path.realpath(path), scratch)]
    kept = [path for path in sys.path if installed.without(private, [os.path.realpath(path)])]
    dropped = tuple(path for path in sys.path if path not in kept)
    sys.path[:] = kept
    return dropped


def _confine(allowed: Iterable[tuple[str, int]], *, is_alone: bool) -> Confinement:
    try:
        version = landlock.confine(allowed)
    except OSError as error:
        reason = _why_not(error)
        return Confinement(network=ALL_OF_IT if is_alone else NONE_OF_IT, reason=reason)
    if is_alone:
        return Confinement(files=True, network=ALL_OF_IT)
    if version >= _TCP_SINCE:
        reason = "what is no TCP, since this worker can have no network namespace"
        return Confinement(True, ONLY_TCP, reason)
    reason = "the network, since this worker can have no network namespace and its kernel is older than 6.7"
    return Confinement(True, NONE_OF_IT, reason)


def _why_not(error: OSError) -> str:
    if sys.platform != "linux":
        return f"only Linux confines, and this worker runs on {sys.platform}"
    return f"{error}; Linux has it since 5.13, unless it is switched off or a container forbids it"
