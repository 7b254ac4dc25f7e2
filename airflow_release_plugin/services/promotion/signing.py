"""
With which key an environment's commits are signed, so that plain git can tell who vouches for them.

Where no key was made, commits are not signed, and nothing here relies on it: git tells whoever verifies. From
the first signed commit on a branch, every one is signed: a server that lacks the key, or has one that others
could read, promotes nothing rather than leave a gap that looks like somebody else's commit.
"""

from __future__ import annotations

from airflow_release_plugin.exceptions import SigningKeyMissingError, TransferUnavailableError
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.signature import Signer, is_signed
from airflow_release_plugin.transfer.keys import KeyFolder


def signer(ctx: Context, *, parent: str | None) -> Signer | None:
    """
    The installation's key; ``None`` where none was ever made.

    :param parent: commit that the new one follows
    :raises SigningKeyMissingError: the branch is signed, and there is no key here
    :raises TransferUnavailableError: there is a key, which cannot be relied on
    """
    folder = KeyFolder(ctx.settings.keys_path)
    key = folder.signing_key_if_any()
    if key is None and parent is not None and is_signed(ctx.store.commit_content(parent)):
        raise SigningKeyMissingError(
            "Commits of %(environment)r are signed, and this server has no signing key in "
            "%(signing_file)s. Bring it there from another API server or from the backup, or "
            "make a new one with 'airflow release keys generate'; then retry.",
            environment=ctx.settings.environment,
            signing_file=folder.signing_file,
        )
    return key


def is_key_missing(ctx: Context) -> bool:
    """Whether nothing can be promoted from here, for want of a key that can be relied on."""
    head = ctx.store.head(ctx.settings.environment)
    if head is None or not is_signed(ctx.store.commit_content(head)):
        return False
    try:
        return KeyFolder(ctx.settings.keys_path).signing_key_if_any() is None
    except TransferUnavailableError:
        return True
