"""What a bundle brought stays as it was signed, for reviewers and for the bundles that build on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.manifest import BundleBase, Manifest
from airflow_release_plugin.domain.states import ImportState
from airflow_release_plugin.exceptions import BundleManifestError, ConflictError
from airflow_release_plugin.models import Import
from airflow_release_plugin.services.imports import upstream_files
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.base import import_ref
from airflow_release_plugin.transfer.reader import open_bundle
from airflow_release_plugin.transfer.writer import SourceFile, write_bundle
from tests.harness.bundles import CONTENT, KEY, NOON, TRUSTED, bundle_files, manifest_of

pytestmark = pytest.mark.req("R53")
Kept = tuple[Manifest, str]


@pytest.fixture
def keep(ctx: Context, tmp_path: Path) -> Callable[..., Kept]:
    """Keep a bundle of this content, which lacks some files that its base has."""

    def kept(content: Mapping[str, bytes] = CONTENT, lacks: tuple[str, ...] = (), **changes: Any) -> Kept:
        whole = manifest_of(bundle_files(content), **changes)
        files = tuple(replace(file, included=file.path not in lacks) for file in whole.files)
        path = tmp_path / f"{whole.bundle_id}.dagbundle"
        sent = [SourceFile(f.path, f.mode, [content[f.path]]) for f in files if f.included]
        write_bundle(path, files=sent, manifest=lambda _: replace(whole, files=files), key=KEY)
        with open_bundle(path, trusted=[TRUSTED], now=NOON) as bundle:
            base = upstream_files.base_commit(ctx, bundle.manifest)
            read = upstream_files.reader(ctx, bundle, base)
            assert {file.path: read(file.path) for file in files} == content
            commit = upstream_files.keep(ctx, bundle, base)
            assert commit == upstream_files.keep(ctx, bundle, base)
            return bundle.manifest, commit

    return kept


def applied(ctx: Context, kept: Kept, **other: Any) -> BundleBase:
    """What an incremental bundle says of the one before, which was applied here."""
    manifest, commit = kept
    known: dict[str, Any] = {"source_uid": manifest.installation_id, "state": ImportState.APPLIED, **other}
    row = Import(
        file_name="a.dagbundle",
        file_size=1,
        bundle_id=manifest.bundle_id,
        applied_bundle_id=manifest.bundle_id,
        manifest=manifest.to_dict(),
        commit_id=commit,
        uploaded_by_id="1",
        uploaded_by_name="dev",
        uploaded_at=ctx.clock(),
        **known,
    )
    ctx.session.add(row)
    ctx.session.flush()
    return BundleBase(manifest.bundle_id, manifest.commit)


def tree(ctx: Context, commit: str) -> dict[str, bytes]:
    return {path: ctx.store.read(entry.blob) for path, entry in ctx.store.files(commit).items()}


def test_the_files_are_kept_byte_for_byte_under_the_name_of_the_bundle(
    ctx: Context, keep: Callable[..., Kept]
) -> None:
    manifest, commit = keep(bundle_id="..strange.lock")
    upstream_files.name(ctx, manifest, commit)
    upstream_files.name(ctx, manifest, commit)

    assert tree(ctx, commit) == CONTENT
    assert ctx.store.ref(import_ref("..strange.lock")) == commit


def test_an_incremental_bundle_adds_to_what_the_one_before_brought(
    ctx: Context, keep: Callable[..., Kept]
) -> None:
    base = applied(ctx, keep())
    lacks = ("shop/tables.py", "sql/orders.sql")

    _, commit = keep({**CONTENT, "etl.py": b"x = 2\n"}, lacks, bundle_id="bundle-2", base=base)

    assert tree(ctx, commit) == {**CONTENT, "etl.py": b"x = 2\n"}


def test_a_folder_that_became_a_file_and_a_file_that_became_a_folder_are_no_hindrance(
    ctx: Context, keep: Callable[..., Kept]
) -> None:
    base = applied(ctx, keep({"etl.py": b"", "conf/a.json": b"{}", "data": b"1"}))

    _, commit = keep({"etl.py": b"", "conf": b"x", "data/b.csv": b"2"}, bundle_id="bundle-2", base=base)

    assert tree(ctx, commit) == {"etl.py": b"", "conf": b"x", "data/b.csv": b"2"}


@pytest.mark.parametrize(
    "other", [{"state": ImportState.CHECKED}, {"source_uid": "plant-b"}], ids=["not applied", "of others"]
)
def test_a_base_that_was_not_applied_or_came_from_elsewhere_is_missing(
    ctx: Context, keep: Callable[..., Kept], other: dict[str, Any]
) -> None:
    base = applied(ctx, keep(), **other)

    with pytest.raises(ConflictError, match="never applied here"):
        keep(bundle_id="bundle-2", base=base)


def test_a_base_with_another_commit_is_missing(ctx: Context, keep: Callable[..., Kept]) -> None:
    base = replace(applied(ctx, keep()), commit="b" * 40)

    with pytest.raises(ConflictError, match="never applied here"):
        keep(bundle_id="bundle-2", base=base)


@pytest.mark.parametrize("path", ["sql/orders.sql", "sql/new.sql"])
def test_a_file_that_the_base_has_not_or_not_like_that_is_refused(
    ctx: Context, keep: Callable[..., Kept], path: str
) -> None:
    base = applied(ctx, keep())

    with pytest.raises(BundleManifestError, match="does not carry"):
        keep({**CONTENT, path: b"SELECT 2"}, (path,), bundle_id="bundle-2", base=base)
