"""The pages of imports: for whom they are, how a bundle comes in, what they say at each step."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.inventory import Kind
from airflow_release_plugin.domain.bundle.manifest import BundleConnection, BundleDag, BundleUnit
from airflow_release_plugin.services.imports import job
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.db.views.conftest import BASE, DEV, Browser, Browsers, Installation
from tests.harness.bundles import EVIDENCE
from tests.harness.context import dag_text
from tests.harness.databases import counted
from tests.harness.imports import bundle_bytes, with_imports

pytestmark = pytest.mark.req("R53", "R57")


@pytest.fixture
def here(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation that trusts plant A."""
    monkeypatch.setenv("AIRFLOW__RELEASE__KEYS_PATH", str(tmp_path / "keys"))
    return Installation(with_imports(installation.world, tmp_path))


def unit_of(name: str, **more: Any) -> BundleUnit:
    """A DAG file of plant A with one DAG."""
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
    """A bundle of these units, each with a DAG file that defines its DAGs."""
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

    page = browser.get("/transfers/imports/1/unit?path=orders.py").get_data(as_text=True)

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
    assert "Discard this import" not in page
    assert "/imports/1/discard" not in page
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


def checked(here: Installation, browser: Browser, *units: BundleUnit, **manifest: Any) -> str:
    """The page of a bundle after its first look."""
    return str(brought(here, browser, bundle(here, *units, **manifest)).text)


NEEDY = unit_of(
    "orders", connections=(BundleConnection("shop", "http"),), variables=("path",), pools=("heavy",)
)


@pytest.mark.req("R53", "R59")
def test_a_bundle_is_looked_at_as_soon_as_it_is_here_and_says_how_much_blocks(
    here: Installation, browser_of: Browsers
) -> None:
    page = checked(here, browser_of("admin"), NEEDY, unit_of("bills", upstream_dags=("nowhere",)))

    assert "4 things block" in page
    assert re.findall(r'data-reason="(\w+)"', page) == [
        "missing_connection",
        "missing_variable",
        "missing_pool",
        "missing_upstream_dag",
    ]
    assert "make placeholders and fill those in before the Dags run" in page
    assert re.search(r"data-applies disabled", page)
    assert "Blocked" in browser_of("admin").get("/transfers/imports/").text


@pytest.mark.req("R59")
def test_stubs_are_made_of_what_is_ticked(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    page = checked(here, browser, NEEDY)
    boxes = re.findall(r'name="(connection|variable|pool)" value="(\w+)" data-select', page)

    browser.post("/transfers/imports/1/placeholders", {name: [value] for name, value in boxes})

    page = browser.get("/transfers/imports/1").text
    assert "3 placeholders were made" in page
    assert 'data-verdict="ready"' in page
    assert "Placeholders that nobody has filled in" in page


@pytest.mark.req("R59")
def test_names_are_kept_shown_again_and_what_they_change_is_a_diff(
    here: Installation, browser_of: Browsers
) -> None:
    here.world.twin.held[Kind.CONNECTION, "store"] = ""
    browser = browser_of("admin")
    content = {"orders.py": b'from airflow.sdk import DAG\nHook(http_conn_id="shop")\nDAG("orders")\n'}
    unit = unit_of("orders", connections=(BundleConnection("shop", "http"),))
    brought(here, browser, bundle_bytes(here.world, content, units=(unit,)))

    browser.post(
        "/transfers/imports/1/check", {"kind": ["connection"], "there": ["shop"], "here": [" store "]}
    )

    page = browser.get("/transfers/imports/1").text
    assert 'data-verdict="ready"' in page
    assert re.search(r'name="here" value="store" placeholder="shop"', page)
    changes = re.sub(r"</?(span|mark)[^>]*>", "", browser.get("/transfers/imports/1/names").text)
    assert "<del>Hook(http_conn_id=&#34;shop&#34;)</del>" in changes
    assert "<ins>Hook(http_conn_id=&#34;store&#34;)</ins>" in changes
    again = brought(
        here, browser, bundle_bytes(here.world, content, units=(unit,), bundle_id="bundle-2")
    ).text
    assert 'value="store" placeholder="shop"' in again


@pytest.mark.req("R59")
def test_names_that_stand_nowhere_in_the_files_are_said_to_change_nothing(
    here: Installation, browser_of: Browsers
) -> None:
    here.world.twin.held[Kind.CONNECTION, "store"] = ""
    browser = browser_of("admin")
    unit = unit_of("orders", connections=(BundleConnection("shop", "http"),))
    content = {"orders.py": b'from airflow.sdk import DAG\nDAG("orders")\n'}
    brought(here, browser, bundle_bytes(here.world, content, units=(unit,)))
    names = {"kind": ["connection"], "there": ["shop"], "here": ["store"]}
    browser.post("/transfers/imports/1/check", names)

    page = browser.get("/transfers/imports/1/names").text

    assert "what was signed is what will be here" in page
    assert "Nobody there has agreed" not in page


def test_a_name_that_cannot_be_is_refused_and_stands_there_as_it_was_typed(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    checked(here, browser, NEEDY)

    answer = browser.post(
        "/transfers/imports/1/check",
        {"kind": ["connection"], "there": ["shop"], "here": ["a\tb"], "folder": "plants/a"},
    )

    assert answer.status_code == 422
    assert "no name of a connection" in answer.text
    assert 'value="a\tb"' in answer.get_data(as_text=True)
    assert 'value="plants/a"' in answer.text


@pytest.mark.req("R54", "R56")
def test_versions_of_an_applied_bundle_wait_in_the_list(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    checked(here, browser, unit_of("orders"), unit_of("bills"))
    browser.post("/transfers/imports/1/check", {"folder": "plants/a"})

    browser.post("/transfers/imports/1/apply", {"mode": "submit"})

    assert 'data-live="' in browser.get("/transfers/imports/1").text
    job.run_once()
    page = browser.get("/transfers/imports/1").text
    assert 'data-verdict="applied"' in page
    assert len(re.findall(r"/to-be-released/submissions/\d+", page)) == 2
    assert "plants/a/orders.py" in browser.get("/to-be-released/").text.replace("<wbr>", "")


@pytest.mark.req("R56")
def test_a_release_under_the_flow_for_imports_is_asked_for(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    checked(here, browser, unit_of("orders"))
    form = browser.get("/transfers/imports/1?mode=release").text
    assert re.search(r'name="reviewers" value="reviewer"', form)
    assert 'value="admin"' not in form

    browser.post(
        "/transfers/imports/1/apply", {"mode": "release", "title": "From A", "reviewers": ["reviewer"]}
    )
    job.run_once()

    page = browser.get("/transfers/imports/1").text
    (release,) = re.findall(r"/releases/(\d+)\"", page)
    assert "From A" in browser.get(f"/releases/{release}").text


@pytest.mark.req("R56")
def test_a_release_that_asks_nobody_is_refused_and_keeps_what_was_typed(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    checked(here, browser, unit_of("orders"))

    answer = browser.post("/transfers/imports/1/apply", {"mode": "release", "title": "From A"})

    assert answer.status_code == 422
    assert 'value="From A"' in answer.text
    assert re.search(r'aria-current="true">Release<', answer.text)


@pytest.mark.req("R56", "R58")
def test_recording_says_why_it_is_not_possible_and_where_it_is_counts(
    here: Installation, browser_of: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of("admin")
    checked(here, browser, unit_of("orders"))
    refused = browser.get("/transfers/imports/1?mode=record").text
    assert "demands its own approval" in refused
    assert "data-applies disabled" in refused

    monkeypatch.setenv("AIRFLOW__RELEASE__IMPORT_LOCAL_APPROVAL", "unless_approved")

    page = browser.get("/transfers/imports/1?mode=record").text
    assert "data-applies disabled" not in page
    assert "It goes to prod at once. Nobody here is asked." in page
    assert "Nobody here is asked" not in browser.get("/transfers/imports/1?mode=submit").text


@pytest.mark.req("R53")
def test_what_began_to_block_since_the_look_is_said_when_it_is_applied(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    here.world.twin.held[Kind.POOL, "heavy"] = ""
    checked(here, browser, unit_of("orders", pools=("heavy",)))
    del here.world.twin.held[Kind.POOL, "heavy"]

    answer = browser.post("/transfers/imports/1/apply", {"mode": "submit"})

    assert answer.status_code == 409
    assert "missing_pool: heavy" in answer.text


def test_an_import_that_was_given_back_says_why_and_can_be_applied_again(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    here.world.twin.held[Kind.POOL, "heavy"] = ""
    checked(here, browser, unit_of("orders", pools=("heavy",)))
    browser.post("/transfers/imports/1/apply", {"mode": "submit"})
    del here.world.twin.held[Kind.POOL, "heavy"]
    job.run_once()

    page = browser.get("/transfers/imports/1").text
    assert re.search(r'role="alert">.*?missing_pool: heavy', page, re.DOTALL)

    here.world.twin.held[Kind.POOL, "heavy"] = ""
    browser.post("/transfers/imports/1/apply", {"mode": "submit"})
    job.run_once()
    assert 'data-verdict="applied"' in browser.get("/transfers/imports/1").text


def test_folders_that_are_there_are_offered(here: Installation, browser_of: Browsers) -> None:
    here.do(lambda world: world.released(world.dag("plants/north/ours")))

    page = checked(here, browser_of("admin"), unit_of("orders"))

    assert '<option value="plants/north">' in page


def test_pages_cost_the_same_number_of_queries_however_much_is_in_the_bundle(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    checked(here, browser, unit_of("a"), unit_of("b"))
    checked(here, browser, *(unit_of(f"dag{n}") for n in range(20)), bundle_id="bundle-2")

    def cost(path: str) -> int:
        with counted(here.world.ctx.session.get_bind()) as statements:
            assert browser.get(f"/transfers/imports/{path}").status_code == 200
        return len(statements)

    few, many = cost("1"), cost("2")
    assert many == few
    assert cost("1?mode=release") == cost("2?mode=release")
    assert cost("1/unit?path=a.py") == cost("2/unit?path=dag1.py")
    assert cost("1/names") == cost("2/names")


def test_the_list_costs_the_same_number_of_queries_however_long_it_is(
    here: Installation, browser_of: Browsers
) -> None:
    def cost(name: str) -> int:
        with counted(here.world.ctx.session.get_bind()) as statements:
            browser_of(name).get("/transfers/imports/")
        return len(statements)

    browser = browser_of("admin")
    here.do(lambda world: world.submit(world.dag("a"), DEV))
    checked(here, browser, unit_of("a"))
    few = [cost(name) for name in ("admin", "dev")]
    for number in range(4):
        checked(here, browser, unit_of("a"), bundle_id=f"bundle-{number + 2}")

    assert [cost(name) for name in ("admin", "dev")] == few


@pytest.mark.req("R38")
def test_a_bundle_that_nobody_decided_on_waits_in_the_inbox_of_admins(
    here: Installation, browser_of: Browsers
) -> None:
    browser = browser_of("admin")
    checked(here, browser, NEEDY)

    inbox = browser.get("/approvals/").text

    assert "1 decision waits for you" in inbox
    assert 'href="/release/transfers/imports/1"' in inbox
    assert "3 things block" in inbox
    assert 'aria-label="1 waiting"' in browser.get("/releases/").text
    assert "transfers/imports/1" not in browser.get("/approvals/?kind=gate").text
    assert "Nothing waits for you" in browser_of("reviewer").get("/approvals/").text


@pytest.mark.req("R38")
def test_a_bundle_that_came_in_waits_no_more(here: Installation, browser_of: Browsers) -> None:
    browser = browser_of("admin")
    checked(here, browser, unit_of("orders"))
    browser.post("/transfers/imports/1/apply", {"mode": "submit"})

    assert "Nothing waits for you" in browser.get("/approvals/").text
