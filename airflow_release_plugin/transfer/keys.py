"""
The folder of keys: one private key that signs exports and commits, the public ones that it had before, and a
file for each public key that imports trust.

It is on purpose plain files: whoever guards the server sees with ``ls`` and ``cat`` who is trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from airflow_release_plugin import durable
from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey, key_id
from airflow_release_plugin.domain.text.strict_json import read_record
from airflow_release_plugin.exceptions import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TransferUnavailableError,
)
from airflow_release_plugin.messages import Message
from airflow_release_plugin.transfer.attestation import SigningKey

PUBLIC_KEY_SIZE = 32
_SIGNING = "signing.pem"
_TRUSTED = "trusted"
_FORMER = "former"
_LONGEST_NAME = 100
_SHORTEST_ID = 8


def encode_public_key(public_key: bytes) -> str:
    """Return a public key as people hand it on: base64, 44 characters."""
    return base64.b64encode(public_key).decode()


def decode_public_key(text: str) -> bytes:
    """Read what :func:`encode_public_key` wrote; ``InvalidRequestError`` for anything else."""
    try:
        public_key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        public_key = b""
    if len(public_key) != PUBLIC_KEY_SIZE or encode_public_key(public_key) != text.strip():
        raise InvalidRequestError(
            "%(text)r is no public key; give the 44 characters that 'airflow release keys show' "
            "prints on the other side.",
            text=text[:60],
        )
    return public_key


@dataclass(frozen=True)
class _KeyFile:
    """A trusted key as its file has it."""

    name: str
    public_key: str
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None


class KeyFolder:
    """The keys of this installation, in the folder ``path``; made when the first key is."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def signing_file(self) -> Path:
        """Where the private key is."""
        return self.path / _SIGNING

    def generate(self, *, replacing: bool = False, now: datetime | None = None) -> SigningKey:
        """
        Make the private key.

        :param replacing: give up the present one, if there is one; others trust it until they revoke it
        :param now: until when it signed
        """
        with self._locked():
            if self.signing_file.exists():
                if not replacing:
                    raise ConflictError(
                        "There is a signing key in %(file)s already. To replace it, say so; then "
                        "the other installations have to trust the new one.",
                        file=str(self.signing_file),
                    )
                self._keep_public_part(now or datetime.now(timezone.utc))
            key = SigningKey.generate()
            self._write(self.signing_file, key.to_pem())
        return key

    def _keep_public_part(self, now: datetime) -> None:
        """Of the key that is replaced: who checks old commits needs it. One that is unusable has none."""
        try:
            public_key = SigningKey.from_pem(self.signing_file.read_bytes()).public_key
        except ValueError:
            return
        (self.path / _FORMER).mkdir(mode=0o700, exist_ok=True)
        text = f"{encode_public_key(public_key)} {now.replace(microsecond=0).isoformat()}\n"
        self._write(self.path / _FORMER / f"{key_id(public_key)}.pub", text.encode())

    def signing_key(self) -> SigningKey:
        """Read the private key. Raises ``NotFoundError`` where there is none."""
        key = self.signing_key_if_any()
        if key is None:
            raise NotFoundError(
                "There is no signing key in %(file)s. Make one with 'airflow release keys generate'.",
                file=str(self.signing_file),
            )
        return key

    def signing_key_if_any(self) -> SigningKey | None:
        """Read the private key; ``None`` where none was made. One that cannot be relied on is an error."""
        with self._reading():
            if not self.signing_file.exists():
                return None
            self._require_private()
            data = _read_private(self.signing_file)
        try:
            return SigningKey.from_pem(data)
        except ValueError as error:
            raise TransferUnavailableError(
                "%(file)s holds no usable private key. Restore it, or generate another.",
                file=str(self.signing_file),
            ) from error

    def former(self) -> tuple[tuple[bytes, datetime], ...]:
        """Public keys that signed here before the present one, each with the time it was replaced at."""
        with self._reading():
            found = [_read_former(file) for file in (self.path / _FORMER).glob("*.pub")]
        return tuple(sorted(found, key=lambda each: each[1]))

    def trusted(self) -> tuple[TrustedKey, ...]:
        """All keys that were ever trusted here, by name; each says whether it is now."""
        with self._reading():
            if not (self.path / _TRUSTED).is_dir():
                return ()
            self._require_private()
            found = [_read_trusted(file) for file in (self.path / _TRUSTED).glob("*.json")]
        return tuple(sorted(found, key=lambda key: key.name))

    def find(self, wanted: str) -> TrustedKey:
        """Return the trusted key with this name, or whose id starts like this (at least 8 digits)."""
        known = self.trusted()
        found = [key for key in known if key.name == wanted]
        if not found and len(wanted) >= _SHORTEST_ID:
            found = [key for key in known if key.id.startswith(wanted.lower())]
        if len(found) != 1:
            names = [key.name for key in known] or Message("none")
            raise NotFoundError(
                "There is no trusted key %(wanted)r; known here: %(names)s.", wanted=wanted, names=names
            )
        return found[0]

    def trust(
        self, name: str, public_key: bytes, *, valid_from: datetime, valid_until: datetime | None = None
    ) -> TrustedKey:
        """Accept bundles that this key signs, from now on or from ``valid_from`` on."""
        key = TrustedKey(name, public_key, valid_from, valid_until)
        if not name or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise InvalidRequestError(
                "%(name)r is no name for a key; use 1 to %(most)s characters.",
                name=name,
                most=_LONGEST_NAME,
            )
        if valid_until is not None and valid_until <= valid_from:
            raise InvalidRequestError("Key %(name)r would end before it begins; check both times.", name=name)
        with self._locked():
            for known in self.trusted():
                if known.id == key.id:
                    raise ConflictError(
                        "Key %(id)s is known here as %(name)r already. A revoked key cannot be trusted "
                        "again; let the other side generate a new one.",
                        id=known.id,
                        name=known.name,
                    )
                if known.name == name:
                    raise ConflictError(
                        "Another key has the name %(name)r; choose one of its own.", name=name
                    )
            self._write_trusted(key)
        return key

    def revoke(self, wanted: str, *, now: datetime) -> TrustedKey:
        """Refuse whatever this key signed, for good; revoking it twice changes nothing."""
        with self._locked():
            key = self.find(wanted)
            if key.revoked_at is None:
                key = replace(key, revoked_at=now)
                self._write_trusted(key)
        return key

    def _write_trusted(self, key: TrustedKey) -> None:
        (self.path / _TRUSTED).mkdir(mode=0o700, exist_ok=True)
        facts = {
            "name": key.name,
            "public_key": encode_public_key(key.public_key),
            "valid_from": key.valid_from.isoformat(),
            "valid_until": key.valid_until.isoformat() if key.valid_until else None,
            "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        }
        self._write(self.path / _TRUSTED / f"{key.id}.json", json.dumps(facts, indent=2).encode() + b"\n")

    def _write(self, path: Path, data: bytes) -> None:
        with durable.appearing(path) as stream:
            stream.write(data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._reading():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._require_private()
            with durable.exclusive(self.path / ".lock"):
                yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TransferUnavailableError(
                "The keys in %(path)s cannot be used: %(reason)s. Let the user whom Airflow runs "
                "as own them.",
                path=str(self.path),
                reason=error.strerror or error,
            ) from error

    def _require_private(self) -> None:
        for folder in (self.path, self.path / _TRUSTED):
            if folder.exists():
                _require_mode(folder, folder.stat().st_mode)


def _require_mode(path: Path, mode: int) -> None:
    if mode & 0o077:
        wanted = "700" if path.is_dir() else "600"
        raise TransferUnavailableError(
            "%(path)s is open to others (mode %(mode)s), so its keys cannot be relied on. Find "
            "out who could read or change them, then 'chmod %(wanted)s' it.",
            path=str(path),
            mode=f"{mode & 511:o}",
            wanted=wanted,
        )


def _read_private(path: Path) -> bytes:
    with path.open("rb") as stream:
        _require_mode(path, os.fstat(stream.fileno()).st_mode)
        return stream.read()


def _read_former(path: Path) -> tuple[bytes, datetime]:
    try:
        public_key, replaced_at = _read_private(path).decode().split()
        return decode_public_key(public_key), datetime.fromisoformat(replaced_at)
    except (ValueError, InvalidRequestError) as error:
        raise TransferUnavailableError(
            "The key file %(path)s is damaged (%(error)s). Restore or delete it.", path=str(path), error=error
        ) from error


def _read_trusted(path: Path) -> TrustedKey:
    """Read the file of a trusted key; one that cannot be read stops everything, as it may say "revoked"."""
    try:
        facts = read_record(json.loads(_read_private(path)), _KeyFile, {})
        key = TrustedKey(
            facts.name,
            decode_public_key(facts.public_key),
            facts.valid_from,
            facts.valid_until,
            facts.revoked_at,
        )
    except (ValueError, TypeError, InvalidRequestError) as error:
        raise TransferUnavailableError(
            "The key file %(path)s is damaged (%(error)s). Restore or delete it.", path=str(path), error=error
        ) from error
    if key.id != path.stem:
        raise TransferUnavailableError(
            "The key file %(path)s holds another key than its name says. Delete it.", path=str(path)
        )
    return key
