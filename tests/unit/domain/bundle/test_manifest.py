from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.bundle.manifest import (
    BundleBase,
    BundleComment,
    BundleConnection,
    BundleDag,
    BundleDiscussion,
    BundlePackage,
    BundleRemoval,
    Manifest,
    canonical_json,
    manifest_from_bytes,
    manifest_from_dict,
)
from airflow_release_plugin.domain.bundle.manifest_rules import require_sound
from airflow_release_plugin.domain.bundle.name_table import KINDS
from airflow_release_plugin.exceptions import BundleManifestError, BundleUnsafeError, BundleVersionError
from tests.harness.bundles import CONTENT, EVIDENCE, NOON, bundle_files, manifest_of

pytestmark = pytest.mark.req("R52")
PLAIN = manifest_of(bundle_files(CONTENT))
UNIT = PLAIN.units[0]
FULL = replace(
    PLAIN,
    base=BundleBase("bundle-0", "b" * 40),
    files=(*PLAIN.files[:-1], replace(PLAIN.files[-1], included=False)),
    discussions=(
        BundleDiscussion(
            EVIDENCE.release,
            (
                BundleComment("ann", NOON, "Why?", "etl.py", 3, edited=True, resolved=False),
                BundleComment("bob", NOON, "x" * 10_000),
            ),
            left_out=2,
        ),
    ),
    units=(
        replace(
            UNIT,
            previous_path="old/etl.py",
            connections=(BundleConnection("dwh", "postgres"), BundleConnection("unknown")),
            variables=("region",),
            pools=("dwh", " odd name "),
            queues=("big",),
            executors=("CeleryExecutor",),
            assets_in=("s3://in",),
            assets_out=("orders",),
            upstream_dags=("ingest",),
            triggered_dags=("report",),
            providers=(BundlePackage("apache-airflow-providers-postgres", "6.2.0"),),
            plugins=("shop.timetables",),
            teams=("sales",),
        ),
    ),
)


@pytest.mark.parametrize("manifest", [PLAIN, FULL], ids=["plain", "full"])
def test_what_is_written_is_read_again(manifest: Manifest) -> None:
    assert manifest_from_bytes(manifest.to_bytes()) == manifest
    assert manifest_from_dict(manifest.to_dict()) == manifest
    require_sound(manifest)


@given(
    names=st.lists(st.text(max_size=20), max_size=3),
    comment=st.text(max_size=2000),
    created=st.datetimes(timezones=st.just(NOON.tzinfo)),
)
def test_any_text_and_time_survives(names: list[str], comment: str, created: Any) -> None:
    decision = replace(EVIDENCE.decisions[0], comment=comment.replace("\x00", ""))
    unit = replace(
        UNIT,
        pools=tuple(name.replace("\x00", "") for name in names),
        evidence=replace(EVIDENCE, decisions=(decision,)),
    )
    manifest = replace(PLAIN, created=created, units=(unit,))

    assert manifest_from_bytes(manifest.to_bytes()) == manifest


def test_a_unit_says_by_kind_what_may_be_called_otherwise_elsewhere() -> None:
    named = FULL.units[0].named

    assert tuple(named) == KINDS
    assert list(named.values()) == [{"dwh", "unknown"}, {"region"}, {"dwh", " odd name "}, {"big"}]


@pytest.mark.parametrize(("verdict", "expected"), [("approve", True), ("reject", False)])
def test_evidence_has_an_approval_if_somebody_approved(verdict: str, expected: bool) -> None:
    decision = replace(EVIDENCE.decisions[0], verdict=verdict)

    assert replace(EVIDENCE, decisions=(decision,)).has_approval is expected
    assert not replace(EVIDENCE, decisions=()).has_approval


@pytest.mark.parametrize(
    ("releases", "match"),
    [
        (("R-000099",), "released none of its units"),
        ((EVIDENCE.release,) * 2, "discussion of release .* twice"),
    ],
)
def test_a_discussion_is_of_a_release_of_the_bundle_and_there_once(
    releases: tuple[str, ...], match: str
) -> None:
    talked = replace(PLAIN, discussions=tuple(BundleDiscussion(release) for release in releases))

    with pytest.raises(BundleManifestError, match=match):
        require_sound(talked)


def test_the_spelling_that_is_signed_never_changes() -> None:
    assert PLAIN.to_bytes() == canonical_json(json.loads(PLAIN.to_bytes()))
    assert PLAIN.to_bytes().startswith(b'{"airflow_version":"3.3.2","approved":true,"base":null,"bundle_id":')
    assert b'"at":"2026-09-21T10:00:00+00:00","change_digest":"ccc' in PLAIN.to_bytes()


def _put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(raw: dict[str, Any]) -> None:
        holder: Any = raw
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_put("more", value=1), "unknown key 'more' in Manifest"),
        (_put("units", 0, "evidence", "more", value=1), r"units\[0\]: evidence: unknown key 'more'"),
        (_put("nonce", value=None), "Manifest lacks 'nonce'"),
        (_put("files", 1, "sha256", value=7), r"files\[1\]: sha256 must be text, not int"),
        (_put("files", 0, "size", value=-1), r"files\[0\]: size must be 0 to"),
        (_put("files", 0, "size", value=1.0), r"files\[0\]: size must be a whole number"),
        (_put("files", 0, "included", value="no"), "included must be true or false"),
        (_put("files", value={}), "files must be a list, not dict"),
        (_put("files", 0, value="etl.py"), r"files\[0\]: BundleFile must be a mapping, not str"),
        (_put("units", 0, "files", value="etl.py"), "files must be a list, not str"),
        (_put("units", 0, "dags", 0, "tasks", value=[1]), r"dags\[0\]: tasks must be text"),
        (_put("units", 0, "unit_id", value="x" * 1001), "at most 1000 characters"),
        (_put("approved", value=1), "approved must be true or false"),
        (_put("created", value="2026-09-21"), "created must be a time like"),
        (_put("created", value="2026-09-21T12:00:00"), "created must be a time like"),
        (_put("created", value="2026-09-21T14:00:00+02:00"), "created must be a time like"),
        (_put("created", value=1), "created must be text"),
        (_put("base", value=[]), "BundleBase must be a mapping"),
        (_put("format_version", value="1"), "whole number"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], None], match: str
) -> None:
    raw = PLAIN.to_dict()
    change(raw)

    with pytest.raises(BundleManifestError, match=match):
        manifest_from_dict(raw)


@pytest.mark.parametrize("raw", [None, [], "x", 1])
def test_what_is_no_mapping_is_refused(raw: object) -> None:
    with pytest.raises(BundleManifestError, match="must be a mapping"):
        manifest_from_dict(raw)


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_format_is_refused_before_its_keys_are_looked_at(version: int) -> None:
    with pytest.raises(BundleVersionError, match=f"has format {version}; .* reads 1"):
        manifest_from_dict({"format_version": version, "of": "a later version"})


def _units(**changes: Any) -> Manifest:
    return replace(PLAIN, units=(replace(UNIT, **changes),))


def _file(**changes: Any) -> Manifest:
    return replace(PLAIN, files=(replace(PLAIN.files[0], **changes), *PLAIN.files[1:]))


@pytest.mark.parametrize(
    ("manifest", "match"),
    [
        (replace(PLAIN, bundle_id="../x"), "'../x' is no identifier"),
        (replace(PLAIN, installation_id=""), "'' is no identifier"),
        (replace(PLAIN, commit="HEAD"), "'HEAD' is no commit"),
        (replace(PLAIN, commit=""), "approved, but names no commit"),
        (replace(PLAIN, base=BundleBase("bundle-1", "")), "its own base"),
        (replace(PLAIN, base=BundleBase("b", "x")), "'x' is no commit"),
        (replace(PLAIN, nonce="0" * 31), "no nonce"),
        (replace(PLAIN, nonce="G" * 32), "no nonce"),
        (replace(PLAIN, expires=NOON), "expires before it was created"),
        (replace(PLAIN, environment=" "), "' ' is no text"),
        (replace(PLAIN, python_version=""), "'' is no text"),
        (replace(PLAIN, files=PLAIN.files[::-1]), "not sorted by path"),
        (replace(PLAIN, files=PLAIN.files[1:]), "needs 'etl.py', which the bundle does not name"),
        (replace(PLAIN, units=()), "it has no unit"),
        (_file(sha256="A" * 64), "'etl.py' has no SHA-256"),
        (_file(mode=0o120777), "'etl.py' has mode 120777"),
        (_file(included=False), "no base that has it"),
        (_units(files=("etl.py",)), "'shop/__init__.py' belongs to no unit"),
        (_units(files=UNIT.files[::-1]), "are not sorted"),
        (_units(path="other.py"), "with itself among them"),
        (_units(unit_id=""), "no id or no digest"),
        (_units(digest="d"), "no id or no digest"),
        (_units(dags=()), "has no DAG"),
        (_units(dags=(BundleDag(""),)), "has no DAG"),
        (_units(dags=(BundleDag("a"), BundleDag("a"))), "DAG 'a' is there twice"),
        (_units(previous_path="../x"), "previous path '../x' cannot be used"),
        (_units(previous_path="etl.py"), "it was not renamed"),
        (_units(evidence=None), "approved, but names no release"),
        (replace(PLAIN, units=(UNIT, UNIT)), "DAG file 'etl.py' is there twice"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(manifest: Manifest, match: str) -> None:
    with pytest.raises(BundleManifestError, match=match):
        require_sound(manifest)


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"../etl.py": b""}, "cannot travel"),
        ({"etl.py": b"", "ETL.py": b""}, "get into each other's way"),
    ],
)
def test_paths_that_may_do_harm_are_refused(files: dict[str, bytes], match: str) -> None:
    with pytest.raises(BundleUnsafeError, match=match):
        require_sound(manifest_of(bundle_files(files)))


def test_a_removal_may_do_no_harm_either() -> None:
    gone = BundleRemoval("unit-2", "../old.py", ("old",))

    with pytest.raises(BundleUnsafeError, match="cannot travel"):
        require_sound(replace(FULL, removed=(gone,)))
    with pytest.raises(BundleManifestError, match="no base that has them"):
        require_sound(replace(PLAIN, removed=(replace(gone, path="old.py"),)))
    with pytest.raises(BundleManifestError, match="'unit-1' is there twice"):
        require_sound(replace(FULL, removed=(replace(gone, path="old.py", unit_id="unit-1"),)))


def test_only_so_many_problems_are_told() -> None:
    files = bundle_files({f"{number:03}.py": b"" for number in range(50)})
    manifest = manifest_of([replace(file, sha256="") for file in files])

    with pytest.raises(BundleManifestError) as raised:
        require_sound(manifest)

    assert len(raised.value.context["problems"]) == 20


def test_a_bundle_from_a_source_needs_neither_commit_nor_release() -> None:
    require_sound(replace(_units(evidence=None, version=0), approved=False, commit=""))


def test_the_ids_of_a_unit_are_those_of_its_dags() -> None:
    assert UNIT.dag_ids == ("etl",)
