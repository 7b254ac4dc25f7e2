"""Threads that nobody resolved go on to the next version of their file."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.models import Event
from airflow_release_plugin.services.releases import releases
from tests.harness.context import DEV, World
from tests.harness.discussion import discussion, only_thread, point_at, reply, resolve, say

pytestmark = pytest.mark.req("R91")


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_a_thread_follows_its_line_to_the_next_version(world: World) -> None:
    first = world.waiting(world.dag("etl", lines="LIMIT = 5"))
    thread = point_at(world, first, line=2, text="Why five?")
    reply(world, first, thread, "Because.")
    say(world, first, "In general.")
    world.decide(first, verdict=Verdict.REJECT)

    second = world.waiting(world.dag("etl", lines="# on top\nLIMIT = 5"))

    view = only_thread(world, second)
    assert (view.thread.id, view.line) == (thread.id, 3)
    assert [comment.text for comment in view.comments] == ["Why five?", "Because."]
    left = discussion(world, first)
    assert (left.threads, [comment.text for comment in left.comments]) == ((), ["In general."])
    found = world.ctx.session.scalars(
        select(Event).where(Event.tag == EventTag.RELEASE_THREAD_CARRIED).order_by(Event.sequence)
    )
    assert [(event.subject, event.data["to_release"]) for event in found] == [
        (f"release:{first.id}", second.id),
        (f"release:{second.id}", second.id),
    ]
    reply(world, second, thread, "Mended.")
    resolve(world, second, thread)


def test_a_line_that_the_next_version_lacks_makes_it_outdated(world: World) -> None:
    first = world.waiting(world.dag("etl", lines="LIMIT = 5"))
    point_at(world, first, line=2)
    releases.revoke(world.ctx, actor=DEV, release_id=first.id)

    assert only_thread(world, world.waiting(world.dag("etl", lines="LIMIT = 6"))).is_outdated


def test_resolved_threads_those_of_other_files_and_of_what_was_released_stay(world: World) -> None:
    released = world.released(world.dag("etl"))
    point_at(world, released)
    both = world.waiting(world.dag("etl", lines="A = 1"), world.dag("other"))
    resolve(world, both, point_at(world, both))
    point_at(world, both, "other.py")
    releases.revoke(world.ctx, actor=DEV, release_id=both.id)

    following = world.waiting(world.dag("etl", lines="A = 2"))

    assert discussion(world, following).threads == ()
    assert (len(discussion(world, released).threads), len(discussion(world, both).threads)) == (1, 2)
