"""The pages of imports: for whom they are, how a bundle comes in, what they say at each step."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.manifest import BundleConnection, BundleDag, BundleUnit
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.db.views.conftest import BASE, DEV, Browser, Browsers, Installation
from tests.harness.bundles import EVIDENCE
from tests.harness.context import dag_text
from tests.harness.imports import bundle_bytes, with_imports

pytestmark = pytest.mark.req("R53", "R57")


@pytest.fixture
def here(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation that trusts plant A."""
    monkeypatch.setenv("AIRFLOW__RELEASE__KEYS_PATH", str(tmp_path / "keys"))
    monkeypatch.setenv("AIRFLOW__RELEASE__TRANSFER_PATH", str(tmp_path / "transfers"))
    return Installation(with_imports(installation.world, tmp_path))


def unit_of(name: str, **more: Any) -> BundleUnit:
    """A Dag file of plant A with one Dag."""
    plain = BundleUnit(
        unit_id=f"plant-a:{name}",
        path=f"{name}.py",
        files=(f"{name}.py",),
        dags=(BundleDag(name, "@daily", ("extract", "load"), ("sales",), ("ada",)),),
        version=4,
        digest="d" * 64,
        evidence=EVIDENCE,
    )
    return replace(plain, **more)


def bundle(here: Installation, *units: BundleUnit, **manifest: Any) -> bytes:
    """A bundle of these units, each with a Dag file that defines its Dags."""
    content = {
        unit.path: dag_text(
            *unit.dag_ids, lines="\n".join(f'ID = "{c.id}"' for c in unit.connections)
        ).encode()
        for unit in units
    }
    return bundle_bytes(here.world, content, units=units, **manifest)


def begin(browser: Browser, size: int) -> int:
    """Announce a file; the import's id."""
    return int(
        browser.post("/transfers/imports/begin", {"file_name": "a.dagbundle", "file_size": size}).json["id"]
    )


def append(browser: Browser, number: int, offset: int, data: bytes) -> int:
    """Send a part as the script of the page does; how much is there then."""
    answer = browser.client.post(
        f"/transfers/imports/{number}/append?offset={offset}",
        base_url=BASE,
        data=data,
        headers={"X-CSRFToken": browser.token()},
    )
    return int(answer.json["received"])


def sent(browser: Browser, data: bytes, size: int | None = None) -> int:
    """Send a file in parts; the import's id."""
    number = begin(browser, len(data))
    received = 0
    while received < len(data):
        received = append(browser, number, received, data[received : received + (size or len(data))])
    return number


def brought(here: Installation, browser: Browser, data: bytes) -> Any:
    """The page of a bundle that was uploaded whole."""
    number = sent(browser, data)
    answer = browser.post(f"/transfers/imports/{number}/complete", {})
    assert answer.status_code == 302, answer.text
    return browser.get(f"/transfers/imports/{number}")


def test_an_empty_list_says_whom_to_trust_and_how_a_bundle_gets_here(
    installation: Installation, browser_of: Browsers
) -> None:
    page = browser_of("admin").get("/transfers/imports/").text

    assert "None yet, so no bundle can come in." in page
    assert "airflow release keys trust NAME KEY" in page
    assert "Nothing was imported yet." in page


def test_trusted_keys_are_named_with_what_they_are_worth(here: Installation, browser_of: Browsers) -> None:
    KeyFolder(here.world.ctx.settings.keys_path).revoke("plant A", now=here.world.ctx.clock())

    page = browser_of("admin").get("/transfers/imports/").text

    assert re.search(r"<strong>plant A</strong>.*?Revoked", page, re.DOTALL)


def test_a_key_folder_that_others_can_write_to_is_named_and_hides_nothing_else(
    here: Installation, browser_of: Browsers
) -> None:
    here.world.ctx.settings.keys_path.chmod(0o755)

    answer = browser_of("admin").get("/transfers/imports/")

    assert answer.status_code == 200
    assert "is open to others" in answer.text
    assert "Nothing was imported yet." in answer.text


def test_parts_come_in_one_after_the_other_and_the_page_shows_what_is_in_the_file(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    number = sent(browser, bundle(here, unit_of("orders"), unit_of("bills")), 700)

    answer = browser.post(f"/transfers/imports/{number}/complete", {})

    assert answer.location.endswith(f"/transfers/imports/{number}")
    page = browser.get(f"/transfers/imports/{number}").text
    assert "plant A" in page
    assert "2 Dag files, 2 files" in page
    for name in ("orders.py", "bills.py"):
        assert name in page.replace("<wbr>", "")


def test_an_upload_that_stopped_says_where_it_goes_on(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    data = bundle(here, unit_of("orders"))
    number = begin(browser, len(data))
    append(browser, number, 0, data[:100])

    assert browser.get(f"/transfers/imports/{number}/received").json == {
        "id": number,
        "received": 100,
        "state": "uploading",
    }
    for path in ("/transfers/imports/", f"/transfers/imports/{number}"):
        assert (
            f'data-unfinished="{number}" data-name="a.dagbundle" data-size="{len(data)}"'
            in browser.get(path).text
        )


def test_a_part_that_is_larger_than_a_form_may_be_comes_in(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    size = 3 * 1024 * 1024

    assert append(browser, begin(browser, size), 0, b"x" * size) == size


def test_a_browser_without_scripts_sends_the_whole_file(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    data = bundle(here, unit_of("orders"))

    answer = browser.post("/transfers/imports/upload", {"file": (BytesIO(data), "b.dagbundle")})

    assert answer.status_code == 302
    assert "b.dagbundle" in browser.get("/transfers/imports/1").text


def test_a_file_that_is_no_bundle_is_refused_with_the_reason(
    here: Installation, browser_of: Browsers
) -> None:
    page = brought(here, browser_of("admin"), b"no bundle at all").text

    assert 'data-verdict="failed"' in page
    assert "bundle" in page


def test_what_is_discarded_is_gone(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    brought(here, browser, bundle(here, unit_of("orders")))

    browser.post("/transfers/imports/1/discard", {})

    assert 'data-verdict="discarded"' in browser.get("/transfers/imports/1").text


def test_a_dag_file_is_shown_with_what_it_changes_here(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    brought(here, browser, bundle(here, unit_of("orders", connections=(BundleConnection("shop", "http"),))))

    page = browser.get("/transfers/imports/1/unit?path=orders.py").text

    assert "fine\nby me" in page
    assert "shop" in page
    assert re.search(r"<ins>.*?ID", page)


def test_a_file_is_shown_as_it_was_signed(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    brought(here, browser, bundle(here, unit_of("orders")))

    page = browser.get("/transfers/imports/1/file?path=orders.py").text

    assert 'class="tk-k">from</span>' in page
    assert browser.get("/transfers/imports/1/file?path=other.py").status_code == 404


def test_owners_read_what_holds_their_dags_and_change_nothing(
    here: Installation, browser_of: Browsers
) -> None:
    brought(here, browser_of("admin"), bundle(here, unit_of("orders")))
    here.do(lambda world: world.submit(world.dag("orders"), DEV))
    browser = browser_of("dev")

    listed = browser.get("/transfers/imports/").text

    assert "Import 1" in listed
    assert "upload-form" not in listed
    page = browser.get("/transfers/imports/1").text
    assert "orders" in page
    assert "Discard" not in page
    assert browser.get("/transfers/imports/1/unit?path=orders.py").status_code == 403
    assert browser.post("/transfers/imports/1/discard", {}).status_code == 403


def test_nobody_finds_imports_where_they_are_off(
    here: Installation, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__IMPORTS_ENABLED", "False")
    browser = browser_of("admin")

    assert "/transfers/imports/" not in browser.get("/transfers/").text
    assert browser.get("/transfers/imports/").status_code == 403


def test_the_navigation_leads_to_imports_where_exports_are_off(
    here: Installation, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__EXPORTS_ENABLED", "False")

    page = browser_of("admin").get("/transfers/imports/").text

    assert re.search(r'href="[^"]*/transfers/imports/" aria-current="page">Transfers', page)
    assert ">Exports<" not in page
