"""Reviewers see who agreed where an import comes from, and what of that is not about the same text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.manifest import BundleRemoval, BundleUnit, Manifest
from airflow_release_plugin.services.imports import evidence
from airflow_release_plugin.services.imports.evidence import why_not_enough
from airflow_release_plugin.services.read_models import release_page
from tests.harness.bundles import CONTENT, EVIDENCE, bundle_files, manifest_of
from tests.harness.context import DEV, World
from tests.harness.imports import brought

pytestmark = pytest.mark.req("R58")
MANIFEST = manifest_of(bundle_files(CONTENT))


def test_the_page_of_a_release_names_who_agreed_where_it_comes_from(world: World) -> None:
    release = world.report(world.request(*brought(world, MANIFEST, "etl")))

    (found,) = release_page.get_release(world.ctx, actor=DEV, release_id=release.id).evidence

    assert (found.signer, found.installation_id, found.approved) == ("plant A", "plant-a", True)
    (unit,) = found.units
    assert (unit.version, unit.approval, unit.rewritten) == (4, EVIDENCE, ())
    assert found.by_approval == {EVIDENCE: [unit]}


def test_files_with_replaced_names_are_marked(world: World) -> None:
    world.write("helper.py", "x = 1\n")
    rows = brought(world, MANIFEST, "etl", rewritten={"etl.py": "etl.py", "of_others.py": "x.py"})

    (found,) = evidence.for_submissions(world.ctx, rows)

    assert found.units[0].rewritten == ("etl.py",)


def test_a_removal_says_where_it_was(world: World) -> None:
    manifest = replace(MANIFEST, removed=(BundleRemoval("unit-2", "there/old.py", ("old",)),))

    (found,) = evidence.for_submissions(world.ctx, brought(world, manifest, "etl", "old"))

    assert (found.units[1].path_there, found.units[1].approval) == ("there/old.py", None)


def test_a_release_of_what_was_written_here_has_none(world: World) -> None:
    release = world.waiting(world.dag("etl"))

    assert release_page.get_release(world.ctx, actor=DEV, release_id=release.id).evidence == ()


def with_unit(**changes: Any) -> Manifest:
    unit: BundleUnit = replace(MANIFEST.units[0], **changes)
    return replace(MANIFEST, units=(unit,))


@pytest.mark.parametrize(
    ("manifest", "rewritten", "reason"),
    [
        (MANIFEST, (), ""),
        (replace(MANIFEST, approved=False), (), "was not released"),
        (MANIFEST, ("etl.py", "b.py"), "names in b.py and 1 more were replaced"),
        (with_unit(evidence=replace(EVIDENCE, decisions=())), (), "nobody approved etl.py there"),
        (with_unit(evidence=replace(EVIDENCE, glass_broken=True)), (), "nobody approved etl.py there"),
        (with_unit(evidence=None), (), "nobody approved etl.py there"),
    ],
)
def test_evidence_counts_here_only_if_somebody_agreed_to_exactly_that(
    manifest: Manifest, rewritten: tuple[str, ...], reason: str
) -> None:
    found = why_not_enough(manifest, rewritten)

    assert reason in found
    assert bool(found) is bool(reason)
