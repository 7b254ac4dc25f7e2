"""Ticks of a reviewer on the files of a release: theirs alone, gone from a file that changes."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import ConflictError
from airflow_release_plugin.models import ViewedFile
from airflow_release_plugin.repositories import viewed_files
from airflow_release_plugin.services.releases import releases
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.file_diffs import changed_pairs


def tick(ctx: Context, *, actor: Actor, release_id: int, path: str, content: str, is_viewed: bool) -> None:
    """
    Tick a changed file off, or take the tick off it. A second call changes nothing.

    :param content: the change that the actor has seen, as :attr:`.FilePair.content`
    :raises NotAllowedError: the actor may not read the code of all DAGs of the release
    :raises ConflictError: the release does not change the file like that any more
    """
    release = releases.get(ctx, actor=actor, release_id=release_id)
    access.require_code(ctx, actor, release.dag_ids)
    changes = [change for change in release.changes if change.path == path]
    if content not in {pair.content for pair in changed_pairs(ctx, release.base_commit, changes)}:
        raise ConflictError(
            "%(release)s does not change %(path)r as you saw it any more. Reload the page and look again.",
            release=release.subject,
            path=path,
        )
    known = viewed_files.viewed_file(ctx.session, actor.id, release.id, content)
    if known is not None and not is_viewed:
        ctx.session.delete(known)
    if known is None and is_viewed:
        try:
            with ctx.session.begin_nested():
                ctx.session.add(ViewedFile(release_id=release.id, actor_id=actor.id, content=content))
        except IntegrityError:
            pass  # a double click: it is ticked
