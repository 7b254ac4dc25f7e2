from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.instance import DemoInstance
from demo.main_job import MainJob

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.req(
    "R2", "R4", "R8", "R10", "R11", "R12", "R15", "R36", "R37", "R70", "R71", "R72", "R75", "R76"
)
def test_what_people_do_in_their_first_five_minutes(demo: DemoInstance, browser: Browser) -> None:
    MainJob(demo, browser).run()
