"""Short ways to imports: a bundle of another installation that is trusted here, and its way in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow_release_plugin.domain.bundle.manifest import Manifest
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.models import Import, Submission
from airflow_release_plugin.services.imports import imports
from airflow_release_plugin.transfer.keys import KeyFolder
from tests.harness.bundles import CONTENT, KEY, write
from tests.harness.context import ADMIN, World
from tests.harness.exports import with_transfers


def with_imports(world: World, folder: Path) -> World:
    """The same installation with its keys in ``folder``; it trusts plant A."""
    ready = with_transfers(world, folder)
    KeyFolder(ready.ctx.settings.keys_path).trust(
        "plant A", KEY.public_key, valid_from=ready.ctx.clock() - timedelta(days=1)
    )
    return ready


def switched_off(world: World) -> World:
    """The same installation without imports."""
    settings = replace(world.ctx.settings, imports_enabled=False)
    return replace(world, ctx=replace(world.ctx, settings=settings))


def bundle_bytes(world: World, content: dict[str, bytes] | None = None, **changes: Any) -> bytes:
    """A proper bundle of plant A, valid for three days from now; ``changes`` are fields of its manifest."""
    now = world.ctx.clock()
    path = world.twin.root.parent / "sent.dagbundle"
    lasting = {"created": now, "expires": now + timedelta(days=3), **changes}
    return write(path, content or CONTENT, **lasting).read_bytes()


def sent(world: World, data: bytes, *, actor: Actor = ADMIN, name: str = "a.dagbundle") -> Import:
    """An import whose bytes are all here; nobody looked at them yet."""
    row = imports.begin(world.ctx, actor=actor, file_name=name, file_size=len(data))
    return imports.append(world.ctx, actor=actor, import_id=row.id, offset=0, chunks=[data])


def uploaded(world: World, data: bytes | None = None, *, actor: Actor = ADMIN, **changes: Any) -> Import:
    """What became of a bundle that was sent whole."""
    row = sent(world, bundle_bytes(world, **changes) if data is None else data, actor=actor)
    return imports.complete(world.ctx, actor=actor, import_id=row.id)


def brought(world: World, manifest: Manifest, *names: str, **options: Any) -> list[Submission]:
    """Versions as an import of this bundle leaves them."""
    row = Import(
        state=ImportState.APPLIED,
        file_name="a.dagbundle",
        file_size=1,
        manifest=manifest.to_dict(),
        signer="plant A",
        options={"rewritten": {}, **options},
        uploaded_by_id="4",
        uploaded_by_name="admin",
        uploaded_at=world.ctx.clock(),
    )
    world.ctx.session.add(row)
    world.ctx.session.flush()
    units = [unit.unit_id for unit in (*manifest.units, *manifest.removed)]
    made = [world.submit(world.dag(name)) for name in names]
    for version, unit_id in zip(made, units, strict=True):
        version.unit.origin, version.import_id = unit_id, row.id
    return made
