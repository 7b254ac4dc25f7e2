"""Versions from an API server, for a machine without a database. Nothing that comes is believed."""

from __future__ import annotations

import base64
import binascii
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from airflow_release_plugin.bundles.http_objects import HttpObjects
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import DamagedAnswerError, ReleaseError
from airflow_release_plugin.messages import Message, counted
from airflow_release_plugin.schemas.version import FollowBody, HeadResponse, VersionResponse
from airflow_release_plugin.store.tree_proof import proven_files
from airflow_release_plugin.store.wire import distinct_blobs


class HttpVersions:
    """
    A source of versions that asks the REST API as the user of a connection.

    :param settings: where the server is and who we are
    :param conn_id: id of the connection, for messages
    :param backoff: pauses while the server does not answer; what came before a loss is not asked for again
    """

    def __init__(self, settings: ClientSettings, *, conn_id: str, backoff: Backoff | None = None) -> None:
        self._server = HttpObjects(settings, backoff=backoff)
        self._conn_id = conn_id
        self._files: dict[str, dict[str, FileEntry]] = {}

    def head(self, environment: str, sign: MachineSign | None = None) -> str | None:
        with self._explained(Message("where environment %(environment)r is", environment=environment)):
            body = None
            if sign is not None:
                body = FollowBody(
                    environment=environment, host=sign.host, serves=sign.serves, pause=sign.pause
                )
            params = {} if body else {"environment": environment}
            return self._server.ask("/versions/head", params, HeadResponse.model_validate_json, body).version

    def files(self, commit: str) -> dict[str, FileEntry]:
        if commit not in self._files:
            with self._explained(Message("version %(commit)s", commit=commit)):
                self._files[commit] = self._server.ask(
                    f"/versions/{commit}", {}, lambda content: _proven(commit, content)
                )
        return self._files[commit]

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        sizes = {file.blob: file.size for file in self.files(commit).values()}
        wanted = {blob: sizes[blob] for blob in set(blobs) if blob in sizes}
        with self._explained(
            counted(
                "%(num)s file of version %(commit)s",
                "%(num)s files of version %(commit)s",
                len(wanted),
                commit=commit,
            )
        ):
            yield from self._server.blobs(f"/versions/{commit}/blobs", distinct_blobs(sizes), wanted)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say which machine lacks what, whom it asked, and as whom; the kind of error stays."""
        try:
            yield
        except ReleaseError as error:
            settings = self._server.settings
            user = repr(settings.login) if settings.login else Message("the user of its token")
            error.message = Message(
                "%(host)s lacks %(what)s; %(url)s was asked for it as %(user)s (connection %(conn_id)r): "
                "%(error)s",
                host=socket.gethostname(),
                what=what,
                url=settings.base_url,
                user=user,
                conn_id=self._conn_id,
                error=error.message,
            )
            error.args = (error.message,)
            raise


def _proven(commit: str, content: bytes) -> dict[str, FileEntry]:
    try:
        answer = VersionResponse.model_validate_json(content)
        object_content = base64.b64decode(answer.commit, validate=True)
    except (ValidationError, binascii.Error) as error:
        raise DamagedAnswerError("Version %(commit)s came in no known shape.", commit=commit) from error
    return proven_files(commit, object_content, [FileEntry(*file) for file in answer.files])
