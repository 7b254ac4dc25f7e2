"""The pages show who agreed to imported versions where they come from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_release_plugin.domain.bundle.manifest import BundleComment, BundleDiscussion, Manifest
from airflow_release_plugin.models import Submission
from tests.db.views.conftest import DEV, Browsers, Installation
from tests.harness.bundles import CONTENT, EVIDENCE, bundle_files, manifest_of
from tests.harness.context import World
from tests.harness.imports import brought

pytestmark = pytest.mark.req("R58")
MANIFEST = manifest_of(bundle_files(CONTENT))


def imported(installation: Installation, manifest: Manifest = MANIFEST) -> Submission:
    """A version that an import brought, whose name was replaced in one file."""

    def step(world: World) -> Submission:
        (row,) = brought(world, manifest, "etl", rewritten={"etl.py": "etl.py"})
        return row

    return installation.do(step)  # type: ignore[no-any-return]


def test_reviewers_see_who_approved_it_there_and_what_was_replaced(
    installation: Installation, browser_of: Browsers
) -> None:
    row = imported(installation)
    release = installation.do(lambda w: w.report(w.request(row, actor=DEV)))

    text = browser_of("reviewer").get(f"/releases/{release.id}").get_data(as_text=True)

    for words in ("Approved elsewhere", "plant A", "R-000007", "Flow Two teams, revision 3", "fine\nby me"):
        assert words in text
    assert "Names were replaced in etl.py" in text


@pytest.mark.req("R91")
def test_reviewers_read_what_was_said_there_and_it_can_do_nothing(
    installation: Installation, browser_of: Browsers
) -> None:
    said = BundleComment("ann", MANIFEST.created, "**Why** <script>?", "etl.py", 3, resolved=False)
    discussions = (
        BundleDiscussion("R-000007", (said,), left_out=2),
        BundleDiscussion("R-000099", (replace(said, text="of another release"),)),
    )
    row = imported(installation, replace(MANIFEST, discussions=discussions))
    release = installation.do(lambda w: w.report(w.request(row, actor=DEV)))

    page = browser_of("reviewer").get(f"/releases/{release.id}").text

    assert "1 comment there" in page
    assert "<strong>Why</strong> &lt;script&gt;?" in page
    assert "2 older comments had no room in the bundle." in page
    assert "of another release" not in page


def test_the_page_of_a_version_shows_it_before_anybody_asks_for_a_release(
    installation: Installation, browser_of: Browsers
) -> None:
    row = imported(installation)

    assert "Approved elsewhere" in browser_of("dev").get(f"/to-be-released/submissions/{row.id}").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decisions": ()}, "Nobody had to approve it there"),
        ({"glass_broken": True}, "Closed by breaking the glass"),
    ],
)
def test_a_release_there_that_nobody_agreed_to_says_so(
    installation: Installation, browser_of: Browsers, changes: dict[str, object], words: str
) -> None:
    (plain,) = MANIFEST.units
    unit = replace(plain, evidence=replace(EVIDENCE, **changes))  # type: ignore[arg-type]
    row = imported(installation, replace(MANIFEST, units=(unit,)))

    assert words in browser_of("dev").get(f"/to-be-released/submissions/{row.id}").text


def test_what_was_not_released_there_is_not_called_approved(
    installation: Installation, browser_of: Browsers
) -> None:
    unit = replace(MANIFEST.units[0], evidence=None)
    row = imported(installation, replace(MANIFEST, approved=False, units=(unit,)))

    text = browser_of("dev").get(f"/to-be-released/submissions/{row.id}").text
    assert "Approved elsewhere" not in text
    assert "nobody has approved it yet" in text
