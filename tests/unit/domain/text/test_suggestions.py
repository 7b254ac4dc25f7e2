from __future__ import annotations

import pytest

from airflow_release_plugin.domain.text.suggestions import NearNames

pytestmark = pytest.mark.req("R50")


def test_a_name_with_a_typing_error_is_found() -> None:
    assert NearNames(["sales_daily", "crm_sync"]).near("sale_dayly") == ("sales_daily",)


def test_the_most_similar_name_is_first_and_no_more_than_wanted_come() -> None:
    names = NearNames([f"sales_{number}" for number in range(10)])

    assert names.near("sales_7")[0] == "sales_7"
    assert len(names.near("sales_7")) == 3
    assert len(names.near("sales_7", limit=1)) == 1


def test_capitals_do_not_count_and_names_that_differ_only_in_them_are_both_found() -> None:
    assert set(NearNames(["Sales", "SALES", "other"]).near("sales")) == {"Sales", "SALES"}


@pytest.mark.parametrize("wanted", ["completely different", "", "x"])
def test_a_name_that_is_like_none_finds_none(wanted: str) -> None:
    assert NearNames(["sales_daily", "crm_sync"]).near(wanted) == ()


def test_among_none_there_is_none() -> None:
    assert NearNames([]).near("sales") == ()


@pytest.mark.parametrize(("wanted", "found"), [("日报汇", "日报汇总"), ("Ärger", "ärger")])
def test_any_characters_are_names(wanted: str, found: str) -> None:
    assert NearNames(["日报汇总", "ärger"]).near(wanted) == (found,)


def test_what_thousands_of_names_share_says_nothing_and_the_rest_still_does() -> None:
    names = NearNames([*(f"team_dag_{number:05}" for number in range(5000)), "team_dag_billing"])

    assert names.near("team_dag_biling") == ("team_dag_billing",)
