"""DAGs cross from one Airflow to another that no network reaches: SQLite there, PostgreSQL here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from demo.instance import running_demo
from tests.harness.air_gap import DAG_COUNT, AirGap, plant_file, prepare_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.harness.postgres import PostgresServer

pytestmark = pytest.mark.req("R50", "R53")


@pytest.fixture(scope="module")
def gap(
    browser: Browser, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AirGap]:
    """Two installations with homes, databases, ports and keys of their own."""
    from tests.harness.driver import Driver

    near_home, far_home = tmp_path_factory.mktemp("near"), tmp_path_factory.mktemp("far")
    prepare_home(near_home)
    prepare_home(far_home)
    options = {
        # Of Airflow's own examples many have a schedule; what is to run here is unpaused.
        "core.dags_are_paused_at_creation": "True",
        # Hundreds of files: new ones would wait behind those that are parsed again for nothing.
        "dag_processor.min_file_process_interval": "300",
    }
    far_database = postgres.create_database("far", template="migrated")
    far_options = {
        **options,
        "database.sql_alchemy_conn": far_database,
        "release.role": "target",
        # Two of Airflow's examples import what is not installed, only when their tasks run.
        "release.import_policy": "missing_plugin: warn",
    }
    with (
        running_demo(near_home, options={**options, "release.role": "both"}, say=print) as near,
        running_demo(far_home, options=far_options, say=print) as far,
        closing(Driver(near, browser)) as near_driver,
        closing(Driver(far, browser)) as far_driver,
    ):
        made = AirGap(near_driver, far_driver, tmp_path_factory.mktemp("folder"), far_database)
        made.exchange_keys()
        yield made


def reasons(page: Page) -> dict[str, str]:
    """Names by reason, of what the preflight shows."""
    rows = page.locator("#preflight tr[data-reason]")
    return {
        row.get_attribute("data-reason") or "": ",".join(row.locator(".found code").all_text_contents())
        for row in rows.all()
    }


def test_fifty_dags_cross_are_mended_approved_and_run(gap: AirGap) -> None:
    paths = gap.write_plant()
    gap.ship_near(paths, "Plant")
    file = gap.export([path.removesuffix(".py") for path in paths])
    with gap.far.page("admin", "/transfers/imports/") as page:
        gap.upload(page, file)
        assert page.locator("[data-verdict=blocked]").is_visible()
        assert reasons(page) == {"missing_connection": "warehouse", "missing_pool": "narrow"}
        gap.make_placeholders(page)
        assert reasons(page) == {"incomplete_placeholder": "narrow,warehouse"}
        release_id = gap.apply(page, "Plant arrives")
    released = gap.approve(release_id)
    assert len(released["dag_ids"]) == DAG_COUNT
    gap.unpause("plant_00", "plant_01")
    run_id = gap.far.run("plant_00")
    gap.far.wait_for_run("plant_00", run_id, "success")
    gap.far.until("the DAG downstream having run", lambda: has_run(gap, "plant_01"))
    assert gap.tree("near") == gap.tree("far")


def has_run(gap: AirGap, dag_id: str) -> bool:
    """Whether a run of a far DAG has succeeded."""
    runs = gap.far.get(f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]
    return any(run["state"] == "success" for run in runs)


def test_then_only_what_has_changed_crosses(gap: AirGap) -> None:
    source = gap.near.demo.settings.source
    (source / "plant_02.py").rename(source / "plant_renamed.py")
    gap.near.write("plant_03.py", plant_file(3, note="# a second thought\n"))
    gap.near.write("plant_new.py", plant_file(99))
    paths = ["plant_renamed.py", "plant_03.py", "plant_new.py"]
    gap.wait_for_rows(paths)
    gap.ship_near(paths, "Plant goes on")
    file = gap.export([], since_last=True)
    with gap.far.page("admin", "/transfers/imports/") as page:
        gap.upload(page, file)
        shown = page.locator("#contents tbody tr").all_inner_texts()
        assert len(shown) == 3
        release_id = gap.apply(page, "Plant goes on")
    released = gap.approve(release_id)
    changes = {item["path"]: item["change"] for item in released["items"]}
    assert changes == {"plant_renamed.py": "renamed", "plant_03.py": "modified", "plant_new.py": "new"}
    assert gap.tree("near") == gap.tree("far")


def test_a_bundle_that_was_applied_is_not_applied_again(gap: AirGap) -> None:
    file = next(gap.folder.iterdir())
    with gap.far.page("admin", "/transfers/imports/") as page:
        gap.upload(page, file)
        assert "applied_before" in reasons(page)
        assert page.get_by_role("button", name="Apply").first.is_disabled()


def test_one_changed_byte_is_refused(gap: AirGap) -> None:
    data = bytearray(next(gap.folder.iterdir()).read_bytes())
    data[len(data) // 2] ^= 1
    file = gap.folder / "altered.dagbundle"
    file.write_bytes(data)
    with gap.far.page("admin", "/transfers/imports/") as page:
        page.set_input_files("input[name=file]", file)
        page.get_by_role("button", name="Upload and check").click()
        refused = page.locator("[data-verdict=failed]")
        refused.wait_for()
        assert "Transfer" in refused.inner_text()


def test_airflows_own_examples_arrive_byte_for_byte(gap: AirGap) -> None:
    rows = gap.write_examples()
    released = gap.ship_near([row["path"] for row in rows], "Examples")
    assert len(released["dag_ids"]) >= 60
    file = gap.export(released["dag_ids"])
    with gap.far.page("admin", "/transfers/imports/") as page:
        gap.upload(page, file)
        assert page.locator("[data-verdict=ready]").is_visible(), reasons(page)
        release_id = gap.apply(page, "Examples arrive")
    gap.approve(release_id)
    near = gap.tree("near")
    assert {row["path"] for row in rows} <= near.keys()
    assert gap.tree("far") == near
