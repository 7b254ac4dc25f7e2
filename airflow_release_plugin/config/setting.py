"""What an option of the ``[release]`` section is; calling it reads what is in force."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

SECTION = "release"
FIRST_VERSION = "0.1.0"
_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}

T = TypeVar("T")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """
    One option, declared once.

    A value that makes no sense is no reason to stop: whatever asks for it, also beside requests, would end
    with an error that names no option. Something else counts, and ``health`` says which option it is.

    :param kind: as Airflow names it: ``string``, ``boolean``, ``integer`` or ``float``
    :param default: as it would stand in ``airflow.cfg``
    :param read: makes a value of the text; raises ``ValueError`` where that is none
    :param instead: what counts where the value makes no sense, if that is not the default
    :param choices: values that it may have; none for any
    :param is_secret: whether Airflow masks it, and takes it from a command or a secrets backend as well
    """

    name: str
    kind: str
    default: str
    description: str
    read: Callable[[str], T]
    example: str | None = None
    instead: str | None = None
    choices: tuple[str, ...] = ()
    is_secret: bool = False
    version_added: str = FIRST_VERSION

    def __call__(self) -> T:
        """Return the value that is in force."""
        try:
            return self.read(self._given())
        except ValueError:
            return self.read(self.default if self.instead is None else self.instead)

    def is_unreadable(self) -> bool:
        """Whether something else counts than what is set, since that is no value at all."""
        try:
            self.read(self._given())
        except ValueError:
            return True
        return False

    def _given(self) -> str:
        from airflow.configuration import conf

        return str(conf.get(SECTION, self.name, fallback=self.default)).strip()

    def described(self) -> dict[str, Any]:
        """The option as Airflow's ``provider_info.schema.json`` defines it."""
        return {
            "description": self.description,
            "version_added": self.version_added,
            "type": self.kind,
            "example": self.example,
            "default": self.default,
            "sensitive": self.is_secret,
        }


def text(
    name: str, default: str, description: str, *, example: str | None = None, is_secret: bool = False
) -> Setting[str]:
    """An option whose text is its value."""
    return Setting(name, "string", default, description, str, example, is_secret=is_secret)


def choice(name: str, choices: tuple[str, ...], description: str) -> Setting[str]:
    """One of several words, the first of them unless it is set; upper case counts as lower case."""
    return Setting(name, "string", choices[0], description, str.lower, choices=choices)


def names(
    name: str,
    default: str,
    description: str,
    *,
    example: str | None = None,
    or_else: Setting[frozenset[str]] | None = None,
) -> Setting[frozenset[str]]:
    """
    Names that are separated by commas.

    :param or_else: what counts where there are none
    """

    def read(given: str) -> frozenset[str]:
        found = frozenset(part.strip() for part in given.split(",") if part.strip())
        return found if found or or_else is None else or_else()

    return Setting(name, "string", default, description, read, example)


def flag(name: str, default: bool, description: str, *, instead: bool | None = None) -> Setting[bool]:
    """An option that is on or off; empty, it is not set."""

    def read(given: str) -> bool:
        if (value := _WORDS.get(given.lower() or str(default).lower())) is None:
            raise ValueError(given)
        return value

    other = None if instead is None else str(instead)
    return Setting(name, "boolean", str(default), description, read, instead=other)


def whole(name: str, default: int, description: str, *, instead: int | None = None) -> Setting[int]:
    """A whole number; empty, it is not set."""

    def read(given: str) -> int:
        return int(given or default)

    other = None if instead is None else str(instead)
    return Setting(name, "integer", str(default), description, read, instead=other)


def seconds(name: str, default: int, description: str) -> Setting[float]:
    """A span of time that a thread can wait; empty, it is not set."""

    def read(given: str) -> float:
        value = float(given or default)
        if not math.isfinite(value) or value > threading.TIMEOUT_MAX:
            raise ValueError(given)
        return value

    return Setting(name, "float", str(default), description, read)


def folder(name: str, default: str, description: str, *, example: str) -> Setting[Path]:
    """
    A folder.

    :param default: its name below ``$AIRFLOW_HOME/release``, where the option is empty
    """

    def read(given: str) -> Path:
        if given:
            try:
                return Path(given).expanduser()
            except RuntimeError as error:  # somebody's home, and nobody has that name
                raise ValueError(given) from error
        from airflow.configuration import AIRFLOW_HOME

        return Path(AIRFLOW_HOME) / SECTION / default

    return Setting(name, "string", "", description, read, example)
