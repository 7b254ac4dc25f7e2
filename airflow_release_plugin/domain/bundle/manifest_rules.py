"""What must hold between the parts of a manifest, whoever wrote it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from airflow_release_plugin.domain.bundle.manifest import BundleBase, BundleFile, BundleUnit, Manifest
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR
from airflow_release_plugin.domain.tree.paths import clash, path_problem
from airflow_release_plugin.exceptions import BundleManifestError, BundleUnsafeError

_SHOWN = 20
_IDENTIFIER = re.compile(r"[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NO_COMMIT = "0" * 40
_SOMETHING = re.compile(r"\S.*", re.DOTALL)
_NONCE = re.compile(r"[0-9a-f]{32,128}")


def require_sound(manifest: Manifest) -> None:
    """
    Refuse a manifest that contradicts itself.

    :raises BundleUnsafeError: a path that may do harm, or two that clash
    :raises BundleManifestError: everything else; names each problem
    """
    for file in manifest.files:
        require_safe_path(file.path)
    for gone in manifest.removed:
        require_safe_path(gone.path)
    require_no_clash(file.path for file in manifest.files)
    problems = [
        *_origin_problems(manifest),
        *(problem for file in manifest.files for problem in _file_problems(file, manifest)),
        *_unit_problems(manifest),
    ]
    if problems:
        shown = problems[:_SHOWN]
        raise BundleManifestError(f"The manifest cannot be used: {'; '.join(shown)}.", problems=shown)


def require_safe_path(path: str) -> None:
    """Refuse a path that cannot be a file below any folder, on any computer."""
    problem = path_problem(path)
    if problem:
        raise BundleUnsafeError(
            f"The file {path[:200]!r} cannot travel: {problem}. Rename it.", path=path[:200]
        )


def require_no_clash(paths: Iterable[str]) -> None:
    """Refuse paths that would be one file on some computer."""
    pair = clash(paths)
    if pair:
        raise BundleUnsafeError(
            f"The files {pair[0]!r} and {pair[1]!r} get into each other's way on some computers. Rename one.",
            paths=list(pair),
        )


def _origin_problems(manifest: Manifest) -> Iterator[str]:
    base = manifest.base or BundleBase("none", "")
    for pattern, kind, values in (
        (_IDENTIFIER, "identifier", (manifest.bundle_id, manifest.installation_id, base.bundle_id)),
        (_COMMIT, "commit", (manifest.commit or _NO_COMMIT, base.commit or _NO_COMMIT)),
        (_NONCE, "nonce of 32 to 128 hexadecimal digits", (manifest.nonce,)),
        (_SOMETHING, "text", (manifest.environment, manifest.airflow_version, manifest.python_version)),
    ):
        for value in values:
            if not pattern.fullmatch(value):
                yield f"{value[:100]!r} is no {kind}"
    if manifest.approved and not manifest.commit:
        yield "it is approved, but names no commit"
    if base.bundle_id == manifest.bundle_id:
        yield "it is its own base"
    if manifest.expires <= manifest.created:
        yield "it expires before it was created"


def _file_problems(file: BundleFile, manifest: Manifest) -> Iterator[str]:
    if not _SHA256.fullmatch(file.sha256):
        yield f"{file.path!r} has no SHA-256"
    if file.mode not in {REGULAR, EXECUTABLE}:
        yield f"{file.path!r} has mode {file.mode:o}"
    if not file.included and manifest.base is None:
        yield f"{file.path!r} is not included, but there is no base that has it"


def _unit_problems(manifest: Manifest) -> Iterator[str]:
    known = {file.path for file in manifest.files}
    if [file.path for file in manifest.files] != sorted(known):
        yield "its files are not sorted by path, once each"
    if not manifest.units and not manifest.removed:
        yield "it has no unit"
    if manifest.removed and manifest.base is None:
        yield "it removes units, but there is no base that has them"
    released = {unit.evidence.release for unit in manifest.units if unit.evidence}
    for discussion in manifest.discussions:
        if discussion.release not in released:
            yield f"it has a discussion of {discussion.release!r}, which released none of its units"
    orphans = known.difference(path for unit in manifest.units for path in unit.files)
    if orphans:
        yield f"{min(orphans)!r} belongs to no unit"
    for unit in manifest.units:
        yield from _one_unit_problems(unit, known, manifest)
    for what, names in (
        ("unit", [*(unit.unit_id for unit in manifest.units), *(gone.unit_id for gone in manifest.removed)]),
        ("DAG file", [unit.path for unit in manifest.units]),
        ("discussion of release", [each.release for each in manifest.discussions]),
        ("DAG", [dag_id for unit in manifest.units for dag_id in unit.dag_ids]),
    ):
        for name in _repeated(names):
            yield f"{what} {name!r} is there twice"


def _one_unit_problems(unit: BundleUnit, known: set[str], manifest: Manifest) -> Iterator[str]:
    if not unit.unit_id or not _SHA256.fullmatch(unit.digest):
        yield f"unit {unit.unit_id!r} has no id or no digest"
    if list(unit.files) != sorted(set(unit.files)) or unit.path not in unit.files:
        yield f"the files of {unit.path!r} are not sorted, once each, with itself among them"
    strangers = set(unit.files) - known
    if strangers:
        yield f"{unit.path!r} needs {min(strangers)!r}, which the bundle does not name"
    if not unit.dags or not all(unit.dag_ids):
        yield f"{unit.path!r} has no DAG, or one without an id"
    if unit.previous_path:
        problem = path_problem(unit.previous_path)
        problem = "it was not renamed" if unit.previous_path == unit.path else problem
        if problem:
            yield f"the previous path {unit.previous_path!r} cannot be used: {problem}"
    if manifest.approved and unit.evidence is None:
        yield f"{unit.path!r} is approved, but names no release"


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
