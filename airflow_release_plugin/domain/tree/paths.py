"""
Which names of files can travel: from the source into the store, into bundles, and onto any machine.

One rule for all doors. A name that is accepted when it is submitted is accepted everywhere after that.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from airflow_release_plugin.messages import Message

MANIFEST = ".release-manifest"
"""File that a served tree carries beside the released ones; no release has anything whose name begins so."""

LONGEST_PATH = 1000
"""Characters of a path."""
_LONGEST_PART = 255
"""Bytes of a part of it: what file systems hold."""
_DEEPEST = 64
_SURELY_SHORT = 120
"""Characters; a path within it cannot be too long or too deep."""

# macOS ignores these in names, Windows strips dots and spaces: `.git` in disguise, which git refuses too.
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# Names that need no further look: nearly all, and trees have thousands of them
_PLAIN = re.compile(r"(?!.*__pycache__)\w[\w.-]*(?<!\.)(?:/\w[\w.-]*(?<!\.))*", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:/")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def path_problem(path: str) -> str:
    """
    Why a file of that path (POSIX, relative) cannot travel, to follow a colon; empty if it can.

    A colon is fine (``a:b.py``): Airflow serves such a file wherever it runs. What Windows would take for a
    whole drive (``c:/x.py``) is not.
    """
    if len(path) <= _SURELY_SHORT and _PLAIN.fullmatch(path):
        return ""
    try:
        path.encode()
    except UnicodeEncodeError:
        return Message("it is not valid UTF-8")
    parts = path.split("/")
    return _form_problem(path, parts) or _length_problem(path, parts) or _meaning_problem(parts)


def _form_problem(path: str, parts: list[str]) -> str:
    if path.startswith("/"):
        return Message("it is absolute")
    if _DRIVE.match(path):
        return Message("it begins with the letter of a drive")
    if "\\" in path:
        return Message("it contains a backslash")
    if _CONTROL.search(path):
        return Message("it contains a control character")
    return (
        Message("it has an empty, '.' or '..' part") if any(part in {"", ".", ".."} for part in parts) else ""
    )


def _length_problem(path: str, parts: list[str]) -> str:
    if len(path) > LONGEST_PATH or any(len(part.encode()) > _LONGEST_PART for part in parts):
        return Message(
            "it is longer than %(most)s characters, or a part of it than %(most_bytes)s bytes",
            most=LONGEST_PATH,
            most_bytes=_LONGEST_PART,
        )
    return Message("it lies more than %(most)s folders deep", most=_DEEPEST) if len(parts) > _DEEPEST else ""


def _meaning_problem(parts: list[str]) -> str:
    if any(map(_is_git_folder, parts)):
        return Message("it names a .git folder")
    if "__pycache__" in parts:
        return Message("it lies in __pycache__, which Python makes anew")
    return (
        Message("names that begin with %(manifest)s are reserved", manifest=MANIFEST)
        if parts[0].startswith(MANIFEST)
        else ""
    )


def clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """
    Two paths that cannot both be files everywhere, if there are any.

    They are equal but for case or Unicode form, or one is a folder on the way to the other.
    """
    files: dict[str, str] = {}
    for path in paths:
        folded = _folded(path)
        if folded in files:
            return files[folded], path
        files[folded] = path
    for folded, path in files.items():
        folder = folded.rpartition("/")[0]
        while folder:
            if folder in files:
                return files[folder], path
            folder = folder.rpartition("/")[0]
    return None


def _folded(path: str) -> str:
    """One form for all spellings: Unicode's own for matching without case (D145)."""
    plain = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).casefold())


def _is_git_folder(part: str) -> bool:
    plain = _INVISIBLE.sub("", part).casefold().split(":")[0].rstrip(" .")
    return plain in {".git", "git~1"}
