"""Pages of what is older than the trail in the database say where its events are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_release_plugin.models import Release
from airflow_release_plugin.services.retention import cleaning
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.db.views.conftest import DEV, REVIEWER, Browsers, Installation, words
from tests.harness.context import ADMIN, World, steps_of, with_settings


@pytest.mark.req("R93", "R15")
def test_pages_name_the_file_of_events_that_went(
    installation: Installation, browser_of: Browsers, tmp_path: Path
) -> None:
    KeyFolder(tmp_path / "keys").generate()

    def release(world: World) -> Release:
        return world.promote(
            world.decide(world.report(world.request(world.submit(world.dag("etl"), DEV))), REVIEWER)
        )

    def much_later(world: World) -> None:
        later = world.ctx.clock() + timedelta(days=800)
        aged = replace(world, ctx=replace(world.ctx, clock=lambda: later))
        aged = with_settings(aged, event_archive_path=str(tmp_path), keys_path=tmp_path / "keys")
        cleaning.clean(actor=ADMIN, work=steps_of(aged))

    number = installation.do(release).id
    browser = browser_of("admin")
    assert "archive" not in words(browser.get(f"/releases/{number}?tab=activity").text)

    installation.do(much_later)

    (file,) = tmp_path.glob("*.jsonl")
    for path in (f"/releases/{number}?tab=activity", "/records/dags/etl"):
        page = words(browser.get(path).text)
        assert f"are in a file of the archive: {file.name}" in page
        assert "verify-audit --archive" in page
        assert "&lt;code" not in page
