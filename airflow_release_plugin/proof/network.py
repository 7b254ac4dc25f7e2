"""Takes the network away from a process: a namespace of its own, in which there is none."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000


def leave() -> bool:
    """
    Move this process, and with it its children, to where there is no network.

    To be called while there is one thread.

    Who may do so as they are (root) keep their rights over files. Others do it as themselves in a user
    namespace, which many containers and some distributions forbid.

    :return: whether the kernel allowed it
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NET) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_USER | _NEW_NET) != 0:
        return False
    with contextlib.suppress(OSError):  # without a map we are "nobody" by name, and nothing else
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True
