"""What connections, variables, pools and queues of another installation are called here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_release_plugin.exceptions import InvalidRequestError

KINDS = ("connection", "variable", "pool", "queue")
_LONGEST = 250
_MOST = 2000


@dataclass(frozen=True)
class NameTable:
    """
    Names there and here, by kind; a name that is not in it is the same on both sides.

    :param names: ``{"connection": {"there": "here"}, …}``
    """

    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def here(self, kind: str, there: str) -> str:
        """What something is called here."""
        return self.names.get(kind, {}).get(there, there)

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        """``(kind, there, here)``, sorted."""
        return ((kind, *pair) for kind in sorted(self.names) for pair in sorted(self.names[kind].items()))

    def __bool__(self) -> bool:
        return any(self.names.values())

    def to_dict(self) -> dict[str, dict[str, str]]:
        """JSON values; :func:`name_table` reads them."""
        return {kind: dict(pairs) for kind, pairs in sorted(self.names.items()) if pairs}


def name_table(raw: Any) -> NameTable:
    """
    Read names as people or files give them. What would be called the same here as there is left out.

    :param raw: ``{"connection": {"there": "here"}, …}``
    :raises InvalidRequestError: an unknown kind, an empty or too long name, or no such shape
    """
    if not isinstance(raw, Mapping) or not all(isinstance(pairs, Mapping) for pairs in raw.values()):
        raise InvalidRequestError("Names are given by kind, each a mapping of the name there to that here.")
    unknown = sorted(map(str, raw.keys() - set(KINDS)))
    if unknown:
        raise InvalidRequestError(
            "Names of %(unknown)s cannot be mapped; those of %(kinds)s can.",
            unknown=list(unknown),
            kinds=list(KINDS),
        )
    if sum(map(len, raw.values())) > _MOST:
        raise InvalidRequestError("At most %(most)s names can be mapped.", most=_MOST)
    names: dict[str, dict[str, str]] = {}
    for kind, pairs in raw.items():
        for there, here in pairs.items():
            _require_name(kind, there)
            _require_name(kind, here)
            if there != here:
                names.setdefault(kind, {})[there] = here
    return NameTable(names)


def _require_name(kind: str, name: Any) -> None:
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise InvalidRequestError(
            "%(name)r is no name of a %(kind)s: give 1 to %(longest)s printable characters.",
            name=str(name)[:100],
            kind=kind,
            longest=_LONGEST,
        )
