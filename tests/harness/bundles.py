"""Bundle files for tests: proper ones, and such as no writer of ours would make."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airflow_release_plugin.domain.bundle.manifest import (
    FORMAT_VERSION,
    BundleDag,
    BundleDecision,
    BundleEvidence,
    BundleFile,
    BundleUnit,
    Manifest,
)
from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey
from airflow_release_plugin.domain.tree.files import REGULAR
from airflow_release_plugin.transfer.attestation import SigningKey, attest
from airflow_release_plugin.transfer.layout import (
    ATTESTATION,
    FOLDER,
    MANIFEST,
    Member,
    end_record,
)
from airflow_release_plugin.transfer.writer import SourceFile, write_bundle

NOON = datetime(2026, 9, 21, 12, 0, 0, tzinfo=timezone.utc)
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
OTHER_KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
TRUSTED = TrustedKey("plant A", KEY.public_key, NOON - timedelta(days=1))
CONTENT = {
    "etl.py": b"from shop import tables\n" * 40,
    "shop/__init__.py": b"",
    "shop/tables.py": b"TABLES = ['orders', 'customers']\n",
    "sql/orders.sql": "SELECT 'naïve' FROM orders\n".encode(),
}
EVIDENCE = BundleEvidence(
    release="R-000007",
    requested_by="author",
    released_at=NOON - timedelta(hours=1),
    flow="Two teams",
    flow_revision=3,
    change_digest="c" * 64,
    decisions=(
        BundleDecision(
            "Reviewers", "reviewer", "approve", NOON - timedelta(hours=2), "c" * 64, "fine\nby me"
        ),
    ),
)


def manifest_of(files: Iterable[BundleFile], **changes: Any) -> Manifest:
    """A sound manifest of one unit that has all files; the first Python file is its DAG file."""
    known = tuple(files)
    path = next(file.path for file in known if file.path.endswith(".py"))
    unit = BundleUnit(
        unit_id="unit-1",
        path=path,
        files=tuple(file.path for file in known),
        dags=(BundleDag("etl", "@daily", ("extract", "load"), ("sales",), ("ada",)),),
        version=4,
        digest="d" * 64,
        evidence=EVIDENCE,
    )
    plain = Manifest(
        format_version=FORMAT_VERSION,
        bundle_id="bundle-1",
        installation_id="plant-a",
        environment="prod",
        commit="a" * 40,
        created=NOON,
        expires=NOON + timedelta(days=3),
        nonce="0" * 32,
        approved=True,
        airflow_version="3.3.2",
        python_version="3.12.1",
        files=known,
        units=(unit,),
    )
    return replace(plain, **changes)


def bundle_files(content: Mapping[str, bytes]) -> list[BundleFile]:
    """What a truthful manifest says about files."""
    return [
        BundleFile(path, sha256(data).hexdigest(), len(data), REGULAR)
        for path, data in sorted(content.items())
    ]


def write(path: Path, content: Mapping[str, bytes] = CONTENT, key: SigningKey = KEY, **changes: Any) -> Path:
    """A proper bundle file; ``changes`` are fields of its manifest."""
    files = [SourceFile(name, REGULAR, [data]) for name, data in sorted(content.items())]
    write_bundle(path, files=files, manifest=lambda written: manifest_of(written, **changes), key=key)
    return path


@dataclass(frozen=True)
class Raw:
    """A member to forge; ``size`` is what its headers shall say if that is a lie."""

    name: str | bytes
    data: bytes
    mode: int = REGULAR
    size: int | None = None


def raws(content: Mapping[str, bytes], manifest: Manifest, key: SigningKey = KEY) -> list[Raw]:
    """Members of a bundle, properly signed, whatever the manifest says."""
    return [
        *(Raw(f"{FOLDER}{path}", data) for path, data in sorted(content.items())),
        Raw(MANIFEST, manifest.to_bytes()),
        Raw(ATTESTATION, attest(manifest, sha256(manifest.to_bytes()).hexdigest(), key).to_bytes()),
    ]


def archive(members: Iterable[Raw]) -> bytes:
    """A file that is laid out like a bundle, with any members."""
    body, directory, count = b"", b"", 0
    for raw in members:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(raw.data) + packer.flush()
        size = len(raw.data) if raw.size is None else raw.size
        name = raw.name if isinstance(raw.name, bytes) else raw.name.encode()
        member = Member(name, raw.mode, zlib.crc32(raw.data), len(packed), size, len(body))
        body += member.local_header() + packed
        directory += member.central_header()
        count += 1
    return body + directory + end_record(count, len(directory), len(body))
