"""Takes the network away from a process: a namespace of its own, in which there is none."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000


def leave(needed: Sequence[str]) -> bool:
    """
    Move this process, and with it its children, to where there is no network.

    To be called while there is one thread.

    Who may do so as they are (root) keep their rights over files. Others do it as themselves in a user
    namespace, which many containers and some distributions forbid. Rights that a container gives over files
    of other people are not valid there, so it is left alone if ``needed`` could not be read any more.

    :param needed: files and folders that must stay readable
    :return: whether it was possible
    """
    if sys.platform != "linux":
        return False
    if ctypes.CDLL(None).unshare(_NEW_NET) == 0:
        return True
    # There is no way back, so a child tries it first.
    if (child := os.fork()) == 0:
        is_fine = _leave_as_oneself() and all(os.access(path, os.R_OK) for path in needed)
        os._exit(0 if is_fine else 1)
    return os.waitpid(child, 0)[1] == 0 and _leave_as_oneself()


def _leave_as_oneself() -> bool:
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    with contextlib.suppress(OSError):  # without a map we are "nobody" by name, and nothing else
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True
