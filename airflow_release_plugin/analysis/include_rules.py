"""``release.toml``: files that a unit needs although its code does not name them literally."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.analysis.globs import glob_expression
from airflow_release_plugin.exceptions import UnitError
from airflow_release_plugin.messages import Message

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]  # exists only where it is needed

RULES_FILE = "release.toml"
_KEYS = {"dags", "files"}


@dataclass(frozen=True)
class IncludeRule:
    """Units whose DAG file matches one of ``dags`` also contain what matches one of ``files``."""

    dags: tuple[str, ...]
    files: tuple[str, ...]
    line: int

    def applies_to(self, entry: str) -> bool:
        """Whether the DAG file at this path gets the rule's files."""
        return any(glob_expression(pattern).fullmatch(entry) for pattern in self.dags)


@dataclass(frozen=True)
class IncludeRules:
    """All rules of a ``release.toml``; ``error`` says why there are none."""

    rules: tuple[IncludeRule, ...] = ()
    error: str = ""

    def of(self, entry: str) -> tuple[IncludeRule, ...]:
        """Return the rules for one DAG file. Raises ``UnitError`` when the file could not be understood."""
        if self.error:
            raise UnitError(self.error, path=RULES_FILE)
        return tuple(rule for rule in self.rules if rule.applies_to(entry))


def parse_rules(data: bytes) -> IncludeRules:
    """Parse ``release.toml``; never raises, so that the answer can be kept for each content."""
    try:
        text = data.decode("utf-8")
        return IncludeRules(_rules(tomllib.loads(text), text))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return IncludeRules(
            error=Message("%(file)s line %(line)s: not valid UTF-8.", file=RULES_FILE, line=line)
        )
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else data.count(b"\n") + 1
        return IncludeRules(
            error=Message("%(file)s line %(line)s: %(error)s.", file=RULES_FILE, line=line, error=error)
        )
    except UnitError as error:
        return IncludeRules(error=error.message)


def _rules(document: dict[str, Any], text: str) -> tuple[IncludeRule, ...]:
    for key in document:
        if key != "include":
            raise _error(
                _line_of(text, rf"\[*\s*{re.escape(key)}\b"),
                Message("unknown key %(key)r; use [[include]]", key=key),
            )
    tables = document.get("include", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _error(
            _line_of(text, r"\[*\s*include\b"), Message("'include' must be written as [[include]] tables")
        )
    return tuple(_rule(table, text, number) for number, table in enumerate(tables))


def _rule(table: dict[str, Any], text: str, number: int) -> IncludeRule:
    line = _line_of(text, r"\[\[\s*include\s*\]\]", number)
    for key in table:
        if key not in _KEYS:
            raise _error(
                line, Message("[[include]] has an unknown key %(key)r; known are 'dags' and 'files'", key=key)
            )
    return IncludeRule(_patterns(table, "dags", line), _patterns(table, "files", line), line)


def _patterns(table: dict[str, Any], key: str, line: int) -> tuple[str, ...]:
    value = table.get(key)
    patterns = [value] if isinstance(value, str) else value
    if not isinstance(patterns, list) or not patterns or not all(isinstance(item, str) for item in patterns):
        raise _error(line, Message("[[include]] needs %(key)r: a glob or a list of globs", key=key))
    for pattern in patterns:
        if not pattern or pattern.startswith("/") or ".." in pattern.split("/") or "\\" in pattern:
            raise _error(
                line,
                Message(
                    "%(key)r has %(pattern)r; globs are relative to the root of the source, without '..'",
                    key=key,
                    pattern=pattern,
                ),
            )
    return tuple(patterns)


def _line_of(text: str, pattern: str, number: int = 0) -> int:
    starts = [found.start() for found in re.finditer(rf"^\s*{pattern}", text, re.MULTILINE)]
    where = starts[number] if number < len(starts) else 0
    return text.count("\n", 0, re.compile(r"\S|\Z").search(text, where).start()) + 1  # type: ignore[union-attr]


def _error(line: int, reason: str) -> UnitError:
    return UnitError("%(path)s line %(line)s: %(reason)s.", line=line, reason=reason, path=RULES_FILE)
