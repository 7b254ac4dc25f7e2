"""People keep filters of lists under names of their own."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.list_pages import ListPage, filter_query
from airflow_release_plugin.exceptions import ConflictError, InvalidRequestError, NotFoundError
from airflow_release_plugin.models import SavedFilter
from airflow_release_plugin.services.runtime import saved_filters
from tests.harness.context import ADMIN, DEV, DEV2, World


def save(
    world: World, name: str = "Mine", query: str = "search=etl", page: ListPage = ListPage.RELEASES
) -> SavedFilter:
    return saved_filters.save(world.ctx, actor=DEV, page=page, name=name, query=query)


def names(world: World, page: ListPage = ListPage.RELEASES) -> list[tuple[str, str]]:
    world.ctx.session.flush()
    found = saved_filters.list_filters(world.ctx, actor=DEV, page=page)
    return [(each.name, each.query) for each in found]


def test_each_list_and_each_person_has_their_own(world: World) -> None:
    save(world)
    save(world, page=ListPage.RECORDS, query="place=never")

    assert names(world) == [("Mine", "search=etl")]
    assert names(world, ListPage.RECORDS) == [("Mine", "place=never")]
    assert saved_filters.list_filters(world.ctx, actor=DEV2, page=ListPage.RELEASES) == []


def test_a_name_that_there_is_already_gets_the_new_filter(world: World) -> None:
    save(world)
    save(world, "  Mine ", "state=failed")

    assert names(world) == [("Mine", "state=failed")]


def test_a_filter_is_the_same_whatever_the_order_and_the_page_of_the_list() -> None:
    assert filter_query([("b", "2"), ("offset", "50"), ("a", " 1"), ("c", "")]) == "a=1&b=2"


@pytest.mark.parametrize(
    ("name", "query"),
    [("", "a=1"), ("x" * 101, "a=1"), ("Mine", ""), ("Mine", "offset=50"), ("Mine", f"a={'x' * 2000}")],
)
def test_what_is_no_name_or_no_filter_is_refused(world: World, name: str, query: str) -> None:
    with pytest.raises(InvalidRequestError):
        save(world, name, query)


def test_fifty_fit(world: World) -> None:
    for number in range(saved_filters.MOST_FILTERS):
        save(world, f"{number}")

    save(world, "7", "state=failed")
    with pytest.raises(ConflictError, match="Delete one"):
        save(world, "one more")


def test_a_deleted_one_is_gone(world: World) -> None:
    saved = save(world)
    saved_filters.delete(world.ctx, actor=DEV, filter_id=saved.id)

    assert names(world) == []


def test_nobody_opens_or_deletes_that_of_another(world: World) -> None:
    saved = save(world)

    for act in (saved_filters.get, saved_filters.delete):
        with pytest.raises(NotFoundError):
            act(world.ctx, actor=ADMIN, filter_id=saved.id)
    assert names(world) == [("Mine", "search=etl")]
