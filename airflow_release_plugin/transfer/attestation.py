"""
What is signed, and how: an in-toto statement, say about every file of a bundle, in a DSSE envelope.

https://github.com/secure-systems-lab/dsse, https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from airflow_release_plugin.domain.bundle.manifest import Manifest, canonical_json
from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey, key_id
from airflow_release_plugin.exceptions import BundleAlteredError, BundleMalformedError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.transfer.layout import FOLDER, MANIFEST

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:airflow-release:bundle:1"
# Nothing that is not signed reaches a JSON parser: there is one spelling, as canonical_json writes it.
_ENVELOPE = re.compile(
    rb'\{"payload":"([A-Za-z0-9+/]*={0,2})","payloadType":"application/vnd\.in-toto\+json",'
    rb'"signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([A-Za-z0-9+/]{86}==)"\}\]\}'
)


class SigningKey:
    """The private key of this installation."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.id = key_id(self.public_key)

    @classmethod
    def generate(cls) -> SigningKey:
        """Return a new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, data: bytes) -> SigningKey:
        """Read what :meth:`to_pem` wrote; ``ValueError`` for anything else."""
        try:
            private = serialization.load_pem_private_key(data, password=None)
        except (TypeError, UnsupportedAlgorithm) as error:  # with a password, or of an exotic kind
            raise ValueError(str(error)) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("it is not an Ed25519 key")  # noqa: TRY004 (a value, not a type of the caller's)
        return cls(private)

    def to_pem(self) -> bytes:
        """The secret itself (PKCS #8, without a password)."""
        return self._private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(data)


@dataclass(frozen=True)
class Envelope:
    """
    A signed payload.

    :param payload: the statement, as it was signed
    :param key_id: whose signature it claims to be
    """

    payload: bytes
    key_id: str
    signature: bytes

    def to_bytes(self) -> bytes:
        """JSON; :func:`read_envelope` is the inverse."""
        return canonical_json(
            {
                "payload": base64.b64encode(self.payload).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": self.key_id, "sig": base64.b64encode(self.signature).decode()}],
            }
        )

    def is_signed_with(self, public_key: bytes) -> bool:
        """Whether the payload is what the key signed."""
        try:
            key = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(self.signature, pre_authentication(self.payload))
        except (InvalidSignature, ValueError):
            return False
        return True

    def require_signature_of(self, key: TrustedKey) -> None:
        """Refuse a payload that the key did not sign."""
        if not self.is_signed_with(key.public_key):
            raise BundleAlteredError(
                Message(
                    "The bundle is not what %(key)r signed: it was changed, or another key was used. "
                    "Transfer it again; if that does not help, ask where it comes from.",
                    key=key.name,
                ),
                key=key.id,
            )


def pre_authentication(payload: bytes) -> bytes:
    """Return what DSSE signs: type and payload, each with its length."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def attest(manifest: Manifest, sha256: str, key: SigningKey) -> Envelope:
    """
    Sign what a bundle holds.

    :param sha256: of the manifest's bytes
    """
    return sign(statement(manifest, sha256), key)


def sign(payload: bytes, key: SigningKey) -> Envelope:
    """Sign a statement."""
    return Envelope(payload, key.id, key.sign(pre_authentication(payload)))


def statement(manifest: Manifest, sha256: str) -> bytes:
    """
    Return the statement of a bundle: all of it follows from the manifest.

    :param sha256: of the manifest's bytes, which whoever has them does not write again
    """
    subjects = {f"{FOLDER}{file.path}": file.sha256 for file in manifest.included}
    subjects[MANIFEST] = sha256
    return canonical_json(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": subjects[name]}} for name in sorted(subjects)],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "bundle": manifest.bundle_id,
                "installation": manifest.installation_id,
                "environment": manifest.environment,
                "commit": manifest.commit,
                "approved": manifest.approved,
                "units": [
                    {
                        "unit": unit.unit_id,
                        "digest": unit.digest,
                        "evidence": unit.evidence,
                    }
                    for unit in manifest.units
                ],
            },
        }
    )


def read_envelope(data: bytes) -> Envelope:
    """Take an envelope apart; whoever wants to rely on it checks the signature first."""
    found = _ENVELOPE.fullmatch(data)
    if found:
        with suppress(binascii.Error):
            payload, signature = (base64.b64decode(found[part], validate=True) for part in (1, 3))
            envelope = Envelope(payload, found[2].decode(), signature)
            if envelope.to_bytes() == data:  # base64 has several spellings of the same bytes
                return envelope
    raise BundleMalformedError("The bundle's signature is not written as Airflow Release writes it.")


def attested_manifest_digest(payload: bytes) -> str:
    """SHA-256 of the manifest, from a statement whose signature was checked; empty if it names none."""
    try:
        subjects = json.loads(payload)["subject"]
        digests = {subject["name"]: subject["digest"]["sha256"] for subject in subjects}
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    found: object = digests.get(MANIFEST) if isinstance(digests, Mapping) else None
    return found if isinstance(found, str) else ""
