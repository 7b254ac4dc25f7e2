"""Comments on a release, and threads on lines of what it changes."""

from __future__ import annotations

from fastapi import APIRouter

from airflow_release_plugin.api.dependencies import CallerDep, IdPath
from airflow_release_plugin.api.serializers.discussion import thread_response
from airflow_release_plugin.domain.discussion.anchors import LinePoint
from airflow_release_plugin.schemas.common import Collection
from airflow_release_plugin.schemas.discussion import (
    CommentBody,
    CommentResponse,
    ThreadBody,
    ThreadResponse,
    ThreadStateResponse,
    WrittenResponse,
)
from airflow_release_plugin.services.discussion import comments, lines, reading, threads

router = APIRouter(prefix="/releases/{release_id}", tags=["Discussion"])


@router.get("/comments")
def list_comments(release_id: IdPath, caller: CallerDep) -> Collection[CommentResponse]:
    """Comments on the release as a whole, oldest first."""
    with caller.transaction() as (ctx, actor):
        found = reading.get_discussion(ctx, actor=actor, release_id=release_id).comments
        return Collection(
            items=[CommentResponse.model_validate(row) for row in found], total_entries=len(found)
        )


@router.post("/comments", status_code=201)
def add_comment(release_id: IdPath, body: CommentBody, caller: CallerDep) -> WrittenResponse:
    """Say something about a release, also about one that is over."""
    with caller.transaction() as (ctx, actor):
        return WrittenResponse.model_validate(
            comments.add_comment(ctx, actor=actor, release_id=release_id, text=body.text)
        )


@router.put("/comments/{comment_id}")
def edit_comment(
    release_id: IdPath, comment_id: IdPath, body: CommentBody, caller: CallerDep
) -> WrittenResponse:
    """Change one's own words, also in a thread; what they were is kept."""
    with caller.transaction() as (ctx, actor):
        return WrittenResponse.model_validate(
            comments.edit_comment(
                ctx, actor=actor, release_id=release_id, comment_id=comment_id, text=body.text
            )
        )


@router.delete("/comments/{comment_id}", status_code=204)
def delete_comment(release_id: IdPath, comment_id: IdPath, caller: CallerDep) -> None:
    """Take one's own words away, or as an admin anybody's; the trail tells who did."""
    with caller.transaction() as (ctx, actor):
        comments.delete_comment(ctx, actor=actor, release_id=release_id, comment_id=comment_id)


@router.get("/threads")
def list_threads(release_id: IdPath, caller: CallerDep) -> Collection[ThreadResponse]:
    """Threads with their comments and where their lines are now; none for who may not read the code."""
    with caller.transaction() as (ctx, actor):
        found = reading.get_discussion(ctx, actor=actor, release_id=release_id).threads
        return Collection(items=[thread_response(view) for view in found], total_entries=len(found))


@router.post("/threads", status_code=201)
def open_thread(release_id: IdPath, body: ThreadBody, caller: CallerDep) -> WrittenResponse:
    """Say something about one line of a file that the release changes."""
    point = LinePoint(body.path, body.side, body.line)
    with caller.transaction() as (ctx, actor):
        return WrittenResponse.model_validate(
            lines.open_thread(ctx, actor=actor, release_id=release_id, point=point, text=body.text)
        )


@router.post("/threads/{thread_id}/comments", status_code=201)
def reply(release_id: IdPath, thread_id: IdPath, body: CommentBody, caller: CallerDep) -> WrittenResponse:
    """Answer in a thread."""
    with caller.transaction() as (ctx, actor):
        return WrittenResponse.model_validate(
            comments.add_comment(ctx, actor=actor, release_id=release_id, text=body.text, thread_id=thread_id)
        )


@router.post("/threads/{thread_id}/resolve")
def resolve_thread(release_id: IdPath, thread_id: IdPath, caller: CallerDep) -> ThreadStateResponse:
    """Say that a thread is settled; a second call changes nothing."""
    with caller.transaction() as (ctx, actor):
        return ThreadStateResponse.model_validate(
            threads.resolve_thread(ctx, actor=actor, release_id=release_id, thread_id=thread_id)
        )


@router.post("/threads/{thread_id}/reopen")
def reopen_thread(release_id: IdPath, thread_id: IdPath, caller: CallerDep) -> ThreadStateResponse:
    """Say that a thread is not settled after all; what was approved by then stays approved."""
    with caller.transaction() as (ctx, actor):
        return ThreadStateResponse.model_validate(
            threads.reopen_thread(ctx, actor=actor, release_id=release_id, thread_id=thread_id)
        )
