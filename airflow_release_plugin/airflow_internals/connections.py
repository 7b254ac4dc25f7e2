"""Connections of Airflow, wherever it keeps them: environment, secrets backends, database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.exceptions import InvalidRequestError, NotFoundError


class AirflowConnections:
    """Answers :class:`~airflow_release_plugin.domain.ports.ConnectionsPort`."""

    def git_access(self, conn_id: str) -> GitAccess:
        """Fields and names of extras are those of Airflow's own git provider, which need not be installed."""
        from airflow.models.connection import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            connection = Connection.get_connection_from_secrets(conn_id)
        except AirflowNotFoundException as error:
            raise NotFoundError(
                "Airflow has no connection %(conn_id)r; make it, or mend [release] mirror_conn_id.",
                conn_id=conn_id,
            ) from error
        extra: Mapping[str, Any] = connection.extra_dejson
        if extra.get("github_app_id"):
            raise InvalidRequestError(
                "Connection %(conn_id)r logs in as a GitHub app, which a mirror cannot; give it a "
                "token or a deploy key.",
                conn_id=conn_id,
            )
        return GitAccess(
            url=connection.host or "",
            login=connection.login or "",
            password=connection.password or "",
            private_key=str(extra.get("private_key") or ""),
            key_file=str(extra.get("key_file") or ""),
            passphrase=str(extra.get("private_key_passphrase") or ""),
            host_key_check=str(extra.get("strict_host_key_checking") or ""),
            known_hosts_file=str(extra.get("known_hosts_file") or ""),
            ssh_config_file=str(extra.get("ssh_config_file") or ""),
            proxy_command=str(extra.get("host_proxy_cmd") or ""),
            ssh_port=_port(conn_id, extra.get("ssh_port") or connection.port),
        )


def _port(conn_id: str, given: Any) -> int | None:
    if not given:
        return None
    try:
        return int(given)
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(
            "ssh_port of connection %(conn_id)r is %(given)r, no number.", conn_id=conn_id, given=given
        ) from error
