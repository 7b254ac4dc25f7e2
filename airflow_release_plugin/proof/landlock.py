"""
Takes the rights of a process away for good with Landlock, Linux's way for programs without special rights.

What the kernel offers grows by ABI, its number for that: 1 since Linux 5.13 (files), 4 since 6.7 (TCP), 6
since 6.12 (signals and abstract sockets). Newer kernels get the rules of the newest that is known here.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = (
    444,
    445,
    446,
)  # the same on every processor that Linux runs on now
_ASK_VERSION, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
REMOVE_FILE, MAKE_REG = 1 << 5, 1 << 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
USE = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV
"""Reading and writing what is there, and making nothing."""
MAKE_NAMED = USE | MAKE_REG | REMOVE_FILE
"""Making, using and removing files whose names are known; no list of them."""
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_RIGHTS_BY_ABI = ((5, 1 << 16), (3, 1 << 15), (2, 1 << 14), (1, 1 << 13))
_TCP = 0b11
"""Binding and connecting."""
_SCOPED = 0b11
"""Abstract sockets, and signals to processes outside."""


def abi() -> int:
    """What this kernel offers; 0 where Landlock is missing, switched off, or forbidden by a container."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    except OSError:
        return 0


def everything(version: int) -> int:
    """All rights over files that the kernel of this ABI knows."""
    return next(end - 1 for least, end in _RIGHTS_BY_ABI if version >= least)


def confine(allowed: Iterable[tuple[str, int]]) -> int:
    """
    Leave this process, its threads to come and its children nothing but ``allowed``; there is no way back.

    To be called while there is one thread. TCP, signals and abstract sockets go as well where the kernel can.

    :param allowed: files and folders with rights over them and all below; what does not exist is left out
    :return: the ABI that was used
    :raises OSError: the kernel does not do it
    """
    version = abi()
    if version == 0:
        raise OSError("this kernel offers no Landlock")
    handled = everything(version)
    wanted = (handled, _TCP if version >= 4 else 0, _SCOPED if version >= 6 else 0)
    attributes = struct.pack("QQQ", *wanted)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for path, rights in allowed:
            _allow(ruleset, path, rights & handled)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs was refused")
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, opened)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return answer
