"""What a comment may be, and whom it names."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.discussion.words import MAX_LETTERS, find_named, require_words
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.exceptions import InvalidRequestError, TooLargeError

pytestmark = pytest.mark.req("R91")
KNOWN = {
    name: Person(name, name) for name in ("ann", "dev.", "bob_b_c", "a.b@c.org", "zoë", "李雷", "task", "x-y")
}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann look", ["ann"]),
        ("Ask @ann, please.", ["ann"]),
        ("Ask @ann.", ["ann"]),
        ("Ask @dev. now", ["dev."]),
        ("**@ann** (@zoë) @李雷", ["ann", "zoë", "李雷"]),
        ("@bob_b_c and @x-y", ["bob_b_c", "x-y"]),
        ("@a.b@c.org!", ["a.b@c.org"]),
        ("@ann @ann", ["ann"]),
        ("请@ann看一下。@zoë，你也看", ["ann", "zoë"]),  # no blanks: nobody types them in Chinese
        ("请@李雷看一下", ["李雷"]),
        ("@annie @ann-b x请@a.b@c.org。", ["a.b@c.org"]),
        ("- a list\n  - @ann", ["ann"]),
        ("| a |\n|---|\n| @ann |", ["ann"]),
        ("mail x@ann", []),
        ("https://example.org/@ann", []),
        ("`@task` and\n```\n@ann\n```\n", []),
        ("    @task\n", []),
        ("<b>@ann</b>", ["ann"]),
        ("@", []),
    ],
)
def test_people_are_named_in_prose_and_never_in_code(text: str, names: list[str]) -> None:
    assert [person.name for person in find_named(text, KNOWN).people] == names


def test_names_that_nobody_has_are_told() -> None:
    assert find_named("@ann @nobody. @Ann @bob看 @韩梅梅", KNOWN).unknown == (
        "nobody",
        "Ann",
        "bob",
        "韩梅梅",
    )


def test_words_are_kept_without_blanks_around_them() -> None:
    assert require_words("  a\n\n b \n") == "a\n\n b"
    assert require_words("a\r\nb") == "a\nb"  # as forms send it


@pytest.mark.parametrize("text", ["", " \n\t ", "a\x00b", "\ud800"])
def test_what_holds_no_words_or_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        require_words(text)


def test_what_is_too_long_is_refused_with_the_limit() -> None:
    assert require_words("x" * MAX_LETTERS)
    assert require_words("x\r\n" * (MAX_LETTERS // 2))  # browsers count an end of a line once
    with pytest.raises(TooLargeError, match="at most 10,000 characters; this one has 1,048,576"):
        require_words("x" * 2**20)
