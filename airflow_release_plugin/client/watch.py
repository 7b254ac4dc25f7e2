"""The asynchronous client of the triggerer's watcher, which does the repeating."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from airflow_release_plugin.client.auth import AirflowAuth
from airflow_release_plugin.client.calls import Call, unreachable
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.schemas.watch import WatchBody, WatchResponse


class AsyncReleaseClient:
    """
    Watches releases and gates.

    :param settings: where the server is and who we are
    """

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self._http = httpx.AsyncClient(auth=AirflowAuth(settings), verify=settings.tls())

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def watch(self, known: Mapping[str, str], *, wait: float) -> dict[str, str]:
        """
        Return the subjects whose state differs from ``known``, after at most ``wait`` seconds.

        Raises the server's error, or ``UnavailableError`` when it does not answer.
        """
        body = WatchBody(known=dict(known), wait=wait)
        call = Call("POST", "/watch", WatchResponse, body, timeout=wait + self.settings.timeout)
        try:
            response = await self._http.request(**call.arguments(self.settings))
        except httpx.TransportError as error:
            raise unreachable(self.settings, error) from error
        return call.parse(response).changed
