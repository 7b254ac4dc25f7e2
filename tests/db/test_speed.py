"""
What ``make bench`` measures, in short: gross loss against the peer, or growth, is a failure.

Nothing here looks at the clock. CPU of ours is compared with that of the peer, or of fewer files; the best
of several rounds counts, since whatever else the machine does only adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from benchmarks.frame.files import dag_path, repository
from benchmarks.frame.samples import Contestant, timed
from benchmarks.frame.stages import database
from benchmarks.groups import promotion, serving, source
from benchmarks.groups.serving import LOCAL, OURS, PEER, Site
from tests.harness.context import World, make_world

pytestmark = pytest.mark.xdist_group("speed")  # what they share is made once

FILES = 500
MORE = 4
LINEAR = 5.0
"""Times the CPU that four times as many files may take."""
FLAT = 2.5
"""The same where their number is not to matter; half of it is room for noise."""
ROUNDS = 5


def best(*contestants: Contestant, prepare: Callable[[], object] = lambda: None) -> list[float]:
    """CPU seconds of each in its best round; they take turns."""
    rounds: list[list[float]] = []
    for _ in range(ROUNDS):
        prepare()
        rounds.append([contestant().cpu or 0 for contestant in contestants])
    return [min(each) for each in zip(*rounds, strict=True)]


@contextmanager
def target(folder: Path, files: int) -> Iterator[World]:
    """A target that has so many files."""
    with (
        database(f"sqlite:///{folder / f'of_{files}.db'}") as engine,
        Session(engine, expire_on_commit=False) as session,
    ):
        world = make_world(session, folder / f"source_{files}", lambda: datetime.now(timezone.utc))
        promotion.adopt(world, repository(files))
        yield world


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A store and a bare repository with the same commits, and a machine that serves both."""
    with serving.site(FILES) as place:
        yield place


def test_the_start_of_a_task_is_far_cheaper_than_that_of_the_git_bundle(site: Site) -> None:
    for name in (PEER, OURS):
        site.bundle(name, pinned=True).initialize()
    with site.starting() as start:
        ours, peer, _ = best(start(OURS), start(PEER), start(LOCAL))

    assert peer > 10 * ours, (ours, peer)


def test_a_refresh_with_nothing_new_is_far_cheaper_than_that_of_the_git_bundle(site: Site) -> None:
    bundles = [site.bundle(name) for name in (OURS, PEER)]
    for bundle in bundles:
        bundle.initialize()
    ours, peer = best(*(timed(bundle.refresh, times=5) for bundle in bundles))

    assert peer > 40 * ours, (ours, peer)


def test_a_pinned_version_is_cheaper_than_that_of_the_git_bundle_in_cpu_and_on_disk(site: Site) -> None:
    site.bundle(OURS, pinned=True).initialize()
    sizes: dict[str, int] = {}

    def provide(name: str) -> None:
        bundle = site.bundle(name, pinned=True)
        before = serving.disk_use(bundle.base_dir)
        bundle.initialize()
        sizes[name] = serving.disk_use(bundle.base_dir) - before

    ours, peer = best(timed(lambda: provide(OURS)), timed(lambda: provide(PEER)), prepare=site.edit)

    assert peer > 1.5 * ours, (ours, peer)
    assert sizes[PEER] > 8 * sizes[OURS], sizes


def test_four_times_as_many_files_do_not_make_a_start_or_a_refresh_dearer(site: Site) -> None:
    def costs(place: Site) -> tuple[float, float]:
        place.bundle(OURS, pinned=True).initialize()
        tracking = place.bundle(OURS)
        tracking.initialize()
        with place.starting() as start:
            (begun,) = best(start(OURS))
        return begun, best(timed(tracking.refresh, times=20))[0]

    few = costs(site)
    with serving.site(MORE * FILES) as larger:
        many = costs(larger)

    assert many[0] < FLAT * few[0], (few, many)
    assert many[1] < FLAT * few[1], (few, many)


def test_four_times_as_many_files_do_not_make_a_promotion_dearer(tmp_path: Path) -> None:
    with target(tmp_path, FILES) as small, target(tmp_path, MORE * FILES) as large:
        few, many = best(promotion.promoter(small, 1), promotion.promoter(large, 1))

    assert many < FLAT * few, (few, many)


def test_looking_at_what_changed_and_submitting_it_grow_no_faster_than_the_source() -> None:
    def costs(files: int) -> tuple[float, float]:
        with source.source(files) as place:
            place.look()
            numbers = iter(range(1000))

            def prepare() -> None:
                place.edit([dag_path(next(numbers))])

            last = [dag_path(0)]
            (looking,) = best(timed(place.look), prepare=prepare)

            def edit_one() -> None:
                last[0] = dag_path(next(numbers))
                place.edit(last)

            (submitting,) = best(timed(lambda: place.submit(last)), prepare=edit_one)
        return looking, submitting

    few, many = costs(FILES), costs(MORE * FILES)

    assert many[0] < LINEAR * few[0], (few, many)
    assert many[1] < LINEAR * few[1], (few, many)
