"""Versions from an API server, for a machine without a database. Nothing that comes is believed."""

from __future__ import annotations

import base64
import binascii
import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import httpx
from pydantic import ValidationError

from airflow_release_plugin.client.auth import AirflowAuth
from airflow_release_plugin.client.calls import API_PREFIX, unreachable
from airflow_release_plugin.client.errors import error_from
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.domain.release.machines import MachineSign
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.exceptions import (
    DamagedAnswerError,
    NotFoundError,
    ReleaseError,
    UnavailableError,
)
from airflow_release_plugin.schemas.version import FollowBody, HeadResponse, VersionResponse
from airflow_release_plugin.store.tree_proof import proven_files
from airflow_release_plugin.store.wire import distinct_blobs, ranges_of, unframe

log = logging.getLogger(__name__)

_PER_REQUEST = 600
"""Blobs of one request: their ranges fit into an address, however scattered they are."""

_AS_IT_IS = {"Accept-Encoding": "identity"}
"""Blobs are compressed already; Airflow's server would do it again. What a proxy compresses is unpacked."""

ResultT = TypeVar("ResultT")


class HttpVersions:
    """
    A source of versions that asks the REST API as the user of a connection.

    :param settings: where the server is and who we are
    :param conn_id: id of the connection, for messages
    :param backoff: pauses while the server does not answer; what came before a loss is not asked for again
    """

    def __init__(self, settings: ClientSettings, *, conn_id: str, backoff: Backoff | None = None) -> None:
        self._settings = settings
        self._conn_id = conn_id
        self._backoff = backoff or Backoff()
        self._auth = AirflowAuth(settings)
        self._files: dict[str, dict[str, FileEntry]] = {}

    def head(self, environment: str, sign: MachineSign | None = None) -> str | None:
        with self._explained(f"where environment {environment!r} is"):
            return self._retried(lambda: self._head(environment, sign))

    def files(self, commit: str) -> dict[str, FileEntry]:
        if commit not in self._files:
            with self._explained(f"version {commit}"):
                self._files[commit] = self._retried(lambda: self._proven(commit))
        return self._files[commit]

    def read_all(self, commit: str, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        sizes = {file.blob: file.size for file in self.files(commit).values()}
        every = distinct_blobs(sizes)
        wanted = set(blobs)
        missing = [blob for blob in every if blob in wanted]
        with self._explained(f"{len(missing)} files of version {commit}"):
            for start in range(0, len(missing), _PER_REQUEST):
                part = {blob: sizes[blob] for blob in missing[start : start + _PER_REQUEST]}
                yield from self._blobs(commit, every, part)

    def _head(self, environment: str, sign: MachineSign | None) -> str | None:
        if sign is None:
            response = self._get("/versions/head", {"environment": environment})
        else:
            body = FollowBody(environment=environment, host=sign.host, serves=sign.serves, pause=sign.pause)
            with self._client() as client:
                response = _good(client.post(self._url("/versions/head"), json=body.model_dump()))
        return HeadResponse.model_validate_json(response.content).version

    def _proven(self, commit: str) -> dict[str, FileEntry]:
        response = self._get(f"/versions/{commit}", {})
        try:
            answer = VersionResponse.model_validate_json(response.content)
            content = base64.b64decode(answer.commit, validate=True)
        except (ValidationError, binascii.Error) as error:
            raise DamagedAnswerError(f"Version {commit} came in no known shape.") from error
        return proven_files(commit, content, [FileEntry(*file) for file in answer.files])

    def _blobs(self, commit: str, every: list[str], missing: dict[str, int]) -> Iterator[tuple[str, bytes]]:
        """Blobs of one request; after a loss those that did not come are asked for again."""
        pauses = self._backoff.delays()
        while missing:
            try:
                for blob, data in self._stream(commit, ranges_of(every, missing), missing):
                    pauses = self._backoff.delays()
                    del missing[blob]
                    yield blob, data
                if missing:
                    raise DamagedAnswerError(f"{len(missing)} blobs did not come.")
            except (httpx.TransportError, httpx.DecodingError, UnavailableError) as error:
                self._pause_after(error, pauses)

    def _stream(self, commit: str, ranges: str, sizes: dict[str, int]) -> Iterator[tuple[str, bytes]]:
        url, params = self._url(f"/versions/{commit}/blobs"), {"ranges": ranges}
        with (
            self._client() as client,
            client.stream("GET", url, params=params, headers=_AS_IT_IS) as response,
        ):
            if not response.is_success:
                response.read()
            yield from unframe(_good(response).iter_bytes(), sizes)

    def _get(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        with self._client() as client:
            return _good(client.get(self._url(path), params=params))

    def _client(self) -> httpx.Client:
        """Return a client for one request: nothing stays open in a task that goes on for hours."""
        settings = self._settings
        return httpx.Client(auth=self._auth, verify=settings.tls(), timeout=settings.timeout)

    def _retried(self, ask: Callable[[], ResultT]) -> ResultT:
        pauses = self._backoff.delays()
        while True:
            try:
                return ask()
            except (httpx.TransportError, httpx.DecodingError, UnavailableError) as error:
                self._pause_after(error, pauses)

    def _pause_after(self, error: httpx.HTTPError | UnavailableError, pauses: Iterator[float]) -> None:
        """Wait for the next try, or raise when that was the last."""
        if isinstance(error, httpx.DecodingError):
            error = DamagedAnswerError(f"The answer cannot be unpacked ({error}).")
        elif isinstance(error, httpx.HTTPError):
            error = unreachable(self._settings, error)
        pause = next(pauses, None)
        if pause is None:
            raise error
        log.warning("Asking again in %.1f seconds: %s", pause, error.message)
        time.sleep(pause)

    def _url(self, path: str) -> str:
        return f"{self._settings.base_url}{API_PREFIX}{path}"

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say which machine lacks what, whom it asked, and as whom; the kind of error stays."""
        try:
            yield
        except ReleaseError as error:
            user = repr(self._settings.login) if self._settings.login else "the user of its token"
            error.message = (
                f"{socket.gethostname()} lacks {what}; {self._settings.base_url} was asked for it as {user} "
                f"(connection {self._conn_id!r}): {error.message}"
            )
            error.args = (error.message,)
            raise


def _good(response: httpx.Response) -> httpx.Response:
    """Return the answer if it is one. Raises what the server raised."""
    if response.is_success:
        return response
    error = error_from(response)
    if response.status_code == httpx.codes.NOT_FOUND and not _is_ours(response):
        raise NotFoundError(
            f"{response.request.url} does not exist: Airflow Release is not installed there, or an older "
            "version of it. Install the same version on workers and API servers."
        )
    raise error


def _is_ours(response: httpx.Response) -> bool:
    try:
        return "error" in response.json()
    except (ValueError, TypeError):
        return False
