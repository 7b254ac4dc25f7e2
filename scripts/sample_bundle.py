"""A bundle of another plant for the pictures: two good DAGs that need things which no demo has."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow_release_plugin.domain.bundle.manifest import (
    FORMAT_VERSION,
    BundleConnection,
    BundleDag,
    BundleDecision,
    BundleEvidence,
    BundleFile,
    BundleUnit,
    Manifest,
)
from airflow_release_plugin.domain.tree.files import REGULAR
from airflow_release_plugin.transfer.attestation import SigningKey
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.writer import SourceFile, write_bundle

_DAG = """from datetime import datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

CONNECTION = "{connection}"

with DAG("{name}", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False):
    EmptyOperator(task_id="load", pool="{pool}")
"""
_NEEDS = {
    "press_shop_yield": ("press_shop", "postgres", "heavy"),
    "paint_line_report": ("paint_line", "mssql", "heavy"),
}


def write(path: Path, keys: Path) -> Path:
    """Write the bundle to ``path``; the installation of ``keys`` trusts the key that signs it from now on."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    key = SigningKey.generate()
    KeyFolder(keys).trust("Plant Dresden", key.public_key, valid_from=now - timedelta(days=1))
    files = [
        SourceFile(
            f"{name}.py", REGULAR, [_DAG.format(name=name, connection=needs[0], pool=needs[2]).encode()]
        )
        for name, needs in sorted(_NEEDS.items())
    ]
    write_bundle(path, files=files, manifest=lambda written: _manifest(tuple(written), now), key=key)
    return path


def _manifest(files: tuple[BundleFile, ...], now: datetime) -> Manifest:
    agreed = BundleDecision("Plant managers", "k.weber", "approve", now - timedelta(hours=3), "c" * 64)
    evidence = BundleEvidence(
        "R-000184", "j.lange", now - timedelta(hours=2), "Plants", 5, "c" * 64, decisions=(agreed,)
    )
    units = tuple(
        BundleUnit(
            unit_id=f"dresden:{name}",
            path=f"{name}.py",
            files=(f"{name}.py",),
            dags=(BundleDag(name, "@daily", ("load",), ("plant",), ("lange",)),),
            version=number,
            digest="d" * 64,
            connections=(BundleConnection(connection, kind),),
            pools=(pool,),
            evidence=evidence,
        )
        for number, (name, (connection, kind, pool)) in enumerate(sorted(_NEEDS.items()), start=3)
    )
    return Manifest(
        format_version=FORMAT_VERSION,
        bundle_id="1f0c7a52-6d3e-4a6f-9a43-3f2b8f6d9c10",
        installation_id="7b1d1c9e-02a4-4f0e-8a55-9d0b4f2f6a31",
        environment="prod",
        commit="a" * 40,
        created=now - timedelta(hours=1),
        expires=now + timedelta(days=29),
        nonce="0" * 32,
        approved=True,
        airflow_version="3.2.0",
        python_version="3.10.0",
        files=files,
        units=units,
    )
