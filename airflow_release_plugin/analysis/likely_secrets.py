"""Places in files where a secret may be written down. Says where and of what kind, never the secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import PurePosixPath

MAX_FINDINGS = 100
"""Of one file: who has that many looks at the whole file anyway."""


class SecretKind(str, Enum):
    """What it looks like."""

    PRIVATE_KEY = "private key"
    """A PEM or PGP block."""
    CLOUD_KEY = "cloud access key"
    """An access key of AWS, Google or Azure."""
    SERVICE_TOKEN = "service token"  # noqa: S105
    """A token whose form tells which service takes it, or a JWT."""
    URL_PASSWORD = "password in a URL"  # noqa: S105
    """``scheme://user:password@host``."""
    ASSIGNED = "password or token as a literal"
    """Text that is given to something that is named like a secret."""
    RANDOM = "text that looks random"
    """Long, of mixed letters and digits, and without a pattern."""


@dataclass(frozen=True, order=True)
class LikelySecret:
    """
    One place.

    :param line: counted from 1
    """

    path: str
    line: int
    kind: SecretKind


# Every repetition is bounded or guarded: files are whatever people have, and the time must not explode.
_START = rb"(?<![\w-])"
_NAMED = (
    rb"(?i:passw(?:or)?d|passphrase|pwd|secret|token|api_?key|access_?key|account_?key|private_?key|"
    rb"fernet_?key|credentials?)"
)
_GIVEN = rb"[\"']?\]?[ \t]{0,8}(?::[ \t]{0,8}[\w.\[\] |]{1,40}=|=(?!=)|:)[ \t]{0,8}"
_LITERAL = re.compile(_NAMED + _GIVEN + rb"[rbu]?([\"'])([^\"'\s]{6,200})\1")
_BARE = re.compile(
    rb"(?m:^)[\w.\- \t]{0,80}" + _NAMED + rb"[ \t]{0,8}[=:][ \t]{0,8}([^\"'\s#;,]{6,200})[ \t\r]*(?m:$)"
)
_BARE_SUFFIXES = frozenset({".env", ".ini", ".cfg", ".conf", ".properties", ".yaml", ".yml", ".toml"})
_URL = re.compile(rb"://[^\s:/@\"'<>{}$]{0,100}:([^\s/@\"'<>{}$]{1,200})@")
_RANDOM = re.compile(rb"[\"'=]([A-Za-z0-9+/_-]{32,200}={0,2})(?=[\"'\s]|\Z)")
_PLACEHOLDER = re.compile(
    rb"(?i)[*x.\-_#?]+|.*[{}<>].*|[$%].*|\\[$%].*|(?:arn|vault|env|file|ssm|projects)[:/].*|"
    rb"(?:your|my|the|some|change|replace|insert|example|dummy|fake|test)[\w\-]*|none|null|true|false|"
    + _NAMED
)
_BY_FORM = (
    (SecretKind.PRIVATE_KEY, re.compile(rb"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")),
    (
        SecretKind.CLOUD_KEY,
        re.compile(
            _START
            + rb"(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|AccountKey=[A-Za-z0-9+/]{80,90}={0,2})(?![\w-])"
        ),
    ),
    (
        SecretKind.SERVICE_TOKEN,
        re.compile(
            _START + rb"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}|glpat-[\w-]{20,64}|"
            rb"npm_[A-Za-z0-9]{36}|xox[abeoprs]-[\w-]{10,255}|[sr]k_live_[A-Za-z0-9]{16,255}|pypi-AgEI[\w-]{50,255}|"
            rb"dapi[0-9a-f]{32}|SG\.[\w-]{22}\.[\w-]{43}|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10,1000})(?![\w-])"
        ),
    ),
)


def find_likely_secrets(data: bytes, *, path: str) -> tuple[LikelySecret, ...]:
    """Return at most 100 places in a file, by line. It guesses: some are missed, some are none."""
    found = {
        LikelySecret(path, data.count(b"\n", 0, position) + 1, kind)
        for positions, kind in _searches(data, path)
        for position, _ in zip(positions, range(MAX_FINDINGS), strict=False)
    }
    # Text that was recognised needs no second mention because it looks random too.
    known = {place.line for place in found if place.kind is not SecretKind.RANDOM}
    kept = (place for place in found if place.kind is not SecretKind.RANDOM or place.line not in known)
    return tuple(sorted(kept, key=lambda place: (place.line, place.kind.value))[:MAX_FINDINGS])


def _searches(data: bytes, path: str) -> Iterator[tuple[Iterator[int], SecretKind]]:
    for kind, pattern in _BY_FORM:
        yield (match.start() for match in pattern.finditer(data)), kind
    yield _places(_URL, data, 1, _is_meant), SecretKind.URL_PASSWORD
    yield _places(_LITERAL, data, 2, _is_meant), SecretKind.ASSIGNED
    if PurePosixPath(path).suffix in _BARE_SUFFIXES or PurePosixPath(path).name.startswith(".env"):
        yield _places(_BARE, data, 1, _is_meant), SecretKind.ASSIGNED
    yield _places(_RANDOM, data, 1, _looks_random), SecretKind.RANDOM


def _places(
    pattern: re.Pattern[bytes], data: bytes, group: int, accept: Callable[[bytes], bool]
) -> Iterator[int]:
    return (match.start(group) for match in pattern.finditer(data) if accept(match[group]))


def _is_meant(value: bytes) -> bool:
    """Whether one could log in with it: it is no blank to fill in, and no name of where the secret is."""
    return not _PLACEHOLDER.fullmatch(value)


def _looks_random(text: bytes) -> bool:
    """Whether small and big letters and digits take turns as in no word; hashes in hexadecimal do not."""
    kinds = text.rstrip(b"=").translate(_KIND_OF_LETTER)
    turns = sum(one != other for one, other in pairwise(kinds))
    return {*b"aA0"} <= {*kinds} and turns >= len(kinds) * _TURNS


_TURNS = 0.4
"""Of two neighbours; random text has 0.65 on average, glued words less than 0.3."""
_KIND_OF_LETTER = bytes(
    ord("a" if chr(code).islower() else "A" if chr(code).isupper() else "0" if chr(code).isdigit() else "-")
    for code in range(256)
)
