"""Short ways to bundles: an installation that may make them, one that is made, and what is in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from airflow_release_plugin.domain.bundle.export_request import ExportRequest
from airflow_release_plugin.domain.bundle.manifest import Manifest
from airflow_release_plugin.domain.bundle.trusted_keys import TrustedKey
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ExportState
from airflow_release_plugin.models import Export
from airflow_release_plugin.services.exports import exports, job
from airflow_release_plugin.transfer.keys import KeyFolder
from airflow_release_plugin.transfer.reader import read_bundle
from tests.harness.context import ADMIN, DEV, World, steps_of


def with_transfers(world: World, folder: Path) -> World:
    """The same installation with a signing key in ``folder``."""
    ready = placed(world, folder)
    KeyFolder(ready.ctx.settings.keys_path).generate()
    return ready


def placed(world: World, folder: Path) -> World:
    """The same installation with its keys in ``folder``."""
    settings = replace(world.ctx.settings, keys_path=folder / "keys")
    return replace(world, ctx=replace(world.ctx, settings=settings))


def ask(world: World, *names: str, actor: Actor = DEV, **export_request: Any) -> Export:
    """Ask for an export; nobody makes it yet."""
    return exports.request(
        world.ctx, actor=actor, export_request=ExportRequest(names=names, **export_request)
    )


def made(world: World, *names: str, actor: Actor = DEV, **export_request: Any) -> Export:
    """An export whose file is there."""
    row = ask(world, *names, actor=actor, **export_request)
    job.run_once(work=steps_of(world))
    assert row.state is ExportState.READY, row.error
    return row


def content_of(world: World, row: Export) -> tuple[Manifest, dict[str, str]]:
    """What an importer that trusts us reads."""
    now = world.ctx.clock()
    public = KeyFolder(world.ctx.settings.keys_path).signing_key().public_key
    trusted = [TrustedKey("us", public, now - timedelta(days=1))]
    bundle = read_bundle(BytesIO(bytes_of(world, row)), trusted=trusted, now=now)
    return bundle.manifest, {file.path: bundle.read(file.path).decode() for file, _ in bundle.files()}


def bytes_of(world: World, row: Export) -> bytes:
    """The file of an export, as it is downloaded."""
    found = exports.fetch(world.ctx, actor=ADMIN, export_id=row.id)
    return b"".join(found.read(work=steps_of(world)))
