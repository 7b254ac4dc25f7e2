"""The search box: what it finds by which words, in which order, and for whom."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.ports import DagAccess
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.read_models import quick_search
from airflow_release_plugin.services.read_models.quick_search import MOST, QuickSearchDetail
from tests.harness.context import ADMIN, DEV, REVIEWER, VIEWER, World, dag_text
from tests.harness.flow_forms import form


def find(world: World, text: str, actor: object = ADMIN) -> QuickSearchDetail:
    world.ctx.session.flush()
    return quick_search.find(world.ctx, actor=actor, text=text)  # type: ignore[arg-type]


def numbers(found: QuickSearchDetail) -> list[str]:
    return [release.number for release in found.releases]


@pytest.fixture
def shop(world: World) -> World:
    """Twelve releases, the first of which is of orders."""
    world.request(world.submit(world.dag("shop_orders")), title="Orders 12 fail early")
    for number in range(11):
        world.request(world.submit(world.dag(f"invoices_{number}")), title=f"Invoices 库存 {number}")
    return world


@pytest.mark.parametrize("text", ["R-12", "r-000012", "12", " 12 "])
def test_a_number_finds_its_release_before_others_with_it_in_their_title(shop: World, text: str) -> None:
    assert numbers(find(shop, text))[0] == "R-000012"


def test_a_number_finds_titles_too(shop: World) -> None:
    assert numbers(find(shop, "12")) == ["R-000012", "R-000001"]


@pytest.mark.parametrize("text", ["orders", "ORD fail", "early rders"])
def test_every_word_is_a_part_of_the_title_in_any_case(shop: World, text: str) -> None:
    assert numbers(find(shop, text)) == ["R-000001"]


@pytest.mark.parametrize("text", ["orders invoices", "zzz", "100%", "%", "\0", "\\", "'; drop table"])
def test_what_is_named_nowhere_is_not_found(shop: World, text: str) -> None:
    assert find(shop, text).total == 0


def test_nothing_is_looked_for_without_words(shop: World) -> None:
    assert find(shop, "  ") == QuickSearchDetail()


def test_of_many_the_newest_few_are_shown(shop: World) -> None:
    assert numbers(find(shop, "库存")) == [f"R-{number:06d}" for number in range(12, 12 - MOST, -1)]


@pytest.mark.parametrize("text", ["shop", "dev.shop_orders", "orders.py", "SHOP_O"])
def test_a_dag_is_found_by_its_id_here_or_in_the_source_and_by_its_file(shop: World, text: str) -> None:
    assert [(hit.dag_id, hit.path) for hit in find(shop, text).dags] == [("shop_orders", "shop_orders.py")]


def test_the_best_dag_comes_first(world: World) -> None:
    for name in ("all_etl", "etl_orders", "etl"):
        world.submit(world.dag(name))

    assert [hit.dag_id for hit in find(world, "etl").dags] == ["etl", "etl_orders", "all_etl"]


def test_versions_are_found_by_the_name_of_their_file_the_newest_first(world: World) -> None:
    for text in ("", "x = 1", "y = 2"):
        world.submit(world.dag("orders", lines=text))
    world.submit(world.dag("orders_v2"))

    def versions(text: str) -> list[tuple[str, int]]:
        return [(hit.name, hit.version.version) for hit in find(world, text).versions]

    assert versions("orders") == [("orders_v2", 1), ("orders", 3), ("orders", 2), ("orders", 1)]
    assert versions("orders v2") == [("orders", 2)]
    assert [hit.dag_id for hit in find(world, "orders v2").dags] == ["orders_v2"]


def test_flows_and_people_are_found_by_everybody(world: World) -> None:
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Night shift"))
    flow_admin.create(world.ctx, actor=ADMIN, raw=form("Day shift", enabled=False))

    flows = find(world, "shift", VIEWER).flows
    assert [(flow.name, flow.enabled) for flow in flows] == [("Night shift", True), ("Day shift", False)]
    assert [person.name for person in find(world, "dev", VIEWER).people] == ["dev", "dev2"]
    assert find(world, "pipeline", VIEWER).people == ()  # a service user is nobody


@pytest.mark.req("R13")
def test_who_may_not_read_a_dag_finds_nothing_of_it(shop: World) -> None:
    hidden = [(DagAccess.READ, name) for name in ("shop_orders", "dev.shop_orders")]
    shop.twin.refused |= {(actor.id, *each) for actor in (VIEWER, DEV, REVIEWER) for each in hidden}

    assert find(shop, "orders", VIEWER).total == find(shop, "R-1", VIEWER).total == 0
    assert find(shop, "orders", REVIEWER).total == 0  # as in the list: to be asked is to get the link
    own = find(shop, "orders", DEV)
    assert (numbers(own), own.dags, own.versions) == (["R-000001"], (), ())
    assert len(find(shop, "invoices", VIEWER).releases) == MOST


def test_what_somebody_may_read_is_found_behind_hundreds_that_they_may_not(world: World) -> None:
    for number in range(120):
        name = f"orders_{number:03}"
        world.request(world.submit(world.dag(name)), title=f"Orders {number}")
        world.twin.refused |= {(VIEWER.id, DagAccess.READ, each) for each in (name, f"dev.{name}")}
    world.request(world.submit(world.dag("zz_orders")), title="Orders of the shop")

    found = find(world, "orders", VIEWER)

    assert [hit.dag_id for hit in found.dags] == ["zz_orders"]
    assert [release.title for release in found.releases] == ["Orders of the shop"]


def test_a_dag_beside_one_that_may_be_seen_is_not_found(world: World) -> None:
    world.write("both.py", dag_text("a_secret_deal", "orders"))
    world.submit("both.py")
    hidden = ("a_secret_deal", "dev.a_secret_deal")
    world.twin.refused |= {(VIEWER.id, DagAccess.READ, dag_id) for dag_id in hidden}

    assert find(world, "secret", VIEWER).total == 0
    found = find(world, "both", VIEWER)
    assert [hit.dag_id for hit in found.dags] == ["orders"]
    assert [hit.name for hit in found.versions] == ["both.py"]
