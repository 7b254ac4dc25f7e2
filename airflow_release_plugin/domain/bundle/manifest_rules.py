"""What must hold between the parts of a manifest, whoever wrote it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from airflow_release_plugin.domain.bundle.manifest import BundleBase, BundleFile, BundleUnit, Manifest
from airflow_release_plugin.domain.tree.files import EXECUTABLE, REGULAR
from airflow_release_plugin.domain.tree.paths import clash, path_problem
from airflow_release_plugin.exceptions import BundleManifestError, BundleUnsafeError
from airflow_release_plugin.messages import Message, together

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
        raise BundleManifestError(
            "The manifest cannot be used: %(shown)s.", shown=together(shown, "; "), problems=shown
        )


def require_safe_path(path: str) -> None:
    """Refuse a path that cannot be a file below any folder, on any computer."""
    problem = path_problem(path)
    if problem:
        raise BundleUnsafeError(
            "The file %(path)r cannot travel: %(problem)s. Rename it.", path=path[:200], problem=problem
        )


def require_no_clash(paths: Iterable[str]) -> None:
    """Refuse paths that would be one file on some computer."""
    pair = clash(paths)
    if pair:
        raise BundleUnsafeError(
            "The files %(first)r and %(second)r get into each other's way on some computers. Rename one.",
            first=pair[0],
            second=pair[1],
            paths=list(pair),
        )


def _origin_problems(manifest: Manifest) -> Iterator[str]:
    base = manifest.base or BundleBase("none", "")
    for pattern, kind, values in (
        (_IDENTIFIER, Message("identifier"), (manifest.bundle_id, manifest.installation_id, base.bundle_id)),
        (_COMMIT, Message("commit"), (manifest.commit or _NO_COMMIT, base.commit or _NO_COMMIT)),
        (_NONCE, Message("nonce of 32 to 128 hexadecimal digits"), (manifest.nonce,)),
        (
            _SOMETHING,
            Message("text"),
            (manifest.environment, manifest.airflow_version, manifest.python_version),
        ),
    ):
        for value in values:
            if not pattern.fullmatch(value):
                yield Message("%(value)r is no %(kind)s", value=value[:100], kind=kind)
    if manifest.approved and not manifest.commit:
        yield Message("it is approved, but names no commit")
    if base.bundle_id == manifest.bundle_id:
        yield Message("it is its own base")
    if manifest.expires <= manifest.created:
        yield Message("it expires before it was created")


def _file_problems(file: BundleFile, manifest: Manifest) -> Iterator[str]:
    if not _SHA256.fullmatch(file.sha256):
        yield Message("%(path)r has no SHA-256", path=file.path)
    if file.mode not in {REGULAR, EXECUTABLE}:
        yield Message("%(path)r has mode %(mode)s", path=file.path, mode=f"{file.mode:o}")
    if not file.included and manifest.base is None:
        yield Message("%(path)r is not included, but there is no base that has it", path=file.path)


def _unit_problems(manifest: Manifest) -> Iterator[str]:
    known = {file.path for file in manifest.files}
    if [file.path for file in manifest.files] != sorted(known):
        yield Message("its files are not sorted by path, once each")
    if not manifest.units and not manifest.removed:
        yield Message("it has no unit")
    if manifest.removed and manifest.base is None:
        yield Message("it removes units, but there is no base that has them")
    released = {unit.evidence.release for unit in manifest.units if unit.evidence}
    for discussion in manifest.discussions:
        if discussion.release not in released:
            yield Message(
                "it has a discussion of %(release)r, which released none of its units",
                release=discussion.release,
            )
    orphans = known.difference(path for unit in manifest.units for path in unit.files)
    if orphans:
        yield Message("%(path)r belongs to no unit", path=min(orphans))
    for unit in manifest.units:
        yield from _one_unit_problems(unit, known, manifest)
    for what, names in (
        (
            Message("unit"),
            [*(unit.unit_id for unit in manifest.units), *(gone.unit_id for gone in manifest.removed)],
        ),
        (Message("DAG file"), [unit.path for unit in manifest.units]),
        (Message("discussion of release"), [each.release for each in manifest.discussions]),
        (Message("DAG"), [dag_id for unit in manifest.units for dag_id in unit.dag_ids]),
    ):
        for name in _repeated(names):
            yield Message("%(what)s %(name)r is there twice", what=what, name=name)


def _one_unit_problems(unit: BundleUnit, known: set[str], manifest: Manifest) -> Iterator[str]:
    if not unit.unit_id or not _SHA256.fullmatch(unit.digest):
        yield Message("unit %(unit_id)r has no id or no digest", unit_id=unit.unit_id)
    if list(unit.files) != sorted(set(unit.files)) or unit.path not in unit.files:
        yield Message(
            "the files of %(path)r are not sorted, once each, with itself among them", path=unit.path
        )
    strangers = set(unit.files) - known
    if strangers:
        yield Message(
            "%(path)r needs %(stranger)r, which the bundle does not name",
            path=unit.path,
            stranger=min(strangers),
        )
    if not unit.dags or not all(unit.dag_ids):
        yield Message("%(path)r has no DAG, or one without an id", path=unit.path)
    if unit.previous_path:
        problem = path_problem(unit.previous_path)
        problem = Message("it was not renamed") if unit.previous_path == unit.path else problem
        if problem:
            yield Message(
                "the previous path %(previous_path)r cannot be used: %(problem)s",
                previous_path=unit.previous_path,
                problem=problem,
            )
    if manifest.approved and unit.evidence is None:
        yield Message("%(path)r is approved, but names no release", path=unit.path)


def _repeated(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
