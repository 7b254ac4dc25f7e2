"""Keys that sign bundles, and which of them an installation trusts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class KeyStanding(str, Enum):
    """What a key is worth at a time."""

    VALID = "valid"
    """What it signed is accepted."""
    EARLY = "not yet valid"
    """Its time has not come."""
    EXPIRED = "expired"
    """Its time is over."""
    REVOKED = "revoked"
    """Somebody gave it up; it never becomes valid again."""


def key_id(public_key: bytes) -> str:
    """Return the SHA-256 (64 hex digits) of a raw Ed25519 public key (32 bytes)."""
    return hashlib.sha256(public_key).hexdigest()


@dataclass(frozen=True)
class TrustedKey:
    """
    The public key of another installation, under a name that people gave it here.

    :param public_key: 32 bytes
    :param valid_until: ``None`` for as long as nobody revokes it
    """

    name: str
    public_key: bytes
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def id(self) -> str:
        """What bundles name it by."""
        return key_id(self.public_key)

    def standing(self, now: datetime) -> KeyStanding:
        """What the key is worth."""
        if self.revoked_at is not None:
            return KeyStanding.REVOKED
        if self.valid_until is not None and self.valid_until <= now:
            return KeyStanding.EXPIRED
        return KeyStanding.VALID if self.valid_from <= now else KeyStanding.EARLY
