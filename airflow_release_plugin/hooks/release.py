"""From an Airflow connection to a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.hook import BaseHook

from airflow_release_plugin.client.release import ReleaseClient
from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.client.watch import AsyncReleaseClient
from airflow_release_plugin.exceptions import ReleaseError

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_CONN_ID = "airflow_release_default"


class ReleaseHook(BaseHook):
    """
    Talks to the REST API of Airflow Release.

    The connection's host is the URL of the Airflow API server with its path prefix. Login and password are
    those of a user named in ``[release] service_users``; or the password is a ready token, without a login.
    Extra may have ``verify_ssl``, ``ca_file`` and ``timeout`` (seconds).

    :param release_conn_id: id of the connection
    """

    conn_name_attr = "release_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = "airflow_release"
    hook_name = "Airflow Release"

    def __init__(self, release_conn_id: str = DEFAULT_CONN_ID) -> None:
        super().__init__()
        self.release_conn_id = release_conn_id
        self._client: ReleaseClient | None = None

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """How the connection form looks; the same as in ``get_provider_info``."""
        return {
            "hidden_fields": ["schema"],
            "relabeling": {"host": "Airflow URL", "login": "User name"},
            "placeholders": {"host": "https://airflow.example.org"},
        }

    def get_conn(self) -> ReleaseClient:
        """Return the client, one for each hook. Raises ``InvalidRequestError`` for an unusable connection."""
        if self._client is None:
            self._client = ReleaseClient(self.settings())
        return self._client

    def settings(self) -> ClientSettings:
        """Return what the connection says. Raises ``InvalidRequestError`` for an unusable one."""
        return _settings(self.get_connection(self.release_conn_id))

    async def get_async_conn(self) -> AsyncReleaseClient:
        """Return a new asynchronous client, which the caller closes."""
        return AsyncReleaseClient(_settings(await self.aget_connection(self.release_conn_id)))

    def test_connection(self) -> tuple[bool, str]:
        """Log in and say as whom."""
        try:
            me = self.get_conn().me()
        except ReleaseError as error:
            return False, error.message
        if me.is_service:
            return True, f"Logged in as {me.name!r}, a service user of Airflow Release."
        return True, (
            f"Logged in as {me.name!r}. Pipelines need a service user: name it in [release] service_users."
        )


def _settings(connection: Connection) -> ClientSettings:
    return ClientSettings.from_fields(
        host=connection.host,
        schema=connection.schema,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        extra=connection.extra,
    )
