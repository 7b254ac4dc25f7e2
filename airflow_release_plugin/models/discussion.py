"""What people say about a release: comments, and threads on lines of what it changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from airflow_release_plugin.domain.discussion.anchors import Anchor, Side
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.states import ThreadState
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models.base import Base, EnumText, Stateful, UtcDateTime, person


class DiscussionThread(Stateful, Base):
    """
    Comments on one line of what a release changes.

    It keeps the line as it was when somebody pointed at it; where that is now is found when it is read.
    """

    __tablename__ = "release_thread"
    __table_args__ = (Index(None, "release_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    state: Mapped[ThreadState] = mapped_column(EnumText(ThreadState))
    path: Mapped[str] = mapped_column(String(1000))
    side: Mapped[Side] = mapped_column(EnumText(Side), comment="old: as the target had it, new: as released")
    line: Mapped[int] = mapped_column(comment="from 1, in the text of blob")
    text: Mapped[str] = mapped_column(Text, comment="the line itself, at most 300 characters")
    before: Mapped[list[str]] = mapped_column(JSON, comment="up to three lines above it")
    after: Mapped[list[str]] = mapped_column(JSON, comment="up to three lines below it")
    blob: Mapped[str] = mapped_column(String(40), comment="content of the file that the line is in")
    attempt: Mapped[int] = mapped_column(comment="of the release, when it was opened")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_by_id: Mapped[str] = mapped_column(String(250))
    opened_by_name: Mapped[str] = mapped_column(String(250))
    moved_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="when it was last resolved or reopened"
    )
    moved_by_id: Mapped[str | None] = mapped_column(String(250))
    moved_by_name: Mapped[str | None] = mapped_column(String(250))
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    @property
    def subject(self) -> str:
        return Message("thread %(number)s on %(path)r", number=self.id, path=self.path)

    @property
    def anchor(self) -> Anchor:
        """The line as it was."""
        return Anchor(self.line, self.text, tuple(self.before), tuple(self.after))

    @property
    def opened_by(self) -> Person:
        """Who pointed at the line."""
        return Person(self.opened_by_id, self.opened_by_name)

    @property
    def moved_by(self) -> Person | None:
        """Who resolved or reopened it last."""
        return person(self.moved_by_id, self.moved_by_name)


class Comment(Base):
    """What one person said about a release, or in one of its threads; only they change it."""

    __tablename__ = "release_comment"
    __table_args__ = (Index(None, "release_id"), Index(None, "thread_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    thread_id: Mapped[int | None] = mapped_column(
        ForeignKey("release_thread.id"), comment="null for one on the release as a whole"
    )
    text: Mapped[str] = mapped_column(Text, comment="Markdown; empty once it is deleted")
    author_id: Mapped[str] = mapped_column(String(250))
    author_name: Mapped[str] = mapped_column(String(250))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_by_id: Mapped[str | None] = mapped_column(String(250))
    deleted_by_name: Mapped[str | None] = mapped_column(String(250))
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}

    edits: Mapped[list[CommentEdit]] = relationship(
        order_by="CommentEdit.id", lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def author(self) -> Person:
        """Who said it."""
        return Person(self.author_id, self.author_name)

    @property
    def deleted_by(self) -> Person | None:
        """Who deleted it; ``None`` while it is there."""
        return person(self.deleted_by_id, self.deleted_by_name)

    @property
    def is_deleted(self) -> bool:
        """Whether its words are gone."""
        return self.deleted_at is not None


class CommentEdit(Base):
    """What a comment said before its author changed it."""

    __tablename__ = "release_comment_edit"
    __table_args__ = (Index(None, "comment_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("release_comment.id"))
    text: Mapped[str] = mapped_column(Text)
    replaced_at: Mapped[datetime] = mapped_column(UtcDateTime)
