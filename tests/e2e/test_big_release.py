"""The largest release, out of a list of a thousand; ``make bench`` times one out of five thousand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.big_release import release_out_of
from tests.harness.many_dags import TEAM_SIZE

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.req("R2", "R3", "R8", "R10", "R18")
def test_a_hundred_dags_are_picked_submitted_released_and_watched(tmp_path: Path, browser: Browser) -> None:
    release = release_out_of(1000, tmp_path, browser)

    assert any(0 < count < TEAM_SIZE for count in release.seen["served"]), "they were served all at once"
