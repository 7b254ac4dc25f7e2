"""Releases by words of their titles and by numbers, the same on every database."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.domain.release.release_filter import ReleaseFilter
from airflow_release_plugin.models import SearchWord, TitleWord, WordGram
from airflow_release_plugin.repositories import pages
from airflow_release_plugin.services.releases import name_search, releases
from tests.harness.context import DEV, VIEWER, World

pytestmark = pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
TITLES = ("Daily sales: hot fix 77", "Invoices 770", "每日库存更新", "Lieferung Äpfel", "sales_load 100%_x")


@pytest.fixture
def shop(world: World) -> World:
    """One release for each title."""
    for number, title in enumerate(TITLES):
        world.request(world.submit(world.dag(f"dag_{number}")), title=title)
    return world


def found(world: World, text: str) -> list[str]:
    """Beginnings of the titles, the oldest release first."""
    page = releases.list_releases(
        world.ctx, actor=DEV, criteria=ReleaseFilter(search=text), order_by="number"
    )
    assert page.total_entries == len(page.items)
    return [row.title[:4] for row in page.items]


ALL = ["Dail", "Invo", "每日库存", "Lief", "sale"]
WRITTEN = {
    "sales": ["Dail", "sale"],
    "SALES fix": ["Dail"],
    "ale": ["Dail", "sale"],
    "s_l": ["sale"],
    "77": ["Dail", "Invo"],
    "7 h": ["Dail"],
    "lo": ["sale"],
    "库存": ["每日库存"],
    "äp": ["Lief"],
    "100%": ["sale"],
    "%_": ["sale"],
    "%": ["sale"],
    "sales zzz": [],
    "  ": ALL,
}
FORGIVEN = {
    "invoces": ["Invo"],
    "salse": ["Dail", "sale"],
    "sles hot": ["Dail"],
    "dsh": ["Dail"],
    "dasa": ["Dail"],
    "invoces zzz": [],
}


STRANGE = {
    "库存更新": "每日库存更新版本",
    "🚀": "🚀 Launch",
    "strasse": "Große Straße",
    "ist": "İstanbul",
    "ΟΔΟΣ": "ΟΔΟΣΑ",
    "café": "cafe\N{COMBINING ACUTE ACCENT} menu",
    "sales12": "ＳＡＬＥＳ１２",
    "_\\p": 'it\'s "quoted" 50%_\\path',
    "x\0y": "x and y",
    "tail": "z" * 190 + "tail",
}


def test_titles_are_found_whatever_they_are_written_in(world: World) -> None:
    for number, title in enumerate(STRANGE.values()):
        world.request(world.submit(world.dag(f"dag_{number}")), title=title)

    hits = {
        text: [title for title in STRANGE.values() if title[:4] in found(world, text)] for text in STRANGE
    }

    assert hits == {text: [title] for text, title in STRANGE.items()}
    assert found(world, "\ud800") == found(world, "")


@pytest.mark.parametrize(
    ("shown", "hidden", "text"), [("Invoices", "Invoces", "invoces"), ("Sales", "Sad als", "sals")]
)
def test_what_somebody_may_not_see_is_not_in_the_way(
    world: World, shown: str, hidden: str, text: str
) -> None:
    """Nor do they find out by what they do not find that there is such a title."""
    world.request(world.submit(world.dag("shown")), title=shown)
    world.request(world.submit(world.dag("hidden")), title=hidden)
    refused = [(DagAccess.READ, name) for name in ("hidden", "dev.hidden")]
    world.twin.refused |= {(VIEWER.id, *each) for each in refused}

    page = releases.list_releases(world.ctx, actor=VIEWER, criteria=ReleaseFilter(search=text))

    assert [row.title for row in page.items] == [shown]


@pytest.mark.req("R13", "R93")
def test_each_word_is_a_part_of_a_word_of_the_title(shop: World) -> None:
    assert {text: found(shop, text) for text in WRITTEN} == WRITTEN


def test_a_number_or_its_beginning_finds_its_release(shop: World) -> None:
    newest = releases.list_releases(shop.ctx, actor=DEV).items[0]

    assert found(shop, newest.number) == found(shop, f"{newest.id}") == ["sale"]
    assert found(shop, newest.number[:-2])[-1] == "sale"


def test_initials_and_typing_errors_are_forgiven_where_nothing_else_is_found(shop: World) -> None:
    assert {text: found(shop, text) for text in FORGIVEN} == FORGIVEN


def test_a_misspelt_word_is_looked_for_with_one_that_is_written_right(world: World) -> None:
    world.request(world.submit(world.dag("one")), title="Sales zebra")
    world.request(world.submit(world.dag("two")), title="Stales load")

    assert found(world, "sales load") == ["Stal"]


def test_initials_are_looked_for_among_the_newest(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_search, "MOST_BY_INITIALS", 4)

    assert found(shop, "dsh") == []


def test_a_word_is_kept_once_whatever_number_of_titles_has_it(shop: World) -> None:
    session = shop.ctx.session
    words = list(session.scalars(select(SearchWord.word).where(SearchWord.word.like("%sales%"))))

    assert sorted(words) == ["sales:", "sales_load"]
    shop.request(shop.submit(shop.dag("another")), title="sales_load sales_load")
    assert len(list(session.scalars(select(SearchWord.id)))) == len(
        set(session.scalars(select(WordGram.word_id)))
    )
    assert found(shop, "sales_load") == ["sale", "sale"]


def test_titles_are_found_by_their_words_alone(shop: World) -> None:
    """So it is the index that is asked, not the titles."""
    newest = releases.list_releases(shop.ctx, actor=DEV).items[0]
    shop.ctx.session.execute(delete(TitleWord).where(TitleWord.release_id == newest.id))

    assert found(shop, "sales") == ["Dail"]


def test_rows_are_counted_up_to_a_limit_and_the_page_says_so(
    shop: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_COUNTED", 3)

    long = releases.list_releases(shop.ctx, actor=DEV, limit=2)
    short = releases.list_releases(shop.ctx, actor=DEV, criteria=ReleaseFilter(search="77"))

    assert (len(long.items), long.total_entries, long.has_uncounted) == (2, 3, True)
    assert (short.total_entries, short.has_uncounted) == (2, False)
    assert len(list(releases.every_release(shop.ctx, actor=DEV))) == len(TITLES)
