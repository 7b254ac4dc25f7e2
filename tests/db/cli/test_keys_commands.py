"""``airflow release keys …``."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path

import pytest

from tests.db.api.conftest import WARNINGS
from tests.db.api.world import World
from tests.db.cli.conftest import airflow, rows

pytestmark = [pytest.mark.req("R58"), *(pytest.mark.filterwarnings(warning) for warning in WARNINGS)]


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__RELEASE__KEYS_PATH", str(tmp_path / "keys"))
    return tmp_path / "keys"


def facts(world: World, *arguments: str) -> dict[str, str]:
    shown = rows(airflow(world, "keys", "show", *arguments, "--output", "json"))
    return {row["property"]: row["value"] for row in shown}


def test_a_key_is_made_handed_on_trusted_and_revoked(empty_world: World, keys: Path) -> None:
    world = empty_world
    (made,) = rows(airflow(world, "keys", "generate", "--output", "json"))
    own = facts(world)

    (trusted,) = rows(
        airflow(
            world,
            *("keys", "trust", "plant A", own["public_key"], "--output", "json"),
            *("--valid-from", "2026-01-01", "--valid-until", "2099-01-01T01:00:00+01:00"),
        )
    )
    (revoked,) = rows(airflow(world, "keys", "revoke", own["key"][:8], "--output", "json"))
    listed = rows(airflow(world, "keys", "list", "--output", "json"))

    assert own == {key: made[key] for key in ("key", "file", "public_key")}
    assert own["file"] == str(keys / "signing.pem")
    assert (trusted["standing"], trusted["valid_from"], trusted["valid_until"]) == (
        "valid",
        "2026-01-01T00:00:00+00:00",
        "2099-01-01T00:00:00+00:00",
    )
    assert (revoked["standing"], listed) == ("revoked", [revoked])
    assert facts(world, "plant A") == {**revoked, "public_key": own["public_key"]}


@pytest.mark.req("R87")
def test_the_line_for_git_names_the_key_that_signs(empty_world: World, keys: Path) -> None:
    airflow(empty_world, "keys", "generate")

    done = airflow(empty_world, "keys", "allowed-signers")

    principal, options, kind, key = done.stdout.split()
    assert principal.endswith("@airflow-release")
    assert (options, kind) == ('namespaces="git"', "ssh-ed25519")
    assert b64decode(key)[-32:] == b64decode(facts(empty_world)["public_key"])
    assert airflow(empty_world, "keys", "allowed-signers").stdout == done.stdout


def test_what_cannot_be_done_is_a_line_and_exit_code_1(empty_world: World, keys: Path) -> None:
    for arguments, message in (
        (["show"], "There is no signing key"),
        (["allowed-signers"], "There is no signing key"),
        (["trust", "plant A", "A" * 43 + "=", "--valid-from", "soon"], "'soon' is no time"),
    ):
        done = airflow(empty_world, "keys", *arguments)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.strip().startswith(message)
