"""What versions that are in the target depend on there, as their checks saw it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from airflow_release_plugin.models.base import Base


class Observation(Base):
    """
    The footprint of a version in the target, from the last release whose check ran it there.

    That may be a later one than the release that brought it: what others change may lead it elsewhere. There
    is none for what came without a check, nor for what is in the target no more.
    """

    __tablename__ = "release_observation"

    submission_id: Mapped[int] = mapped_column(ForeignKey("release_submission.id"), primary_key=True)
    release_id: Mapped[int] = mapped_column(
        ForeignKey("release.id"), comment="the release whose check saw it"
    )
    footprint: Mapped[dict[str, Any]] = mapped_column(
        JSON, comment="used, missing, listed, modules: paths; is_whole"
    )
