"""Operations on strings of which parts may be unknown."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Many
from string import Formatter

from airflow_release_plugin.analysis.evaluation.values import (
    ANYTHING,
    ELSEWHERE,
    HOLES,
    MAX_ALTERNATIVES,
    MAX_TEXT,
    UNKNOWN,
    Listing,
    Mapping,
    Sequence,
    Value,
    Values,
    merged,
    text_of,
)

_PERCENT = re.compile(r"%(?:\((\w+)\))?[-#0 +]*\d*(?:\.\d+)?([sdifrx%])")


def combined(parts: Many[Values], join: Callable[[Iterable[str]], str]) -> Values:
    """
    What ``join`` makes of every choice of one value for each part.

    Where these are too many, the parts with most values count as unknown.
    """
    lists = [list(dict.fromkeys(text_of(value) for value in part)) for part in parts]
    while math.prod(len(part) for part in lists) > MAX_ALTERNATIVES:
        longest = max(range(len(lists)), key=lambda index: len(lists[index]))
        lists[longest] = [UNKNOWN]
    return merged((join(choice)[:MAX_TEXT],) for choice in itertools.product(*lists))


def added(left: Values, right: Values) -> Values:
    """What ``left + right`` may stand for."""
    if any(isinstance(value, Sequence) for value in (*left, *right)):
        return tuple(
            Sequence((*_items(one), *_items(other))) for one, other in itertools.product(left[:8], right[:8])
        )
    if any(isinstance(value, Listing) for value in (*left, *right)):
        return merged([left, right])
    if all(isinstance(value, int) for value in (*left, *right)):
        return merged((one + other,) for one, other in itertools.product(left[:20], right[:20]))
    return combined([left, right], "".join)


def _items(value: Value) -> tuple[Values, ...]:
    return value.items if isinstance(value, Sequence) else ((value,),)


def percent(left: Values, right: Values) -> Values:
    """What ``left % right`` may stand for."""
    return merged(_percent(text, value) for text in left for value in right if isinstance(text, str))


def _percent(text: str, value: Value) -> Values:
    given = iter(value.items) if isinstance(value, Sequence) else iter([(value,)])
    parts: list[Values] = []
    position = 0
    for found in _PERCENT.finditer(text):
        parts.append((text[position : found.start()],))
        position = found.end()
        if found[2] == "%":
            parts.append(("%",))
        elif found[1]:
            parts.append(value.get(found[1]) if isinstance(value, Mapping) else ANYTHING)
        else:
            parts.append(next(given, ANYTHING))
    return combined([*parts, (text[position:],)], "".join)


def with_format(values: Values, specs: Values) -> Values:
    """What ``f"{value:spec}"`` may stand for: of whole numbers only."""
    spec = specs[0]
    if len(specs) != 1 or not isinstance(spec, str) or spec[-1:] not in {"d", "x", "o", "b"}:
        return ANYTHING
    return tuple(format(value, spec) if isinstance(value, int) else UNKNOWN for value in values)


def formatted(text: str, positional: Many[Values], named: dict[str, Values], others: Values) -> Values:
    """What ``text.format(…)`` may stand for; ``others`` are values of names that are not given."""
    counter = itertools.count()
    parts: list[Values] = []
    try:
        for literal, name, spec, _ in Formatter().parse(text):
            parts.append((literal,))
            if name is None:
                continue
            key = name or str(next(counter))
            if spec:
                parts.append(ANYTHING)
            elif key.isdigit():
                parts.append(positional[int(key)] if int(key) < len(positional) else ANYTHING)
            else:
                parts.append(named.get(key, others or ANYTHING))
    except ValueError:
        return ANYTHING
    return combined(parts, "".join)


def with_holes(text: str) -> Iterator[str]:
    """Parts of a text between what is not known."""
    return (part for part in re.split(f"[{HOLES}]", text) if part)


def is_elsewhere(value: Value) -> bool:
    """Whether a string starts with what is certainly no file of the source."""
    return isinstance(value, str) and value.startswith(ELSEWHERE)
