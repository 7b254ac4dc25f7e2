"""
A tree that is served no longer becomes the next one: what both have stays, and costs no link.

What stays is what the next tree would link: the very inode of the cache. A name that anybody put there, a
file that anybody replaced, and byte code of what changed go.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Container

BYTE_CODE = re.compile(r"(.+?)\.\w+-\d+(?:\.opt-\w+)?\.pyc")
_CACHE = "__pycache__"


def keep_same(tree: str, is_same: Callable[[str, int], bool], folders: Container[str]) -> set[str]:
    """
    Remove from a tree what the next one has not; paths of the files that stay.

    :param is_same: whether the next tree has at this path the file with this inode
    :param folders: of the next tree
    """
    same: set[str] = set()
    byte_code: list[str] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        prefix = f"{folder}/" if folder else ""
        with os.scandir(f"{tree}/{folder}") as entries:
            for entry in list(entries):
                path = prefix + entry.name
                if not entry.is_dir(follow_symlinks=False):
                    if is_same(path, entry.inode()):
                        same.add(path)
                    else:
                        os.unlink(entry.path)  # noqa: PTH108
                elif path in folders:
                    waiting.append(path)
                elif entry.name == _CACHE:
                    byte_code.append(prefix)
                else:
                    shutil.rmtree(entry.path)
    for prefix in byte_code:
        _keep_byte_code(f"{tree}/{prefix}{_CACHE}", prefix, same)
    return same


def _keep_byte_code(cache: str, prefix: str, same: Container[str]) -> None:
    """What has the size and the second of a changed file would run in its place."""
    with os.scandir(cache) as entries:
        for entry in list(entries):
            match = BYTE_CODE.fullmatch(entry.name)
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            elif not match or f"{prefix}{match[1]}.py" not in same:
                os.unlink(entry.path)  # noqa: PTH108
