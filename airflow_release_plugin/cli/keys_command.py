"""``airflow release keys …``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_release_plugin import config
from airflow_release_plugin.cli.common import Row, command, deed, moment, operator
from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey
from airflow_release_plugin.services.runtime import keys
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.transfer.keys import KeyFolder, decode_public_key, encode_public_key

if TYPE_CHECKING:
    from argparse import Namespace


@deed
def generate(args: Namespace) -> list[Row]:
    """Make the key that signs what this installation exports, and commits of its environment."""
    with unit_of_work() as (ctx, _):
        key = keys.generate(ctx, actor=operator(), replacing=args.replace)
    file = KeyFolder(config.keys_path()).signing_file
    return [{"key": key.id, "public_key": encode_public_key(key.public_key), "file": str(file)}]


@command
def list_keys(args: Namespace) -> list[Row]:
    """Keys that imports trust or trusted, by name."""
    del args
    return [_facts(key) for key in KeyFolder(config.keys_path()).trusted()]


@deed
def trust(args: Namespace) -> list[Row]:
    """Accept bundles that another installation signs."""
    with unit_of_work() as (ctx, _):
        key = keys.trust(
            ctx,
            actor=operator(),
            name=args.name,
            public_key=decode_public_key(args.public_key),
            valid_from=moment(args.valid_from) if args.valid_from else _now(),
            valid_until=moment(args.valid_until) if args.valid_until else None,
        )
    return [_facts(key)]


@deed
def revoke(args: Namespace) -> list[Row]:
    """Refuse whatever a key signed, for good."""
    with unit_of_work() as (ctx, _):
        return [_facts(keys.revoke(ctx, actor=operator(), wanted=args.key))]


@command
def show(args: Namespace) -> list[Row]:
    """One trusted key, or what others need in order to trust this installation."""
    folder = KeyFolder(config.keys_path())
    if args.key:
        trusted = folder.find(args.key)
        facts = {**_facts(trusted), "public_key": encode_public_key(trusted.public_key)}
    else:
        own = folder.signing_key()
        facts = {
            "key": own.id,
            "file": str(folder.signing_file),
            "public_key": encode_public_key(own.public_key),
        }
    return [{"property": name, "value": value} for name, value in facts.items()]


@command
def allowed_signers(args: Namespace) -> None:
    """Lines for git's list of allowed signers."""
    del args
    with unit_of_work() as (ctx, _):
        print("\n".join(keys.allowed_signers(ctx)))


def _facts(key: TrustedKey) -> Row:
    return {
        "name": key.name,
        "standing": key.standing(_now()).value,
        "valid_from": _text(key.valid_from),
        "valid_until": _text(key.valid_until),
        "revoked_at": _text(key.revoked_at),
        "key": key.id,
    }


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)
