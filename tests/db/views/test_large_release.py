"""The page of a release with many items: what somebody has to look at comes first (R8, R14)."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus
from airflow_release_plugin.models import Release
from tests.db.views.conftest import DEV, Browsers, Installation, words
from tests.harness.context import World

pytestmark = pytest.mark.req("R8", "R14")

NAMES = [f"shop_{number:02}" for number in range(12)]


def checked(home: Installation, *, failing: str = "") -> Release:
    """A release of :data:`NAMES` after its check."""

    def line(name: str) -> CheckItem:
        if name == failing:
            return CheckItem("parse", CheckStatus.FAILED, f"{name}.py", "ImportError: no shop")
        return CheckItem("parse", CheckStatus.PASSED, f"{name}.py")

    def step(world: World) -> Release:
        versions = [world.submit(world.dag(name), DEV) for name in NAMES]
        return world.report(world.request(*versions, actor=DEV), [line(name) for name in NAMES])

    return home.do(step)  # type: ignore[no-any-return]


def test_the_item_that_failed_comes_first_and_is_named_on_top(
    installation: Installation, browser_of: Browsers
) -> None:
    release = checked(installation, failing="shop_11")

    page = browser_of("dev").get(f"/releases/{release.id}").text

    assert "shop_11.py: ImportError: no shop" in words(page)
    assert "12 versions, 1 failed" in page
    assert page.index('data-item="shop_11.py"') < page.index('data-item="shop_00.py"')


def test_many_versions_and_checks_that_passed_are_behind_a_button(
    installation: Installation, browser_of: Browsers
) -> None:
    release = checked(installation)

    page = words(browser_of("dev").get(f"/releases/{release.id}").text)

    assert "Show all 12" in page
    assert "12 passed" in page
    assert "failed" not in page


def test_the_form_shows_a_long_selection_on_request(installation: Installation, browser_of: Browsers) -> None:
    ids = installation.do(lambda world: [world.submit(world.dag(name), DEV).id for name in NAMES])

    page = browser_of("dev").get("/releases/new?" + "&".join(f"submission_ids={i}" for i in ids)).text

    assert page.count('name="submission_ids"') == len(NAMES)
    assert "Show all 12" in page
