"""What people write: how long it may be, and whom it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt

from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.exceptions import InvalidRequestError, TooLargeError

MAX_LETTERS = 10_000
"""Characters of one comment."""
MAX_COMMENTS = 1000
"""Comments on one release, those in threads included."""
MAX_MENTIONS = 20
"""People whom one comment can notify."""
_NO_BLANKS = (
    "\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Letters of scripts that put no blank between words, or none before what belongs to a name: 请@ann看."""
_OTHER_SCRIPT = re.compile(f"[{_NO_BLANKS}]")
_MENTION = re.compile(rf"(?<![^\W{_NO_BLANKS}])(?<![@/.])@(\w[\w.+@-]*)")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def require_words(text: str) -> str:
    """
    The text as it is kept, without blanks around it, each end of a line as one character.

    :raises InvalidRequestError: there are no words, or what no database can keep
    :raises TooLargeError: it is too long
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise InvalidRequestError("A comment needs words; this one is empty.")
    if len(text) > MAX_LETTERS:
        raise TooLargeError(
            "A comment has at most %(most)s characters; this one has %(number)s. Shorten "
            "it, or put the long part where it belongs and link to it.",
            most=f"{MAX_LETTERS:,}",
            number=f"{len(text):,}",
            limit=MAX_LETTERS,
        )
    if _UNSTORABLE.search(text):
        raise InvalidRequestError("A comment cannot hold NUL characters or half a surrogate pair.")
    return text


@dataclass(frozen=True)
class NamedPeople:
    """
    Whom a comment names with ``@``.

    :param people: those who are known, in the order of the text
    :param unknown: names that nobody has
    """

    people: tuple[Person, ...] = ()
    unknown: tuple[str, ...] = ()


def find_named(text: str, known: Mapping[str, Person]) -> NamedPeople:
    """
    Whom a Markdown text names; what stands in code, ``@task`` say, names nobody.

    :param known: people by login name
    """
    people: dict[str, Person] = {}
    unknown: dict[str, None] = {}
    for written in _written(text):
        # "Ask @ann." ends a sentence, unless somebody is called so.
        spelling = next((name for name in _spellings(written) if name in known), None)
        if spelling is None:
            unknown[(_before_other_script(written) or written).rstrip(".+@-")] = None
        else:
            people[known[spelling].id] = known[spelling]
    return NamedPeople(tuple(people.values()), tuple(unknown))


def _written(text: str) -> Iterator[str]:
    for token in _parser().parse(text):
        prose = ""
        for child in token.children or ():
            # Code and links end a word; pieces of text that follow each other are one.
            prose += child.content if child.type == "text" else "\n"
        yield from _MENTION.findall(prose)


def _spellings(written: str) -> Iterator[str]:
    """What may be the name: all of it, without what ends a sentence, or without the words that follow it."""
    for end in range(len(written), 0, -1):
        following = written[end:].lstrip(".+@-")
        if not following or _OTHER_SCRIPT.match(following):
            yield written[:end]


def _before_other_script(written: str) -> str:
    """What stands before the first letter of a script without blanks; nothing if it begins with one."""
    return _OTHER_SCRIPT.split(written, maxsplit=1)[0]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).disable("image").enable("table")
