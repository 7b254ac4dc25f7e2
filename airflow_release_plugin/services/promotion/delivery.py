"""
Versions for other machines: the commit, its files, and the bytes that the caller lacks.

Only what is, or was, the head of an environment's branch: then people agreed to it, and a run may be pinned
to it. What was submitted and never released goes to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.metrics import DELIVERY_BLOBS, DELIVERY_DURATION, DELIVERY_REQUESTS
from airflow_release_plugin.domain.observed_ports import MetricsPort
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.services.promotion import machines
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.versions.streams import framed
from airflow_release_plugin.store.paths import check_object_id
from airflow_release_plugin.store.wire import blobs_in, distinct_blobs


@dataclass(frozen=True)
class Version:
    """
    What another machine checks everything else against.

    :param commit: content of the commit object, whose SHA-1 as git takes it is the version
    """

    commit: bytes
    files: tuple[FileEntry, ...]


def head(ctx: Context, *, actor: Actor, environment: str) -> str | None:
    """Commit that an environment is at; ``None`` before its first release."""
    access.require_executor(ctx, actor, Message("fetch versions"))
    return ctx.store.head(environment)


def follow(ctx: Context, *, actor: Actor, environment: str, sign: MachineSign) -> str | None:
    """The same for a machine that serves the environment, whose sign of life is written down."""
    commit = head(ctx, actor=actor, environment=environment)
    machines.note(ctx, environment, sign)
    return commit


def get_version(ctx: Context, *, actor: Actor, commit: str) -> Version:
    """The commit and the files of a version. Raises ``NotFoundError`` for what was never released."""
    _require_released(ctx, actor, commit)
    ctx.airflow.metrics.send(DELIVERY_REQUESTS, answer="files")
    return Version(ctx.store.commit_content(commit), tuple(ctx.store.files(commit).values()))


def confirm_version(ctx: Context, *, actor: Actor, commit: str) -> None:
    """See that a version that the caller has was released. Raises ``NotFoundError`` for what never was."""
    _require_released(ctx, actor, commit)
    ctx.airflow.metrics.send(DELIVERY_REQUESTS, answer="not_modified")


def stream_blobs(
    ctx: Context, *, actor: Actor, commit: str, ranges: str, work: Work = unit_of_work
) -> Iterator[bytes]:
    """
    The blobs in ``ranges`` of a version as they travel; who may not is refused before the first of them.

    Each batch is read in a short transaction of its own, so that a slow receiver holds no connection of the
    database. Blobs never change: nothing can tear.

    :param ranges: as :func:`airflow_release_plugin.store.wire.ranges_of` writes them; empty for all
    :raises NotFoundError: the version was never released
    :raises InvalidRequestError: the ranges are not of this version
    """
    _require_released(ctx, actor, commit)
    sizes = {entry.blob: entry.size for entry in ctx.store.files(commit).values()}
    every = distinct_blobs(sizes)
    wanted = blobs_in(every, ranges) if ranges else every
    metrics = ctx.airflow.metrics
    metrics.send(DELIVERY_REQUESTS, answer="contents")
    metrics.send(DELIVERY_BLOBS, len(wanted), way="sent")
    metrics.send(DELIVERY_BLOBS, len(every) - len(wanted), way="spared")
    return _timed(framed(wanted, sizes, work), metrics)


def _timed(parts: Iterator[bytes], metrics: MetricsPort) -> Iterator[bytes]:
    """The same, and how long it took to send; the transaction in which it was asked for is over by then."""
    started = perf_counter()
    yield from parts
    metrics.send(DELIVERY_DURATION, perf_counter() - started)


def _require_released(ctx: Context, actor: Actor, commit: str) -> None:
    access.require_executor(ctx, actor, Message("fetch versions"))
    ctx.store.require_released(check_object_id(commit))
