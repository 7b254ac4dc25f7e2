"""Who may make, trust and revoke keys, and what the trail tells of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_release_plugin.domain.bundle.trusted_keys import KeyStanding
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.exceptions import ConflictError, NotAllowedError
from airflow_release_plugin.models import Event
from airflow_release_plugin.services.runtime import audit, keys
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.bundles import KEY
from tests.harness.context import ADMIN, DEV, World
from tests.harness.exports import with_transfers

pytestmark = pytest.mark.req("R58")


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    return with_transfers(world, tmp_path)


def trust(world: World, **changes: object) -> object:
    arguments = {"name": "plant A", "public_key": KEY.public_key, "valid_from": world.ctx.clock(), **changes}
    return keys.trust(world.ctx, **{"actor": ADMIN, **arguments})  # type: ignore[arg-type]


def trail(world: World) -> list[Event]:
    return audit.list_events(world.ctx, actor=ADMIN).items


def test_what_happens_to_keys_is_in_the_trail(world: World) -> None:
    made = keys.generate(world.ctx, actor=SYSTEM, replacing=True)
    trust(world)
    revoked = keys.revoke(world.ctx, actor=ADMIN, wanted="plant A")
    keys.revoke(world.ctx, actor=ADMIN, wanted="plant A")

    assert [(event.tag, event.actor_name, event.data["key"]) for event in trail(world)] == [
        (EventTag.KEY_MADE, "system", made.id),
        (EventTag.KEY_TRUSTED, "admin", KEY.id),
        (EventTag.KEY_REVOKED, "admin", KEY.id),
    ]
    assert revoked.standing(world.ctx.clock()) is KeyStanding.REVOKED


def test_a_key_that_is_not_taken_is_not_in_the_trail(world: World) -> None:
    trust(world)
    world.ctx.session.commit()

    with pytest.raises(ConflictError):
        trust(world, name="plant B")
    world.ctx.session.rollback()

    assert len(trail(world)) == 1


def test_keys_are_for_release_admins(world: World) -> None:
    trust(world)
    deeds: list[Callable[[], object]] = [
        lambda: keys.generate(world.ctx, actor=DEV, replacing=True),
        lambda: trust(world, actor=DEV),
        lambda: keys.revoke(world.ctx, actor=DEV, wanted="plant A"),
    ]
    for deed in deeds:
        with pytest.raises(NotAllowedError):
            deed()

    (key,) = KeyFolder(world.ctx.settings.keys_path).trusted()
    assert key.standing(world.ctx.clock()) is KeyStanding.VALID
