"""The store as rows: git objects and refs, as real ones as in any repository."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from airflow_release_plugin.models.base import Base, UtcDateTime


def exact(length: int) -> TypeEngine[str]:
    """Text that is compared byte by byte: an index then serves prefixes, too."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class StoredObject(Base):
    """A blob, tree or commit. Never changed; its id is the SHA-1 of what it holds."""

    __tablename__ = "release_object"

    id: Mapped[str] = mapped_column(exact(40), primary_key=True, comment="40 hex digits, as git has it")
    kind: Mapped[str] = mapped_column("type", String(8), comment="blob, tree or commit")
    size: Mapped[int] = mapped_column(BigInteger, comment="bytes before compression")
    data: Mapped[bytes] = mapped_column(LargeBinary, comment="content, compressed with zlib")
    parent: Mapped[str | None] = mapped_column(exact(40), comment="of a commit, if it has one")
    written_at: Mapped[datetime] = mapped_column(
        UtcDateTime, comment="when it was written last, within an hour"
    )


class StoredRef(Base):
    """What a branch, tag or version is; moves by compare-and-swap only."""

    __tablename__ = "release_ref"

    name: Mapped[str] = mapped_column(exact(3200), primary_key=True, comment="refs/heads/prod and the like")
    commit: Mapped[str] = mapped_column(exact(40))
    version: Mapped[int] = mapped_column(default=1, comment="how often it was set")
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BranchHead(Base):
    """A commit that an environment is, or was, at: what may be served to whoever asks for it by its id."""

    __tablename__ = "release_branch_head"

    commit: Mapped[str] = mapped_column(exact(40), primary_key=True)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
