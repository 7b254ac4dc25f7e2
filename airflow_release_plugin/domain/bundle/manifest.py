"""What a bundle file says about itself: where it comes from, what is in it, what it needs, who agreed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.text.strict_json import LongText, Texts, read_record
from airflow_release_plugin.exceptions import BundleManifestError, BundleVersionError
from airflow_release_plugin.garbage import no_collection
from airflow_release_plugin.messages import Message

FORMAT_VERSION = 1


@dataclass(frozen=True)
class BundleFile:
    """
    A file of one or more units.

    :param path: POSIX path relative to the root of the source or target
    :param sha256: of the bytes, 64 hex digits
    :param mode: ``0o100644`` or ``0o100755``
    :param included: whether the bundle holds the bytes; if not, the installation that has its base does
    """

    path: str
    sha256: str
    size: int
    mode: int
    included: bool = True


@dataclass(frozen=True)
class BundleDag:
    """
    A DAG, as its installation knows it.

    :param schedule: summary of the timetable; empty for a DAG that only runs by hand
    :param tasks: ids
    """

    dag_id: str
    schedule: str = ""
    tasks: Texts = ()
    tags: Texts = ()
    owners: Texts = ()


@dataclass(frozen=True)
class BundleConnection:
    """A connection by its id, without a secret; ``type`` is empty where nobody could tell."""

    id: str
    type: str = ""


@dataclass(frozen=True)
class BundlePackage:
    """A provider package and the version that is installed beside it."""

    name: str
    version: str


@dataclass(frozen=True)
class BundleDecision:
    """One person's verdict on one step, bound to the digest that they saw."""

    step: str
    actor: str
    verdict: str
    at: datetime
    change_digest: str
    comment: LongText = ""


@dataclass(frozen=True)
class BundleEvidence:
    """
    How a version came to be released where it comes from.

    :param release: number (R-000007)
    :param flow: name of the approval flow, with the revision that applied
    :param change_digest: what was agreed to
    :param decisions: none where the flow asked for none, or where the glass was broken
    """

    release: str
    requested_by: str
    released_at: datetime
    flow: str
    flow_revision: int
    change_digest: str
    glass_broken: bool = False
    decisions: tuple[BundleDecision, ...] = ()

    @property
    def has_approval(self) -> bool:
        """Whether somebody approved it."""
        return any(decision.verdict == Verdict.APPROVE.value for decision in self.decisions)


@dataclass(frozen=True)
class BundleComment:
    """
    What somebody said about a release, where it comes from.

    :param path: of the file whose line it is about, with ``line`` as it was then; empty for the whole release
    :param resolved: whether its thread was resolved; so is every comment on the whole release
    """

    author: str
    at: datetime
    text: LongText
    path: str = ""
    line: int = 0
    edited: bool = False
    resolved: bool = True


@dataclass(frozen=True)
class BundleDiscussion:
    """
    What was said about a release, oldest first; deleted words never travel.

    :param release: number (R-000007), as in the evidence of its units
    :param left_out: older comments that the bundle has no room for
    """

    release: str
    comments: tuple[BundleComment, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class BundleUnit:
    """
    One DAG file with its closure, and what it refers to.

    :param unit_id: stays the same when the file or its DAGs are renamed
    :param path: of the DAG file
    :param previous_path: where the DAG file was in the base, if it was renamed since; else empty
    :param files: paths of the closure, sorted; the DAG file is one of them
    :param version: of the submission; 0 for what was never submitted
    :param digest: SHA-256 over the sorted (path, mode, blob) list of the files
    :param upstream_dags: ids of DAGs that it waits for, by sensor or by asset
    :param triggered_dags: ids of DAGs that it starts
    :param plugins: modules of timetables, listeners, macros and the like
    :param optional_packages: what is only imported where it may be missing, or in another environment than
        Airflow's; so are ``optional_modules``, of no package that is installed there
    """

    unit_id: str
    path: str
    files: Texts
    dags: tuple[BundleDag, ...]
    version: int
    digest: str
    previous_path: str = ""
    connections: tuple[BundleConnection, ...] = ()
    variables: Texts = ()
    pools: Texts = ()
    queues: Texts = ()
    executors: Texts = ()
    assets_in: Texts = ()
    assets_out: Texts = ()
    upstream_dags: Texts = ()
    triggered_dags: Texts = ()
    providers: tuple[BundlePackage, ...] = ()
    plugins: Texts = ()
    optional_packages: tuple[BundlePackage, ...] = ()
    optional_modules: Texts = ()
    teams: Texts = ()
    evidence: BundleEvidence | None = None

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Ids of its DAGs."""
        return tuple(dag.dag_id for dag in self.dags)

    @property
    def named(self) -> dict[str, frozenset[str]]:
        """By kind, what it refers to that may be called otherwise elsewhere."""
        return {
            "connection": frozenset(connection.id for connection in self.connections),
            "variable": frozenset(self.variables),
            "pool": frozenset(self.pools),
            "queue": frozenset(self.queues),
        }


@dataclass(frozen=True)
class BundleBase:
    """The bundle that an incremental one builds on."""

    bundle_id: str
    commit: str


@dataclass(frozen=True)
class BundleRemoval:
    """A unit of the base that is not there any more where the bundle comes from."""

    unit_id: str
    path: str
    dag_ids: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """
    Everything but the bytes of the files.

    :param installation_id: of the Airflow that the bundle comes from
    :param commit: of the environment's branch, 40 hex digits; empty for what comes from a source
    :param nonce: 32 hex digits or more, never used twice
    :param expires: when an importer refuses it from
    :param approved: whether every unit was released; if not, it comes from a source
    :param files: sorted by path
    :param removed: sorted by unit; only in a bundle with a base
    :param discussions: what was said about the releases of its units, by release
    """

    format_version: int
    bundle_id: str
    installation_id: str
    environment: str
    commit: str
    created: datetime
    expires: datetime
    nonce: str
    approved: bool
    airflow_version: str
    python_version: str
    files: tuple[BundleFile, ...]
    units: tuple[BundleUnit, ...]
    base: BundleBase | None = None
    removed: tuple[BundleRemoval, ...] = ()
    discussions: tuple[BundleDiscussion, ...] = ()

    @property
    def included(self) -> Iterator[BundleFile]:
        """The files whose bytes are in the bundle, by path."""
        return (file for file in self.files if file.included)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values; :func:`manifest_from_dict` is the inverse."""
        return dict(json.loads(self.to_bytes()))

    def to_bytes(self) -> bytes:
        """The one spelling in JSON that counts: what is hashed and signed."""
        return canonical_json(self)


_SHAPES: dict[str, type[Any]] = {
    shape.__name__: shape
    for shape in (
        BundleFile,
        BundleDag,
        BundleConnection,
        BundlePackage,
        BundleDecision,
        BundleEvidence,
        BundleComment,
        BundleDiscussion,
        BundleUnit,
        BundleBase,
        BundleRemoval,
    )
}


def canonical_json(value: Any) -> bytes:
    """ASCII, keys sorted, no spaces, times as ISO text; dataclasses are mappings of their fields."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_json_value).encode("ascii")


def _json_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else vars(value)


def manifest_from_dict(raw: Any) -> Manifest:
    """
    Read what :meth:`Manifest.to_dict` wrote. Whether it makes sense is for ``manifest_rules`` to say.

    :raises BundleVersionError: another format
    :raises BundleManifestError: an unknown or missing key, or a value of the wrong type; says where
    """
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version != FORMAT_VERSION:
        raise BundleVersionError(
            Message(
                "The bundle has format %(version)s; this version of Airflow Release reads "
                "%(format_version)s. Update the older of the two installations.",
                version=version,
                format_version=FORMAT_VERSION,
            ),
            format_version=version,
        )
    try:
        return read_record(raw, Manifest, _SHAPES)
    except (TypeError, ValueError) as error:
        raise BundleManifestError("The manifest cannot be used: %(error)s.", error=error) from error


@no_collection()
def manifest_from_bytes(data: bytes) -> Manifest:
    """
    Read what :meth:`Manifest.to_bytes` wrote, and only that: no other spelling of the same values.

    :raises BundleVersionError: another format
    :raises BundleManifestError: no JSON, or as :func:`manifest_from_dict`
    """
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleManifestError("The manifest is not JSON (%(error)s).", error=str(error)[:100]) from error
    manifest = manifest_from_dict(raw)
    if manifest.to_bytes() != data:
        raise BundleManifestError("The manifest is not written in the one form that is signed.")
    return manifest
