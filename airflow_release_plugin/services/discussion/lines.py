"""The lines that threads are about: what somebody points at, and where that is now."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from airflow_release_plugin.analysis.text_decoding import decode_text
from airflow_release_plugin.domain.discussion.anchors import (
    Anchor,
    LineMap,
    LinePoint,
    Side,
    anchor_at,
    lines_of,
)
from airflow_release_plugin.domain.discussion.words import require_words
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.models import DiscussionThread, Release
from airflow_release_plugin.models.base import stamp
from airflow_release_plugin.services.discussion.comments import write
from airflow_release_plugin.services.discussion.doors import locked_release, require_room
from airflow_release_plugin.services.discussion.telling import Written
from airflow_release_plugin.services.runtime import access, audit
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.store.objects import ObjectKind

_SNIFF = 8000
"""A zero byte among the first 8,000 makes a file binary, as for diffs."""


def open_thread(ctx: Context, *, actor: Actor, release_id: int, point: LinePoint, text: str) -> Written:
    """
    Say something about one line of what a release changes.

    :param text: Markdown
    :raises NotAllowedError: the actor may not read the code of all its DAGs
    :raises InvalidRequestError: the release does not change such a file, or the file has no such line
    """
    text = require_words(text)
    release = locked_release(ctx, actor=actor, release_id=release_id)
    access.require_code(ctx, actor, release.dag_ids)
    require_room(ctx, release)
    entry = _entries(ctx, release, {point.path}).get((point.path, point.side))
    if entry is None:
        raise InvalidRequestError(
            "%(release)s changes no file %(path)r that has a text on the %(side)s side. Reload "
            "the page: it may have been planned anew.",
            release=release.subject,
            path=point.path[:200],
            side=point.side.value,
        )
    lines = _lines(ctx.store.read(entry.blob))
    anchor = anchor_at(lines, point.line)
    if anchor is None:
        raise InvalidRequestError(
            "%(path)r has %(number)s lines on the %(side)s side; there is no line %(line)s.",
            path=point.path,
            number=len(lines),
            side=point.side.value,
            line=point.line,
        )
    thread = _keep(ctx, release, point, anchor, entry.blob, actor=actor)
    return write(ctx, release, thread, text, actor=actor)


def _keep(
    ctx: Context, release: Release, point: LinePoint, anchor: Anchor, blob: str, *, actor: Actor
) -> DiscussionThread:
    thread = DiscussionThread(
        release_id=release.id,
        state=ThreadState.UNRESOLVED,
        path=point.path,
        side=point.side,
        line=anchor.line,
        text=anchor.text,
        before=list(anchor.before),
        after=list(anchor.after),
        blob=blob,
        attempt=release.attempt,
        opened_at=ctx.clock(),
        **stamp(actor, "opened"),
    )
    ctx.session.add(thread)
    # The id names it in the trail, and its comments point at it.
    ctx.session.flush()
    audit.record(
        ctx,
        actor=actor,
        tag=EventTag.RELEASE_THREAD_OPENED,
        subject=f"release:{release.id}",
        thread_id=thread.id,
        path=thread.path,
        side=thread.side.value,
        line=thread.line,
        change_digest=release.change_digest,
    )
    return thread


def places(ctx: Context, release: Release, threads: Sequence[DiscussionThread]) -> dict[int, int]:
    """
    Where the lines of threads are in what the release changes now, from 1, by thread.

    One that is left out is outdated: its file is not changed any more, or its line is another one.
    """
    entries = _entries(ctx, release, {thread.path for thread in threads})
    now = {
        thread.id: entry.blob
        for thread in threads
        if (entry := entries.get((thread.path, thread.side))) is not None
    }
    found = {thread.id: thread.line for thread in threads if now.get(thread.id) == thread.blob}
    moved = [thread for thread in threads if thread.id in now and thread.id not in found]
    if not moved:
        return found
    texts = _texts(ctx, {blob for thread in moved for blob in (thread.blob, now[thread.id])})
    maps: dict[tuple[str, str], LineMap] = {}
    for thread in moved:
        key = thread.blob, now[thread.id]
        if key not in maps:
            maps[key] = LineMap(texts.get(key[0]), texts.get(key[1], []))
        line = maps[key].follow(thread.anchor)
        if line is not None:
            found[thread.id] = line
    return found


def _entries(ctx: Context, release: Release, paths: Collection[str]) -> dict[tuple[str, Side], FileEntry]:
    """Both texts of those of these files that the release changes; a new file has no old one."""
    changes = {change.path: change.entry for change in release.changes if change.path in paths}
    before = ctx.store.entries(release.base_commit, changes) if changes else {}
    new = {(path, Side.NEW): entry for path, entry in changes.items() if entry is not None}
    return {**new, **{(path, Side.OLD): entry for path, entry in before.items()}}


def _texts(ctx: Context, blobs: Collection[str]) -> dict[str, list[str]]:
    """The lines of contents that the store still has."""
    there = ctx.store.objects.existing(blobs, ObjectKind.BLOB)
    return {blob: _lines(data) for blob, data in ctx.store.read_all(sorted(there))}


def _lines(data: bytes) -> list[str]:
    return [] if b"\0" in data[:_SNIFF] else lines_of(decode_text(data)[0])
