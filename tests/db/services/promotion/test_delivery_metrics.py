"""What is counted when machines ask for versions."""

from __future__ import annotations

import pytest

from airflow_release_plugin.domain import metrics
from airflow_release_plugin.domain.metrics import Metric
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.services.promotion import delivery
from airflow_release_plugin.services.runtime.background import Work
from tests.harness.context import PIPELINE, World, steps_of


def sent(world: World, metric: Metric) -> list[tuple[float, dict[str, str]]]:
    return [(value, tags) for each, value, tags in world.twin.sent if each is metric]


@pytest.fixture
def work(world: World) -> Work:
    return steps_of(world)


@pytest.mark.req("R94")
def test_what_a_machine_has_is_told_apart_from_what_it_gets(world: World, work: Work) -> None:
    world.write("shop/__init__.py", "")
    world.write("shop/load.py", "rows = 1\n")
    world.released(world.dag("etl", lines="from shop.load import rows"))
    commit = str(world.head)

    blobs = delivery.stream_blobs(world.ctx, actor=PIPELINE, commit=commit, ranges="0", work=work)
    assert sent(world, metrics.DELIVERY_DURATION) == [], "nothing was sent yet"
    list(blobs)

    every = len({entry.blob for entry in world.store.files(commit).values()})
    assert sent(world, metrics.DELIVERY_BLOBS) == [(1, {"way": "sent"}), (every - 1, {"way": "spared"})]
    assert len(sent(world, metrics.DELIVERY_DURATION)) == 1


def test_answers_are_told_apart(world: World) -> None:
    world.released(world.dag("etl"))
    commit = str(world.head)

    delivery.get_version(world.ctx, actor=PIPELINE, commit=commit)
    delivery.confirm_version(world.ctx, actor=PIPELINE, commit=commit)
    with pytest.raises(NotFoundError):
        delivery.confirm_version(world.ctx, actor=PIPELINE, commit="0" * 40)

    assert [tags["answer"] for _, tags in sent(world, metrics.DELIVERY_REQUESTS)] == ["files", "not_modified"]
