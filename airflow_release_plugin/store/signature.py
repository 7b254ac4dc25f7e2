"""
Signatures of commits, as git makes them with SSH keys: SSHSIG over the commit, in its header ``gpgsig``.

https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig, https://git-scm.com/docs/signature-format
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Protocol

NAMESPACE = "git"
"""What the signature is for: one that was made for something else does not count."""

_KIND = b"ssh-ed25519"
_MAGIC = b"SSHSIG"
_VERSION = struct.pack(">I", 1)
_HASH = b"sha512"
_WIDTH = 70
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HEADER = b"gpgsig"


class Signer(Protocol):
    """An Ed25519 key that signs."""

    public_key: bytes
    """32 bytes."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        ...


def sign_commit(commit: bytes, signer: Signer) -> bytes:
    """Return the content of a commit with the signature in it. The same key gives the same bytes."""
    head, separator, message = commit.partition(b"\n\n")
    lines = _armoured(commit, signer).encode().replace(b"\n", b"\n ")
    return head + b"\n" + _HEADER + b" " + lines + separator + message


def is_signed(commit: bytes) -> bool:
    """Whether a commit says that somebody signed it; nothing is checked."""
    head = commit.partition(b"\n\n")[0]
    return any(line.startswith(_HEADER) for line in head.split(b"\n"))


def openssh_key(public_key: bytes) -> str:
    """An Ed25519 public key (32 bytes) as OpenSSH writes it: kind and base64."""
    return f"{_KIND.decode()} {base64.b64encode(_key_blob(public_key)).decode()}"


def _armoured(message: bytes, signer: Signer) -> str:
    head = (_string(NAMESPACE.encode()), _string(b""), _string(_HASH))  # between them: nothing, reserved
    signed = b"".join([_MAGIC, *head, _string(hashlib.sha512(message).digest())])
    signature = _string(_KIND) + _string(signer.sign(signed))
    blob = b"".join([_MAGIC, _VERSION, _string(_key_blob(signer.public_key)), *head, _string(signature)])
    text = base64.b64encode(blob).decode()
    return "\n".join([_BEGIN, *(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)), _END])


def _key_blob(public_key: bytes) -> bytes:
    return _string(_KIND) + _string(public_key)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
