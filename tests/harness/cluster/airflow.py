"""What each host's Airflow is told, and nothing more: only who needs a secret has it."""

from __future__ import annotations

import json
import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo.settings import INTERVALS, SERVICE_USER, USERS
from tests.harness.cluster.network import DATA, FRONT
from tests.harness.cluster.services import DATABASE_URL, PREFIX

REPOSITORY = Path(__file__).resolve().parents[3]
API_SERVERS = ("api-1", "api-2")


@dataclass(frozen=True)
class Part:
    """
    A part of Airflow on a host of its own.

    :param command: what ``airflow`` is told to be there
    :param needs: groups of settings, see :meth:`Settings.environment`
    """

    command: Sequence[str]
    networks: Sequence[str]
    needs: Sequence[str]


_BOTH = (FRONT, DATA)
_API = Part(("api-server",), _BOTH, ("database", "tokens", "sessions", "people"))
PARTS: Mapping[str, Part] = {
    **dict.fromkeys(API_SERVERS, _API),
    "scheduler": Part(("scheduler", "--skip-serve-logs"), _BOTH, ("database", "tokens", "broker")),
    "dag-processor": Part(("dag-processor",), _BOTH, ("database", "connection")),
    "triggerer": Part(("triggerer",), _BOTH, ("database", "sessions", "connection")),
    # Neither the database's address nor its network.
    "worker": Part(
        ("celery", "worker", "--without-gossip", "--without-mingle"),
        (FRONT,),
        ("broker", "sessions", "connection"),
    ),
}


def airflow(*command: str) -> list[str]:
    """A command of Airflow."""
    return [sys.executable, "-m", "airflow", *command]


@dataclass(frozen=True)
class Settings:
    """
    Settings of a cluster's Airflow.

    :param home: ``AIRFLOW_HOME`` on every host
    :param port: of the reverse proxy, which hosts know as ``edge``
    """

    home: Path
    port: int
    passwords: Mapping[str, str] = field(
        default_factory=lambda: {
            **{user.name: user.password for user in USERS},
            SERVICE_USER: secrets.token_urlsafe(32),
        }
    )
    _secrets: Mapping[str, str] = field(
        default_factory=lambda: {name: secrets.token_urlsafe(64) for name in ("jwt", "session")}
    )
    _fernet: str = field(default_factory=lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode())

    @property
    def url(self) -> str:
        """Where people open it."""
        return f"http://127.0.0.1:{self.port}{PREFIX}"

    @property
    def inner_url(self) -> str:
        """Where the hosts find the same."""
        return f"http://edge:{self.port}{PREFIX}"

    def plain_environment(self, name: str) -> dict[str, str]:
        """Environment of a program on a host that is no Airflow."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "USER": name,
            "TMPDIR": str(self.home / "tmp"),
        }

    def environment(self, name: str) -> dict[str, str]:
        """Environment of the part of Airflow on a host."""
        groups = {
            "database": {"database.sql_alchemy_conn": DATABASE_URL, "core.fernet_key": self._fernet},
            "tokens": {"api_auth.jwt_secret": self._secrets["jwt"]},
            "sessions": {"api.secret_key": self._secrets["session"]},
            "people": {"core.simple_auth_manager_passwords_file": str(self.home / "passwords.json")},
            "broker": {"celery.broker_url": "redis://redis/0", "celery.result_backend": "redis://redis/1"},
            "connection": {},
        }
        options = {**self._common(), **INTERVALS}
        for need in PARTS[name].needs:
            options |= groups[need]
        configured = {f"AIRFLOW__{key.replace('.', '__').upper()}": value for key, value in options.items()}
        if "connection" in PARTS[name].needs:
            configured["AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT"] = self._connection()
        return {
            **self.plain_environment(name),
            **configured,
            "AIRFLOW_CONN_GIT_DEFAULT": json.dumps({"conn_type": "git"}),
            "AIRFLOW_HOME": str(self.home),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
        }

    def _connection(self) -> str:
        password = self.passwords[SERVICE_USER]
        login = {"login": SERVICE_USER, "password": password}
        return json.dumps({"conn_type": "airflow_release", "host": self.inner_url, **login})

    def _common(self) -> dict[str, str]:
        people = [f"{user.name}:{user.role}" for user in USERS]
        return {
            "core.load_examples": "False",
            "core.executor": "CeleryExecutor",
            "core.parallelism": "8",
            "workers.execution_api_timeout": "30",  # first answers take long on a busy machine
            "celery.worker_concurrency": "4",
            "core.dags_are_paused_at_creation": "False",
            "core.simple_auth_manager_users": ",".join([*people, f"{SERVICE_USER}:viewer"]),
            "core.execution_api_server_url": f"{self.inner_url}/execution/",
            "api.base_url": self.url,
            "dag_processor.dag_bundle_config_list": json.dumps(self._bundles()),
            "dag_processor.dag_bundle_storage_path": str(self.home / "bundles"),
            "usage_data_collection.enabled": "False",
            "release.default_flow_roles": "op,admin",
            "release.service_users": SERVICE_USER,
        }

    @staticmethod
    def _bundles() -> list[dict[str, object]]:
        git = {"repo_url": "git://code/dev.git", "tracking_ref": "main", "git_conn_id": None}
        classes = {
            "dev": ("airflow.providers.git.bundles.git.GitDagBundle", git),
            "prod": ("airflow_release_plugin.bundles.release.ReleaseDagBundle", {}),
            "release_pipelines": ("airflow_release_plugin.bundles.pipelines.ReleasePipelinesBundle", {}),
        }
        return [
            {"name": name, "classpath": classpath, "kwargs": kwargs}
            for name, (classpath, kwargs) in classes.items()
        ]
