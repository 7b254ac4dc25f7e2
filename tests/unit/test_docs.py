from __future__ import annotations

import re
from pathlib import Path

import pytest

import airflow_release_plugin

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_pages_name_exist(page: Path) -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", page.read_text(), re.M))

    assert named <= make_targets()


def test_no_two_decisions_have_the_same_number() -> None:
    numbers = [page.name.partition("-")[0] for page in DECISIONS]

    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_why_what_and_at_which_price_in_a_page(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {int(page.name.partition('-')[0])}. ")
    assert [part for part in ("Context", "Decision", "Consequences") if part not in text] == []
    assert len(text.splitlines()) <= 60


def test_a_released_version_is_in_the_changelog() -> None:
    headings = re.findall(r"^## \[?(\S+?)\]?(?: |$)", (ROOT / "CHANGELOG.md").read_text(), re.M)

    assert headings[0] == "Unreleased"
    assert len(headings) == 1 or headings[1] == airflow_release_plugin.__version__
