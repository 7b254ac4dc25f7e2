"""What the submit dialog fetches: files with reasons, warnings, and words for what changed."""

from __future__ import annotations

import html
import re

import pytest

from tests.db.views.conftest import Browser, Installation, words
from tests.harness.context import World

pytestmark = pytest.mark.req("R4")
PREVIEW = "/to-be-released/preview"


def suggested(page: str) -> str:
    found = re.search('data-suggestion="([^"]*)"', page)
    return html.unescape(found[1]) if found else ""


def change(world: World) -> None:
    world.write("lib.py", "x = 1\n")
    before = "import lib\nDAG(dag_id='other', schedule='@daily')"
    world.released(world.dag("etl", lines=before), world.dag("second", lines="import lib"))
    world.write("lib.py", "x = 2\n")
    world.dag("etl", lines=f"{before.replace('daily', 'hourly')}\nOp(task_id='load')\nOp(task_id='check')")


def test_one_file_is_shown_with_all_that_comes_along(installation: Installation, dev: Browser) -> None:
    installation.do(change)

    answer = dev.post(PREVIEW, {"path": "etl.py"})

    assert "2 files, " in words(answer.text)
    assert "of which 2 differ from prod" in words(answer.text)
    assert "imported by etl.py" in words(answer.text)
    assert "shared with 1 released Dag" in words(answer.text)
    assert "<html" not in answer.text


def test_what_changed_is_suggested_in_sentences(installation: Installation, dev: Browser) -> None:
    installation.do(change)

    assert suggested(dev.post(PREVIEW, {"path": "etl.py"}).text) == (
        "2 tasks added: check, load. Schedule of other: @daily → @hourly. "
        "etl.py: +3 −1 lines. lib.py: +1 −1 lines."
    )


def test_several_are_folded_each_with_its_own_words(installation: Installation, dev: Browser) -> None:
    installation.do(change)
    installation.do(lambda w: w.dag("broken"))
    installation.world.twin.errors["broken.py"] = "SyntaxError: no"

    answer = dev.post(PREVIEW, {"path": ["etl.py", "second.py", "broken.py"]})

    assert answer.text.count("<details") == 3
    assert 'data-unit="second.py"' in answer.text
    assert "would be refused" in answer.text
    assert "second: lib.py: +1 −1 lines." in suggested(answer.text)


def test_a_hostile_name_stays_text(installation: Installation, dev: Browser) -> None:
    installation.do(lambda w: w.write('lib"<b>.sql', "x"))
    installation.do(
        lambda w: w.dag(
            "etl", lines="from pathlib import Path\nPath(__file__).with_name('lib\"<b>.sql').read_text()"
        )
    )

    answer = dev.post(PREVIEW, {"path": "etl.py"})

    assert "<b>.sql" not in answer.text
    assert "&lt;b&gt;.sql" in answer.text


def test_what_is_wholly_new_is_told_in_one_sentence(installation: Installation, dev: Browser) -> None:
    installation.do(lambda w: w.write("lib.py", "x = 1\n"))
    installation.do(lambda w: w.dag("etl", lines="import lib"))

    assert suggested(dev.post(PREVIEW, {"path": "etl.py"}).text) == "New: 2 files with 5 lines."


def test_the_page_of_the_file_suggests_the_same(installation: Installation, dev: Browser) -> None:
    installation.do(change)

    page = dev.get("/to-be-released/file?path=etl.py").text

    assert "2 tasks added: check, load. Schedule of other: @daily → @hourly." in page
