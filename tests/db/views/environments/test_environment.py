"""The page of the environment: where it stands, verify and repair, adopting what runs today."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.jobs.job import Job
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from airflow_release_plugin.domain.ports import LiveDag
from airflow_release_plugin.models import Follower
from airflow_release_plugin.services.mirror import pushing
from airflow_release_plugin.store.database import database_store
from tests.db.views.conftest import DEV, Browsers, Installation, words
from tests.harness.git import git, push_as_somebody, require_git
from tests.harness.manual_edits import push_by_hand

pytestmark = [
    pytest.mark.req("R21", "R77", "R71"),
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern"),  # Airflow's reading of .airflowignore
]


@pytest.fixture
def live(own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that runs today, with one DAG that Airflow knows."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel

    root = tmp_path / "live"
    root.mkdir()
    (root / "etl.py").write_text("from airflow.sdk import DAG\nDAG('etl')\n")
    bundle = "airflow.dag_processing.bundles.local.LocalDagBundle"
    configured = [
        {"name": "dev", "classpath": bundle, "kwargs": {"path": str(tmp_path)}},
        {"name": "live", "classpath": bundle, "kwargs": {"path": str(root)}},
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(configured))
    with Session(own_engine) as session:
        session.add(DagBundleModel(name="live"))
        session.flush()
        session.add(DagModel(dag_id="etl", bundle_name="live", relative_fileloc="etl.py", is_stale=False))
        session.commit()
    return root


def move_by_hand(engine: Engine, path: str = "hot.py", text: str = "x = 1") -> None:
    with Session(engine) as session:
        push_by_hand(database_store(session), path, text)
        session.commit()


def adopt(browser_of: Browsers) -> Any:
    return browser_of("admin").post("/environment/adopt", {"bundle": "live"})


def test_an_admin_previews_and_adopts(browser_of: Browsers, live: Path) -> None:
    admin = browser_of("admin")
    page = admin.get("/environment/").text
    assert '<option value="live"' in page
    assert '<option value="dev"' not in page

    preview = admin.get("/environment/?bundle=live").text
    assert str(live.name) in preview
    assert 'data-dialog="adopt-dialog"' in preview

    assert adopt(browser_of).status_code == 302
    page = admin.get("/environment/").text
    assert "R-000001 Baseline" in page
    assert "Adopt what runs today" not in page


def test_the_release_of_an_adoption_has_a_page(browser_of: Browsers, live: Path) -> None:
    adopt(browser_of)

    answer = browser_of("admin").get("/releases/1")
    assert answer.status_code == 200
    assert "etl.py" in answer.text


def test_what_cannot_be_taken_is_shown_and_no_button(browser_of: Browsers, live: Path) -> None:
    (live / "outside").symlink_to("/etc/hostname")

    page = browser_of("admin").get("/environment/?bundle=live").text
    assert "is a symbolic link that leaves" in page
    assert 'data-dialog="adopt-dialog"' not in page


def test_a_bundle_that_is_not_there_is_said_on_the_page(browser_of: Browsers, live: Path) -> None:
    answer = browser_of("admin").get("/environment/?bundle=nothing")

    assert answer.status_code == 404
    assert "No bundle of this Airflow is named" in answer.text


def test_everybody_sees_where_it_stands_and_has_no_buttons(browser_of: Browsers, live: Path) -> None:
    adopt(browser_of)

    page = browser_of("viewer").get("/environment/").text
    assert "R-000001 Baseline" in page
    assert "/environment/verify" not in page
    assert 'data-dialog="repair"' not in page


@pytest.mark.parametrize("name", ["viewer", "dev", "reviewer"])
@pytest.mark.parametrize("path", ["verify", "repair", "adopt"])
def test_the_buttons_are_for_admins(browser_of: Browsers, live: Path, name: str, path: str) -> None:
    assert browser_of(name).post(f"/environment/{path}", {"bundle": "live"}).status_code == 403


def test_what_drifted_is_shown_until_it_is_repaired(
    browser_of: Browsers, live: Path, own_engine: Engine
) -> None:
    adopt(browser_of)
    move_by_hand(own_engine)
    admin = browser_of("admin")
    assert "moved by hand" in admin.get("/environment/").text

    admin.post("/environment/verify", {})
    page = admin.get("/environment/").text
    assert 'data-state="moved"' in page
    assert 'data-state="unapproved"' in page
    assert "What runs is not what was approved" in browser_of("viewer").get("/environment/").text

    admin.post("/environment/repair", {})
    page = admin.get("/environment/").text
    assert "What runs is not what was approved" not in page
    assert "Everything is as it was approved" in page


HAND_MADE = "from airflow.sdk import DAG\nDAG('etl')  # <script>by hand\n"


def asked(page: str, **more: str) -> dict[str, str]:
    """The form of the page that adopts what was changed by hand, filled in."""
    found = re.search(r'name="digest" value="(\w{64})"', page)
    assert found, page
    return {"digest": found[1], "title": "Keep it", "reviewers": "reviewer", **more}


def test_what_was_changed_by_hand_is_previewed_and_adopted(
    browser_of: Browsers, installation: Installation
) -> None:
    installation.do(lambda w: w.released(w.dag("etl")))
    admin = browser_of("admin")
    assert "/environment/drift/" not in admin.get("/environment/").text
    installation.do(lambda w: w.move_by_hand("etl.py", HAND_MADE))
    assert "/environment/drift/" in admin.get("/environment/").text

    page = admin.get("/environment/drift/").text
    assert "&lt;script&gt;by hand" in page
    assert "<script>by hand" not in page
    answer = admin.post("/environment/drift/create", asked(page))
    assert answer.headers["Location"].endswith("/releases/2")

    page = admin.get("/releases/2").text
    assert "R-000002 was created, and prod is repaired" in page
    assert "Keep it" in page
    assert "moved by hand" not in admin.get("/environment/").text


def test_a_refused_adoption_shows_what_was_typed(
    browser_of: Browsers, live: Path, own_engine: Engine
) -> None:
    adopt(browser_of)
    move_by_hand(own_engine, "etl.py", HAND_MADE)
    admin = browser_of("admin")
    form = asked(admin.get("/environment/drift/").text, reviewers="", description="At three at night.")

    answer = admin.post("/environment/drift/create", form)

    assert answer.status_code == 422
    assert "At three at night." in answer.text
    assert "nobody chosen" in answer.text


def test_what_cannot_be_adopted_is_said_and_cannot_be_requested(
    browser_of: Browsers, live: Path, own_engine: Engine
) -> None:
    adopt(browser_of)
    move_by_hand(own_engine)

    page = browser_of("admin").get("/environment/drift/").text
    assert "No Dag that Airflow knows needs what was changed" in page
    assert 'data-dialog="confirm" disabled' in page


def test_without_a_change_by_hand_there_is_nothing_to_adopt(browser_of: Browsers, live: Path) -> None:
    adopt(browser_of)

    answer = browser_of("admin").get("/environment/drift/")
    assert answer.status_code == 409
    assert "was changed by hand" in answer.text


@pytest.mark.parametrize("name", ["viewer", "dev", "reviewer"])
def test_adopting_what_was_changed_is_for_admins(
    browser_of: Browsers, live: Path, own_engine: Engine, name: str
) -> None:
    adopt(browser_of)
    move_by_hand(own_engine, "etl.py", HAND_MADE)

    assert browser_of(name).get("/environment/drift/").status_code == 403
    assert browser_of(name).post("/environment/drift/create", {"digest": "0" * 64}).status_code == 403


@pytest.mark.parametrize("page", ["/releases/", "/to-be-released/", "/records/", "/approvals/", "/flows/"])
def test_every_other_page_says_that_something_drifted(
    browser_of: Browsers, installation: Installation, page: str
) -> None:
    installation.do(lambda w: w.released(w.dag("etl")))
    viewer = browser_of("viewer")
    assert "See what drifted" not in viewer.get(page).text

    installation.do(lambda w: w.move_by_hand("etl.py", HAND_MADE))
    browser_of("admin").post("/environment/verify", {})
    assert 'href="/release/environment/">See what drifted' in viewer.get(page).text
    assert "See what drifted" not in viewer.get("/environment/").text

    browser_of("admin").post("/environment/repair", {})
    assert "See what drifted" not in viewer.get(page).text


def test_an_admin_forgets_a_machine_that_is_gone(
    browser_of: Browsers, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = "a-pod-of-yesterday"
    installation.do(lambda w: w.released(w.dag("etl")))
    installation.do(lambda w: w.move_by_hand("etl.py", HAND_MADE))
    admin = browser_of("admin")
    with monkeypatch.context() as patches:
        patches.setattr("socket.gethostname", lambda: host)
        admin.post("/environment/verify", {})
        assert f"Forget {host}?" not in admin.get("/environment/").text
    assert f"Forget {host}?" in admin.get("/environment/").text

    assert browser_of("dev").post("/environment/forget", {"host": host}).status_code == 403
    assert admin.post("/environment/forget", {"host": host}).status_code == 302
    page = admin.get("/environment/").text
    assert f"{host} is forgotten" in page
    assert "No machine has looked so far" in page


@pytest.fixture
def mirror(
    own_engine: Engine, live: Path, browser_of: Browsers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A mirror of what was adopted."""
    require_git()
    adopt(browser_of)
    git(tmp_path, "init", "--quiet", "--bare", "mirror.git")
    monkeypatch.setenv("AIRFLOW__RELEASE__MIRROR_URL", str(tmp_path / "mirror.git"))
    return tmp_path / "mirror.git"


@pytest.mark.req("R87")
class TestTheMirror:
    def test_is_shown_only_where_there_is_one(self, browser_of: Browsers, live: Path) -> None:
        assert "Mirror" not in browser_of("admin").get("/environment/").text

    def test_is_shown_with_its_state(self, browser_of: Browsers, mirror: Path) -> None:
        assert 'data-state="behind"' in browser_of("viewer").get("/environment/").text

        pushing.run_once()

        page = browser_of("viewer").get("/environment/").text
        assert 'data-state="up_to_date"' in page
        assert str(mirror.name) in page
        assert 'id="mirror"' not in page

    def test_that_fails_says_why_to_admins(
        self, browser_of: Browsers, mirror: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__RELEASE__MIRROR_URL", "http://ada:s3cret@127.0.0.1:1/x.git")
        pushing.run_once()

        page = browser_of("admin").get("/environment/").text
        assert 'data-state="failing"' in page
        assert "Connection refused" in page
        assert "s3cret" not in page
        page = browser_of("viewer").get("/environment/").text
        assert 'data-state="failing"' in page
        assert "Connection refused" not in page

    def test_that_somebody_moved_is_overwritten_by_an_admin(
        self, browser_of: Browsers, mirror: Path, tmp_path: Path
    ) -> None:
        pushing.run_once()
        ours = git(mirror, "rev-parse", "prod")
        theirs = push_as_somebody(mirror, tmp_path / "workspace")
        pushing.run_once(is_asked=True)
        assert 'data-dialog="overwrite-mirror"' not in browser_of("viewer").get("/environment/").text
        assert browser_of("viewer").post("/environment/mirror/overwrite", {}).status_code == 403
        page = browser_of("admin").get("/environment/").text
        assert "Somebody else moved the mirror" in page
        assert theirs[:7] in page

        assert browser_of("admin").post("/environment/mirror/overwrite", {}).status_code == 302
        assert "It is being overwritten" in browser_of("admin").get("/environment/").text
        pushing.run_once()

        assert git(mirror, "rev-parse", "prod") == ours
        assert 'data-state="up_to_date"' in browser_of("admin").get("/environment/").text


@pytest.mark.req("R76")
def test_machines_that_fell_silent_are_named_with_what_they_served(
    browser_of: Browsers, own_engine: Engine
) -> None:
    heard = datetime.now(timezone.utc) - timedelta(hours=1)
    with Session(own_engine) as session:
        session.add(Follower(environment="prod", host="dp-1", serves="a" * 40, pause=300, heard_at=heard))
        session.commit()
    assert "dp-1" not in browser_of("viewer").get("/environment/").text

    with Session(own_engine) as session:
        job = Job()
        job.job_type, job.state, job.hostname = "DagProcessorJob", "running", "dp-1"
        job.latest_heartbeat = datetime.now(timezone.utc)
        session.add(job)
        session.commit()

    page = browser_of("viewer").get("/environment/").text
    assert "Machines not heard from" in page
    assert "dp-1" in page
    assert "aaaaaaaa" in page
    assert "Its dag processor has not ended" in page


def ship(installation: Installation, *names: str) -> None:
    """Bring DAGs to the target, which Airflow then serves."""
    installation.do(lambda w: w.released(*[w.dag(name) for name in names]))
    for name in names:
        installation.world.twin.live[name] = LiveDag(name, "prod", f"{name}.py", is_paused=name == "idle")


@pytest.mark.req("R92", "R90")
def test_what_runs_there_is_listed_with_links_to_everything_about_it(
    browser_of: Browsers, installation: Installation
) -> None:
    ship(installation, "etl", "idle")
    installation.do(lambda w: w.twin.trigger("etl", run_id="manual <1>", conf=None, actor=DEV))

    page = browser_of("viewer").get("/environment/").text

    assert "2 Dags" in words(page)
    for link in (
        "/dags/etl",
        "/dags/etl/runs/manual%20%3C1%3E",
        "/release/records/dags/etl",
        "/release/rollbacks/new?release_id=1",
        "/release/rollbacks/new?retire=etl",
        "/release/to-be-released/submissions/1",
        "/release/releases/1",
    ):
        assert f'href="{link}"' in page, link
    assert 'title="Queued: manual &lt;1&gt;"' in page
    assert 'data-state="active"' in page
    assert 'data-state="paused"' in page


@pytest.mark.req("R92")
def test_the_list_is_searched_narrowed_ordered_and_paged(
    browser_of: Browsers, installation: Installation
) -> None:
    ship(installation, *[f"dag{number:02}" for number in range(26)], "idle")
    viewer = browser_of("viewer")

    first = viewer.get("/environment/").text
    assert "27 Dags" in words(first)
    assert ("records/dags/dag24" in first, "records/dags/dag25" in first) == (True, False)
    assert "records/dags/dag25" in viewer.get("/environment/?offset=25").text
    assert "records/dags/dag25" in viewer.get("/environment/?limit=50").text
    assert "records/dags/dag00" not in viewer.get("/environment/?order_by=-dag_id").text
    page = viewer.get("/environment/?state=paused").text
    assert ("records/dags/idle" in page, "records/dags/dag01" in page) == (True, False)
    assert "Nothing matches" in viewer.get("/environment/?search=nothing").text
    assert "1 Dag " in words(viewer.get("/environment/?search=dag07").text)


@pytest.mark.req("R92")
def test_the_list_can_be_taken_along(browser_of: Browsers, installation: Installation) -> None:
    ship(installation, "etl", "idle")

    answer = browser_of("viewer").get("/environment/dags.csv?state=active")

    head, row = [line.split(",") for line in answer.text.strip().splitlines()]
    found = dict(zip(head, row, strict=True))
    assert answer.headers["Content-Disposition"] == "attachment; filename=prod.csv"
    assert (found["dag_id"], found["path"], found["version"], found["release"], found["state"]) == (
        "etl",
        "etl.py",
        "1",
        "R-000001",
        "active",
    )
    assert (found["released_by"], found["tried_in_dev"], found["last_run"]) == ("reviewer", "no", "")


@pytest.mark.req("R90")
def test_the_lanes_say_what_waits_what_is_on_its_way_and_what_is_there(
    browser_of: Browsers, installation: Installation
) -> None:
    assert "Nothing runs in prod yet" in browser_of("dev").get("/environment/").text

    ship(installation, "etl")
    installation.do(lambda w: w.submit(w.dag("listed")))
    release = installation.waiting("moving", title="On the way")

    page = words(browser_of("dev").get("/environment/").text)

    assert "1 version waits for a release" in page
    assert f"{release.number} On the way" in page
    assert "prod 1 Dag R-000001" in page


@pytest.mark.req("R90", "R9")
def test_without_a_source_no_lane_begins_there(
    browser_of: Browsers, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__ROLE", "target")

    page = words(browser_of("dev").get("/environment/").text)

    assert "No release is on its way." in page
    assert "waits for a release" not in page
