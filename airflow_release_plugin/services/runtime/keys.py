"""The keys of bundles and commits, and in the trail who made, trusted and revoked them."""

from __future__ import annotations

from datetime import datetime

from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey, key_id
from airflow_release_plugin.domain.events import EventTag, JsonValue
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.services.runtime import access, audit, installation
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.signature import NAMESPACE, openssh_key
from airflow_release_plugin.transfer.attestation import SigningKey
from airflow_release_plugin.transfer.keys import KeyFolder


def generate(ctx: Context, *, actor: Actor, replacing: bool = False) -> SigningKey:
    """Make the key that signs what this installation exports, and commits of its environment."""
    access.require_admin(ctx, actor, "make the signing key")
    key = KeyFolder(ctx.settings.keys_path).generate(replacing=replacing, now=ctx.clock())
    _record(ctx, actor, EventTag.KEY_MADE, key.id, replacing=replacing)
    return key


def trust(
    ctx: Context,
    *,
    actor: Actor,
    name: str,
    public_key: bytes,
    valid_from: datetime,
    valid_until: datetime | None = None,
) -> TrustedKey:
    """Accept bundles that another installation signs."""
    access.require_admin(ctx, actor, "trust keys")
    period = {"from": valid_from.isoformat(), "until": valid_until.isoformat() if valid_until else None}
    # First the trail: nothing is trusted of which it does not tell.
    _record(ctx, actor, EventTag.KEY_TRUSTED, key_id(public_key), name=name, valid=period)
    return KeyFolder(ctx.settings.keys_path).trust(
        name, public_key, valid_from=valid_from, valid_until=valid_until
    )


def revoke(ctx: Context, *, actor: Actor, wanted: str) -> TrustedKey:
    """Refuse whatever a key signed, for good. It is refused even if that cannot be written down."""
    access.require_admin(ctx, actor, "revoke keys")
    folder = KeyFolder(ctx.settings.keys_path)
    was_revoked = folder.find(wanted).revoked_at is not None
    key = folder.revoke(wanted, now=ctx.clock().replace(microsecond=0))
    if not was_revoked:
        _record(ctx, actor, EventTag.KEY_REVOKED, key.id, name=key.name)
    return key


def allowed_signers(ctx: Context) -> list[str]:
    """
    Lines of git's ``gpg.ssh.allowedSignersFile``: with which keys commits of this installation are signed.

    Keys that were replaced come first, valid until then.
    """
    folder = KeyFolder(ctx.settings.keys_path)
    principal = f"{installation.uid(ctx)}@airflow-release"
    present = folder.signing_key()
    return [
        *(
            f'{principal} namespaces="{NAMESPACE}",valid-before="{until:%Y%m%d%H%M%S}Z" {openssh_key(key)}'
            for key, until in folder.former()
        ),
        f'{principal} namespaces="{NAMESPACE}" {openssh_key(present.public_key)}',
    ]


def _record(ctx: Context, actor: Actor, tag: EventTag, key: str, **data: JsonValue) -> None:
    audit.record(ctx, actor=actor, tag=tag, subject=f"key:{key[:16]}", key=key, **data)
