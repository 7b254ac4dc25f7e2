"""An Airflow that ran a plain folder is adopted, switched over and taken back; nothing runs again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.live_folder import OLD, RELEASES, Live, bundles, running_folder

pytestmark = pytest.mark.req("R21")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Three dozen DAGs."""
    with running_folder(tmp_path / "home", 37) as made:
        yield made


def test_a_live_folder_is_adopted_and_given_back(live: Live) -> None:
    before = live.state()

    preview = {row["property"]: row["value"] for row in live.release("adopt", str(live.root), "--dry-run")}
    assert (preview["bundle"], preview["files"], preview["dags"]) == (OLD, "40", "37")
    assert "broken.py: ModuleNotFoundError" in str(preview["does not import"])
    (adopted,) = live.release("adopt", OLD)
    assert (adopted["state"], adopted["files"], adopted["dag files"]) == ("released", "40", "37")
    assert live.state() == before

    live.switch(bundles(OLD, RELEASES, environment="prod"))
    assert live.state() == before
    assert {row["bundle_version"] for row in live.get("dags")} == {adopted["commit"]}

    live.switch(live.old)
    assert live.state() == before
    assert live.release("adopt", "--verify")[0]["detail"] == f"37 of 37 Dags by {OLD}"
    assert live.release("adopt", OLD) == [adopted]

    live.switch(bundles("prod", RELEASES))
    assert live.state() == before
    assert live.release("adopt", "--verify")[0]["detail"] == "37 of 37 Dags by prod"
    assert live.finish_waiting_run().endswith(f"/{adopted['commit']}/waits.py")
