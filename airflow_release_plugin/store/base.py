"""Commits and refs as the product names them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from airflow_release_plugin.exceptions import InvalidRequestError

_LONGEST_PART = 200
"""Characters of a ref component: file systems allow 255 bytes, and git needs room for ``.lock``."""


@dataclass(frozen=True)
class CommitFacts:
    """
    A commit.

    :param id: 40 hex digits
    :param parents: ids; the history of an environment is linear, so none or one
    :param trailers: ``(key, value)`` in order; a key may repeat
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    title: str
    body: str
    trailers: tuple[tuple[str, str], ...]
    author: str
    time: datetime


@dataclass(frozen=True)
class CommitMessage:
    """Title, optional body, and trailers (``Release``, ``Kind``, ``Requested-by``, …) of a commit to make."""

    title: str
    body: str = ""
    trailers: tuple[tuple[str, str], ...] = field(default_factory=tuple)


HEADS = "refs/heads/"
"""What the refs of environments begin with."""
TAGS = "refs/tags/"
"""What the refs of releases begin with."""
MIRRORED = (HEADS, TAGS)
"""What a mirror has of the store: environments and releases."""


def environment_ref(environment: str) -> str:
    """Ref of the branch that an environment serves."""
    return f"{HEADS}{environment}"


def tag_ref(number: str) -> str:
    """Ref that marks the commit of a release."""
    return f"{TAGS}{number}"


def snapshot_ref(tree: str) -> str:
    """Ref that keeps a whole source tree as it was when something of it was submitted."""
    return f"refs/snapshots/{tree}"


def import_ref(bundle_id: str) -> str:
    """Ref that keeps the files of an imported bundle as they were signed."""
    return f"refs/imports/{_escaped(bundle_id)}"


def submission_ref(unit_name: str, version: int) -> str:
    """
    Ref that keeps version ``version`` (1, 2, …) of a unit, ``refs/submissions/<escaped name>/<version>``.

    Everything but letters, digits, ``-`` and ``_`` is percent-encoded. A name that is then too long for a
    file system goes on in further components that start with ``+``.
    """
    if not unit_name or version < 1:
        raise InvalidRequestError(
            "%(name)r v%(version)s is not a submission: it needs a name and a version.",
            name=unit_name,
            version=version,
        )
    escaped = _escaped(unit_name)
    parts = [escaped[start : start + _LONGEST_PART] for start in range(0, len(escaped), _LONGEST_PART)]
    return f"refs/submissions/{'/+'.join(parts)}/{version}"


def _escaped(name: str) -> str:
    raw = name.encode(errors="surrogatepass")
    return "".join(chr(c) if re.match(rb"[A-Za-z0-9_-]", bytes([c])) else f"%{c:02X}" for c in raw)
