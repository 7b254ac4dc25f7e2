"""The main job from end to end: submitted, checked, approved by another person, in the target."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain.states import ReleaseState, SubmissionState
from airflow_release_plugin.services.runtime import audit
from airflow_release_plugin.store.base import tag_ref
from tests.harness.context import World, dag_text


@pytest.mark.req("R2", "R8", "R15", "R36")
def test_what_another_person_approved_reaches_the_target_byte_for_byte(world: World) -> None:
    world.write("shop/__init__.py", "")
    world.write("shop/sums.py", "def add(a, b):\n    return a + b\n")
    world.write("etl.py", dag_text("etl", lines="from shop.sums import add"))
    submission = world.submit("etl.py")
    world.write("etl.py", "# people went on editing: nothing of this may be promoted\n" + dag_text("etl"))

    release = world.promote(world.decide(world.report(world.request(submission))))

    assert release.state is ReleaseState.RELEASED
    assert submission.state is SubmissionState.RELEASED
    assert world.target() == {
        "etl.py": dag_text("etl", lines="from shop.sums import add"),
        "shop/__init__.py": "",
        "shop/sums.py": "def add(a, b):\n    return a + b\n",
    }
    assert world.head == release.target_commit == world.store.ref(tag_ref(release.number))
    assert world.twin.announced == [("prod", world.head, ("etl.py",))]
    assert audit.first_broken_link(world.ctx) is None
