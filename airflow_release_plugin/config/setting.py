"""What an option of the ``[release]`` section is; calling it reads what is in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

SECTION = "release"
FIRST_VERSION = "0.1.0"
_YES = frozenset({"true", "1", "yes", "t"})

T = TypeVar("T")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """
    One option, declared once.

    :param kind: as Airflow names it: ``string``, ``boolean``, ``integer`` or ``float``
    :param default: as it would stand in ``airflow.cfg``
    :param read: makes a value of the text; raises ``ValueError`` where that is none
    :param choices: values that it may have; none for any
    :param is_secret: whether Airflow masks it, and takes it from a command or a secrets backend as well
    """

    name: str
    kind: str
    default: str
    description: str
    read: Callable[[str], T]
    example: str | None = None
    choices: tuple[str, ...] = ()
    is_secret: bool = False
    version_added: str = FIRST_VERSION

    def __call__(self) -> T:
        """Return the value that is in force. Raises ``ValueError``."""
        from airflow.configuration import conf

        return self.read(str(conf.get(SECTION, self.name, fallback=self.default)).strip())

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


def flag(name: str, default: bool, description: str) -> Setting[bool]:
    """An option that is on or off."""
    return Setting(name, "boolean", str(default), description, lambda given: given.lower() in _YES)


def whole(name: str, default: int, description: str) -> Setting[int]:
    """A whole number."""
    return Setting(name, "integer", str(default), description, int)


def seconds(name: str, default: int, description: str) -> Setting[float]:
    """A span of time."""
    return Setting(name, "float", str(default), description, float)


def folder(name: str, default: str, description: str, *, example: str) -> Setting[Path]:
    """
    A folder.

    :param default: its name below ``$AIRFLOW_HOME/release``, where the option is empty
    """

    def read(given: str) -> Path:
        if given:
            return Path(given).expanduser()
        from airflow.configuration import AIRFLOW_HOME

        return Path(AIRFLOW_HOME) / SECTION / default

    return Setting(name, "string", "", description, read, example)
