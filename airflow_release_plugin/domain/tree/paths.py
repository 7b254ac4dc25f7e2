"""Paths of files in a tree: which may be kept anywhere, and which would meet on some file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# macOS ignores these in names, Windows strips dots and spaces: `.git` in disguise, which git refuses too.
_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# Names that need no further look: nearly all, and trees have thousands of them
_PLAIN = re.compile(r"\w[\w.-]*(?<!\.)(?:/\w[\w.-]*(?<!\.))*", re.ASCII)
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_LONGEST_PATH = 1000
_LONGEST_PART = 255
_DEEPEST = 64


def path_problem(path: str) -> str:
    """Why ``path`` must not be part of a tree, to follow a colon; empty if it may be."""
    if _PLAIN.fullmatch(path):
        return ""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    parts = path.split("/")
    if path.startswith("/"):
        return "it is absolute"
    if "\\" in path or "\x00" in path:
        return "it contains a backslash or NUL"
    if any(part in {"", ".", ".."} for part in parts):
        return "it has an empty, '.' or '..' part"
    return "it names a .git folder" if any(map(_is_git_folder, parts)) else ""


def portable_path_problem(path: str) -> str:
    """The same for a tree that goes to a computer that we do not know."""
    if _DRIVE.match(path):
        return "it begins with the letter of a drive"
    parts = path.split("/")
    if len(path) > _LONGEST_PATH or any(len(part.encode(errors="replace")) > _LONGEST_PART for part in parts):
        return f"it is longer than {_LONGEST_PATH} characters, or a part of it than {_LONGEST_PART} bytes"
    if len(parts) > _DEEPEST:
        return f"it lies more than {_DEEPEST} folders deep"
    problem = path_problem(path)
    return "it contains a control character" if not problem and _CONTROL.search(path) else problem


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
