from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_release_plugin import exceptions
from airflow_release_plugin.exceptions import ConflictError, ReleaseError, error_for_code

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"


def tree(root: type[ReleaseError] = ReleaseError) -> list[type[ReleaseError]]:
    ours = [child for child in root.__subclasses__() if child.__module__ == exceptions.__name__]
    return [root, *(found for child in ours for found in tree(child))]


ALL = tree()


def test_the_page_lists_every_error_with_code_and_status() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| `(\w+)` \|", PAGE.read_text(), re.M)

    assert rows == [(kind.code, str(kind.status), kind.__name__) for kind in ALL]


def test_the_picture_in_the_module_shows_every_error_with_its_status() -> None:
    drawn = re.findall(r"(\w+Error) +(\d{3})", exceptions.__doc__ or "")

    assert drawn == [(kind.__name__, str(kind.status)) for kind in ALL]


@pytest.mark.parametrize("kind", ALL)
def test_a_code_leads_back_to_its_class(kind: type[ReleaseError]) -> None:
    assert error_for_code(kind.code) is kind


def test_no_two_errors_share_a_code() -> None:
    assert len({kind.code for kind in ALL}) == len(ALL)


@pytest.mark.parametrize("kind", ALL[1:])
def test_a_child_answers_with_the_status_of_its_family(kind: type[ReleaseError]) -> None:
    parent = kind.__bases__[0]

    assert parent is ReleaseError or kind.status == parent.status


def test_an_unknown_code_is_an_error_all_the_same() -> None:
    assert error_for_code("of a later version") is ReleaseError


def test_an_error_carries_message_and_facts() -> None:
    error = ConflictError("R-000007 is 'released'.", state="released")

    assert (str(error), error.message, error.context) == (error.message, error.message, {"state": "released"})
