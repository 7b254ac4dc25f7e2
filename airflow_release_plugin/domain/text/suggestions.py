"""Names that somebody may have meant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import get_close_matches

_COMMON = 1000
"""Three letters that more names than this share say nothing about any of them."""
_COMPARED = 50
_SIMILAR = 0.6


class NearNames:
    """Finds names that are spelled alike, among thousands, without comparing each with each."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_part: dict[str, list[str]] = defaultdict(list)
        for name in sorted(set(names)):
            for part in _parts(name):
                self._by_part[part].append(name)

    def near(self, wanted: str, *, limit: int = 3) -> tuple[str, ...]:
        """Return up to ``limit`` names that are like ``wanted``, the most similar first."""
        shared: Counter[str] = Counter()
        for part in _parts(wanted):
            names = self._by_part.get(part, ())
            if len(names) <= _COMMON:
                shared.update(names)
        spelled: dict[str, list[str]] = defaultdict(list)
        for name, _ in shared.most_common(_COMPARED):
            spelled[name.casefold()].append(name)
        similar = get_close_matches(wanted.casefold(), spelled, n=limit, cutoff=_SIMILAR)
        return tuple(name for folded in similar for name in spelled[folded])[:limit]


def _parts(name: str) -> set[str]:
    folded = f" {name.casefold()} "
    return {folded[start : start + 3] for start in range(len(folded) - 2)}
