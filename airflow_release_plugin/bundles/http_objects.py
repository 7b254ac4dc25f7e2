"""Blobs and facts from an API server, asked for until they are there. Nothing that comes is believed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import httpx

from airflow_release_plugin.client.auth import AirflowAuth
from airflow_release_plugin.client.calls import API_PREFIX, unreachable
from airflow_release_plugin.client.errors import error_from
from airflow_release_plugin.client.retry import Backoff
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.client.tracing import trace_headers
from airflow_release_plugin.exceptions import DamagedAnswerError, NotFoundError, UnavailableError
from airflow_release_plugin.store.wire import portions, ranges_of, unframe

if TYPE_CHECKING:
    from pydantic import BaseModel

log = logging.getLogger(__name__)

_RANGES = 600
"""Ranges of one request: they fit into an address, however scattered they are."""

_AS_IT_IS = {"Accept-Encoding": "identity"}
"""Blobs are compressed already; Airflow's server would do it again. What a proxy compresses is unpacked."""

ResultT = TypeVar("ResultT")


class HttpObjects:
    """
    Asks the REST API as the user of a connection, and again after a loss.

    :param settings: where the server is and who we are
    :param backoff: pauses while the server does not answer; what came before a loss is not asked for again
    """

    def __init__(self, settings: ClientSettings, *, backoff: Backoff | None = None) -> None:
        self.settings = settings
        self._backoff = backoff or Backoff()
        self._auth = AirflowAuth(settings)

    def ask(
        self,
        path: str,
        params: Mapping[str, str],
        read: Callable[[bytes], ResultT],
        body: BaseModel | None = None,
    ) -> ResultT:
        """
        What ``read`` makes of an answer; asked again while the server is away or ``read`` finds damage.

        :param body: posted if there is one; doing so twice must be what doing so once is
        """
        pauses = self._backoff.delays()
        while True:
            try:
                with self._client() as client:
                    answer = client.request(
                        "GET" if body is None else "POST",
                        self._url(path),
                        params=params,
                        json=None if body is None else body.model_dump(),
                    )
                    return read(_good(answer).content)
            except (httpx.TransportError, httpx.DecodingError, UnavailableError) as error:
                self._pause_after(error, pauses)

    def blobs(
        self, path: str, every: Sequence[str], wanted: Mapping[str, int]
    ) -> Iterator[tuple[str, bytes]]:
        """
        ``(blob, bytes)`` of those that are wanted, each checked against its id.

        :param path: of the row of blobs
        :param every: all blobs that are to be had there, as :func:`distinct_blobs` orders them
        :param wanted: sizes by blob
        """
        with self._client() as client:
            for portion in portions(every, wanted, _RANGES):
                yield from self._portion(client, path, every, {blob: wanted[blob] for blob in portion})

    def _portion(
        self, client: httpx.Client, path: str, every: Sequence[str], missing: dict[str, int]
    ) -> Iterator[tuple[str, bytes]]:
        """Blobs of one request; after a loss those that did not come are asked for again."""
        pauses = self._backoff.delays()
        while missing:
            try:
                for blob, data in self._stream(client, path, ranges_of(every, missing), missing):
                    pauses = self._backoff.delays()
                    del missing[blob]
                    yield blob, data
                if missing:
                    raise DamagedAnswerError("%(number)s blobs did not come.", number=len(missing))
            except (httpx.TransportError, httpx.DecodingError, UnavailableError) as error:
                self._pause_after(error, pauses)

    def _stream(
        self, client: httpx.Client, path: str, ranges: str, sizes: Mapping[str, int]
    ) -> Iterator[tuple[str, bytes]]:
        url = self._url(path)
        with client.stream("GET", url, params={"ranges": ranges}, headers=_AS_IT_IS) as response:
            if not response.is_success:
                response.read()
            yield from unframe(_good(response).iter_bytes(), sizes)

    def _client(self) -> httpx.Client:
        """Return a client for one question: nothing stays open in a task that goes on for hours."""
        settings = self.settings
        return httpx.Client(
            auth=self._auth, verify=settings.tls(), timeout=settings.timeout, headers=trace_headers()
        )

    def _pause_after(self, error: httpx.HTTPError | UnavailableError, pauses: Iterator[float]) -> None:
        """Wait for the next try, or raise when that was the last."""
        if isinstance(error, httpx.DecodingError):
            error = DamagedAnswerError("The answer cannot be unpacked (%(error)s).", error=error)
        elif isinstance(error, httpx.HTTPError):
            error = unreachable(self.settings, error)
        pause = next(pauses, None)
        if pause is None:
            raise error
        log.warning("Asking again in %.1f seconds: %s", pause, error.message)
        time.sleep(pause)

    def _url(self, path: str) -> str:
        return f"{self.settings.base_url}{API_PREFIX}{path}"


def _good(response: httpx.Response) -> httpx.Response:
    """Return the answer if it is one. Raises what the server raised."""
    if response.is_success:
        return response
    error = error_from(response)
    if response.status_code == httpx.codes.NOT_FOUND and not _is_ours(response):
        raise NotFoundError(
            "%(url)s does not exist: Airflow Release is not installed there, or an older version of it. "
            "Install the same version on workers and API servers.",
            url=str(response.request.url),
        )
    raise error


def _is_ours(response: httpx.Response) -> bool:
    try:
        return "error" in response.json()
    except (ValueError, TypeError):
        return False
