"""Bundle files that come and go, in pieces."""

from __future__ import annotations

from enum import Enum

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base, EnumText


class TransferKind(str, Enum):
    """Whose file it is."""

    EXPORT = "export"
    """One that was made here."""
    IMPORT = "import"
    """One that was uploaded."""


class FileChunk(Base):
    """A piece of the file of an export or import. It goes with what it is for."""

    __tablename__ = "release_file_chunk"

    kind: Mapped[TransferKind] = mapped_column(EnumText(TransferKind), primary_key=True)
    transfer_id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="of `release_export` or `release_import`"
    )
    position: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, comment="of its first byte in the file"
    )
    size: Mapped[int] = mapped_column(comment="bytes")
    data: Mapped[bytes] = mapped_column(LargeBinary)
