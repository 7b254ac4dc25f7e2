"""Shuts the process that runs DAG files in: what it may read, and no network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from airflow_release_plugin.messages import Message
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
    """The machine around the tree, as the process may see it."""

    areas: Areas
    confinement: Confinement


def clean_import_path(scratch: str, private: Iterable[PrivateFolder]) -> tuple[str, ...]:
    """
    Take out of this process's import path what is not installed, before anything is imported from there.

    :param scratch: folder that the process was started in
    :param private: folders that must not be read
    :return: entries of ``PYTHONPATH`` that were taken out: DAG code or Airflow's own folder is there
    """
    shut = _shut(private, installed.packages())
    # Python puts the working directory there for a program that is started as a module.
    sys.path[:] = [path for path in sys.path if not is_below(os.path.realpath(path), scratch)]
    kept = [path for path in sys.path if installed.without(shut, [os.path.realpath(path)])]
    dropped = tuple(path for path in sys.path if path not in kept)
    sys.path[:] = kept
    return dropped


def shut_in(
    tree: str, scratch: str, loading: str, private: Iterable[PrivateFolder], readable: Iterable[str]
) -> Surroundings:
    """
    Confine this process for good, as far as the kernel does it. To be called while there is one thread.

    :param tree: folder of the files that are checked, without links
    :param scratch: the only folder that may be written to, without links
    :param loading: the scratch in which Airflow was loaded: it takes that for its home
    :param private: folders that must not be read; what lies in an installed package is installed, not private
    :param readable: further folders and files that may be read
    """
    packages = installed.packages()
    shut = _shut(private, packages)
    around = [*packages, *installed.without(shut, installed.others(readable))]
    areas = [Area(path, AreaKind.INSTALLED) for path in around]
    areas += [Area(each.folder, AreaKind.PRIVATE, each.name, each.is_bundle) for each in shut]
    areas += [Area(scratch, AreaKind.SCRATCH), Area(loading, AreaKind.SCRATCH), Area(tree, AreaKind.TREE)]
    is_alone = network.leave([*packages, tree, scratch])
    allowed = chain(installed.rights(around, shut, scratch, tree), [(loading, landlock.READ)])
    return Surroundings(Areas(areas), _confine(allowed, is_alone=is_alone))


def _shut(private: Iterable[PrivateFolder], packages: Sequence[str]) -> list[PrivateFolder]:
    return [each for each in private if not any(is_below(each.folder, package) for package in packages)]


def _confine(allowed: Iterable[tuple[str, int]], *, is_alone: bool) -> Confinement:
    try:
        version = landlock.confine(allowed)
    except OSError as error:
        reason = _why_not(error)
        return Confinement(network=ALL_OF_IT if is_alone else NONE_OF_IT, reason=reason)
    if is_alone:
        return Confinement(files=True, network=ALL_OF_IT)
    if version >= _TCP_SINCE:
        reason = Message("what is no TCP, since this worker can have no network namespace")
        return Confinement(True, ONLY_TCP, reason)
    reason = Message(
        "the network, since this worker can have no network namespace and its kernel is older than 6.7"
    )
    return Confinement(True, NONE_OF_IT, reason)


def _why_not(error: OSError) -> str:
    if sys.platform != "linux":
        return Message("only Linux confines, and this worker runs on %(platform)s", platform=sys.platform)
    return Message(
        "%(error)s; Linux has it since 5.13, unless it is switched off or a container forbids it", error=error
    )
