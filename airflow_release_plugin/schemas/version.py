"""Versions, as they go to other machines."""

from __future__ import annotations

from airflow_release_plugin.schemas.common import ResponseModel


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
