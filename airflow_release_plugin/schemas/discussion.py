"""What people say about a release."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from airflow_release_plugin.domain.discussion.anchors import Side
from airflow_release_plugin.domain.discussion.words import MAX_LETTERS
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.schemas.common import MAX_ID, PersonResponse, RequestModel, ResponseModel


class CommentBody(RequestModel):
    """Words in Markdown. ``@name`` notifies somebody who may see them."""

    text: str = Field(min_length=1, max_length=MAX_LETTERS)


class ThreadBody(CommentBody):
    """The first comment on a line of a changed file, of the target (``old``) or the release (``new``)."""

    path: str = Field(min_length=1, max_length=1000)
    side: Side = Side.NEW
    line: int = Field(ge=1, le=MAX_ID)


class CommentEditResponse(ResponseModel):
    """What a comment said until ``replaced_at``."""

    text: str
    replaced_at: datetime


class CommentResponse(ResponseModel):
    """A comment; ``text`` is empty once it is deleted. ``edits`` has what it said before, oldest first."""

    id: int
    thread_id: int | None
    author: PersonResponse
    text: str
    made_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    deleted_by: PersonResponse | None
    edits: list[CommentEditResponse]


class UntoldResponse(ResponseModel):
    """Somebody whom a comment names and whom nobody tells."""

    name: str
    reason: str


class WrittenResponse(ResponseModel):
    """A comment as it was kept; ``told`` has the login names of those who are notified that it names them."""

    comment: CommentResponse
    told: list[str]
    untold: list[UntoldResponse]


class ThreadResponse(ResponseModel):
    """
    A thread on a line.

    ``line`` and ``text`` are as they were when it was opened; ``line_now`` is where the line is now, null
    when the thread is outdated.
    """

    id: int
    state: ThreadState
    path: str
    side: Side
    line: int
    text: str
    line_now: int | None
    attempt: int
    opened_at: datetime
    opened_by: PersonResponse
    moved_at: datetime | None
    moved_by: PersonResponse | None
    comments: list[CommentResponse]


class ThreadStateResponse(ResponseModel):
    """A thread that was resolved or reopened."""

    id: int
    state: ThreadState
    moved_at: datetime | None
    moved_by: PersonResponse | None
