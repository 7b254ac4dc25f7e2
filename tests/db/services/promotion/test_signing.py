"""Commits of an environment are signed with the installation's key, and never lose it on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import Retire, Scope, UndoRelease
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.exceptions import SigningKeyMissingError, TransferUnavailableError
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.baseline import adoption
from airflow_release_plugin.services.promotion import signing
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.runtime import keys
from airflow_release_plugin.services.server import health
from airflow_release_plugin.store import database
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.base import HEADS
from airflow_release_plugin.store.copies import copy_refs
from airflow_release_plugin.store.signature import is_signed
from airflow_release_plugin.store.tree_proof import proven_files
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.clock import FrozenClock
from tests.harness.context import ADMIN, DEV, World
from tests.harness.databases import counted
from tests.harness.exports import with_transfers
from tests.harness.git import require_git, run_git

pytestmark = pytest.mark.req("R87")


@pytest.fixture
def world(world: World, tmp_path: Path) -> World:
    """An installation that has a key."""
    return with_transfers(world, tmp_path)


def folder(world: World) -> KeyFolder:
    return KeyFolder(world.ctx.settings.keys_path)


def verified(world: World, tmp_path: Path) -> set[str]:
    """Commits of the branch that git finds signed by whom this installation says."""
    require_git()
    copy_refs(world.store, create_repository(tmp_path / "copy.git"), [HEADS])
    lines = tmp_path / "allowed_signers"
    lines.write_text("\n".join(keys.allowed_signers(world.ctx)) + "\n")
    option = f"gpg.ssh.allowedSignersFile={lines}"
    commits = [facts.id for facts in world.store.history(world.head)]
    return {
        commit
        for commit in commits
        if run_git(tmp_path / "copy.git", "-c", option, "verify-commit", commit).returncode == 0
    }


def history(world: World) -> list[str]:
    return [facts.id for facts in world.store.history(world.head)]


def roll_back(world: World, scope: Scope) -> Release:
    plan = planning.plan(world.ctx, actor=DEV, scope=scope)
    terms = ReleaseRequest(title="Back", reviewers=["reviewer"])
    release = rollbacks.request(world.ctx, actor=DEV, scope=scope, digest=plan.digest, release_request=terms)
    return world.promote(world.decide(world.report(release)))


def test_every_commit_of_the_environment_verifies_with_the_printed_line(world: World, tmp_path: Path) -> None:
    world.released(world.dag("etl"))
    second = world.released(world.dag("etl", "x = 2"))
    roll_back(world, UndoRelease(second.id))
    roll_back(world, Retire(("etl",)))

    assert len(history(world)) == 4
    assert verified(world, tmp_path) == set(history(world))


def test_what_was_adopted_is_signed_too(world: World, tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "old.py").write_text('from airflow.sdk import DAG\nwith DAG(dag_id="old"):\n    pass\n')
    world.twin.folders["live"] = live

    adoption.adopt(world.ctx, actor=ADMIN, folder="live")

    assert verified(world, tmp_path) == set(history(world))
    assert len(history(world)) == 1


def test_commits_of_a_key_that_was_replaced_still_verify(
    world: World, clock: FrozenClock, tmp_path: Path
) -> None:
    world.released(world.dag("etl"))
    clock.advance(hours=1)
    keys.generate(world.ctx, actor=ADMIN, replacing=True)
    clock.advance(hours=1)
    world.released(world.dag("etl", "x = 2"))

    assert len(keys.allowed_signers(world.ctx)) == 2
    assert verified(world, tmp_path) == set(history(world))


def test_a_version_that_is_signed_still_proves_its_files(world: World) -> None:
    world.released(world.dag("etl"))
    head = str(world.head)

    assert proven_files(head, world.store.commit_content(head), world.store.files(head).values())


def test_without_a_key_commits_are_not_signed_and_releases_go_on(world: World) -> None:
    folder(world).signing_file.unlink()

    world.released(world.dag("etl"))
    world.released(world.dag("etl", "x = 2"))

    assert [is_signed(world.store.commit_content(commit)) for commit in history(world)] == [False, False]
    assert signing.is_key_missing(world.ctx) is False


def test_a_key_that_is_made_later_signs_from_then_on(world: World, tmp_path: Path) -> None:
    folder(world).signing_file.unlink()
    world.released(world.dag("etl"))
    folder(world).generate()
    world.released(world.dag("etl", "x = 2"))

    assert verified(world, tmp_path) == {world.head}


def test_a_branch_that_is_signed_is_not_gone_on_with_without_the_key(world: World) -> None:
    world.released(world.dag("etl"))
    head = world.head
    private = folder(world).signing_file
    held = private.rename(private.with_name("elsewhere"))
    release = world.approved(world.dag("etl", "x = 2"))

    with pytest.raises(SigningKeyMissingError, match=r"no signing key in .*signing\.pem.*keys generate"):
        world.promote(release)

    assert (world.head, release.state) == (head, ReleaseState.APPROVED)
    assert signing.is_key_missing(world.ctx) is True
    held.rename(private)
    assert signing.is_key_missing(world.ctx) is False
    assert world.promote(release).state is ReleaseState.RELEASED


def test_a_key_that_others_could_read_signs_nothing(world: World) -> None:
    world.released(world.dag("etl"))
    release = world.approved(world.dag("etl", "x = 2"))
    folder(world).signing_file.chmod(0o644)

    with pytest.raises(TransferUnavailableError, match="chmod 600"):
        world.promote(release)

    assert signing.is_key_missing(world.ctx) is True
    assert health.KEYLESS not in health.HARMLESS


def test_a_signature_costs_no_statement(world: World, engine: Engine) -> None:
    folder(world).signing_file.unlink()
    world.released(world.dag("etl"))
    plain = statements_of_a_promotion(world, engine, 2)
    folder(world).generate()

    assert statements_of_a_promotion(world, engine, 3) == plain
    assert statements_of_a_promotion(world, engine, 4) == plain


def statements_of_a_promotion(world: World, engine: Engine, number: int) -> int:
    release = world.approved(world.dag("etl", f"x = {number}"))
    world.ctx.session.flush()
    database._CACHES.clear()
    with counted(engine) as statements:
        world.promote(release)
    return len(statements)
