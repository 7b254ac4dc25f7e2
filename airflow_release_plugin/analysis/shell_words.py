"""What a command line names: scripts, their arguments, and modules that Python runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from airflow_release_plugin.analysis.evaluation.values import ELSEWHERE, PLACE

_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"';&|()<>`])+|[;&|()<>`\n]""")
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_VARIABLE = re.compile(r"\$\{?\w+\}?")
_ENDS = frozenset(";&|()\n`")


class ShellNames(NamedTuple):
    """
    What a command line names.

    :param paths: words that may be paths, below the folder that ``cd`` went to before
    :param entered: folders that ``cd`` goes to
    :param modules: dotted names after ``python -m``
    """

    paths: tuple[str, ...]
    entered: tuple[str, ...]
    modules: tuple[str, ...]


def shell_names(command: str) -> ShellNames:
    """Read a command line; templates and variables in it count as unknown parts."""
    paths: dict[str, None] = {}
    modules: dict[str, None] = {}
    entered: dict[str, None] = {}
    folder, before = "", ""
    for word in _words(command):
        if word in _ENDS:
            before = word
            continue
        if before in {"cd", "pushd"}:
            folder = word if word.startswith("/") or not folder else posixpath.join(folder, word)
            entered[folder] = None
        elif before == "-m" and re.fullmatch(r"[A-Za-z_][\w.]*", word):
            modules[word] = None
        else:
            for part in _parts(word):
                is_relative = folder and part[:1] not in {"/", ELSEWHERE, PLACE}
                paths[posixpath.join(folder, part) if is_relative else part] = None
                paths[part] = None
        before = word
    return ShellNames(tuple(paths), tuple(entered), tuple(modules))


def _words(command: str) -> Iterator[str]:
    plain = _VARIABLE.sub(PLACE, _JINJA.sub(ELSEWHERE, command))
    for found in _WORD.finditer(plain.replace("\\\n", " ")):
        yield found[0].replace('"', "").replace("'", "") or " "


def _parts(word: str) -> Iterator[str]:
    """The word, or what stands after ``--option=`` and ``NAME=``, where it looks like a path."""
    name, equals, value = word.partition("=")
    for part in (value if equals and "/" not in name else word).split(","):
        text = part.removeprefix("@").removeprefix("file://")
        if "/" in text or "." in text[1:]:
            yield text
