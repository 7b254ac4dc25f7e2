"""Versions, as they go to other machines."""

from __future__ import annotations

from pydantic import Field

from airflow_release_plugin.schemas.common import Name, RequestModel, ResponseModel


class FollowBody(RequestModel):
    """
    A machine that serves an environment asks where that is, and says what it serves itself.

    ``host`` as Airflow names it, ``serves`` a version or empty, ``pause``: seconds until it asks again.
    """

    environment: Name
    host: Name
    serves: str = Field(default="", pattern="^([0-9a-f]{40})?$")
    pause: int = Field(default=300, ge=1, le=86400)


class HeadResponse(ResponseModel):
    """Which version an environment is at."""

    environment: str
    version: str | None


class VersionResponse(ResponseModel):
    """
    The commit object (base64) and the files of a version.

    ``files`` has ``[path, mode, blob, size]`` of each, sorted by path. Trees that are made of them hash to
    the tree that the commit names, and the commit hashes to the version: nothing on the way is trusted.
    """

    commit: str
    files: list[tuple[str, int, str, int]]
