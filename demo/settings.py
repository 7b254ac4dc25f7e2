"""What the demo's Airflow is told: all by environment variables, nothing in the user's own Airflow home."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_release_plugin.transfer.keys import KeyFolder

HOST = "127.0.0.1"
EXAMPLE_DAGS = Path(__file__).resolve().parents[1] / "dags"
SERVICE_USER = "release-pipeline"


@dataclass(frozen=True)
class DemoUser:
    """A person who can log in; ``role`` is one of the simple auth manager's."""

    name: str
    password: str
    role: str
    purpose: str


USERS = (
    DemoUser("dev", "dev", "user", "writes and submits DAGs"),
    DemoUser("reviewer", "reviewer", "op", "approves what others submitted"),
    DemoUser("admin", "admin", "admin", "administers releases"),
)


INTERVALS: Mapping[str, str] = {
    "dag_processor.refresh_interval": "3",
    "dag_processor.bundle_refresh_check_interval": "1",
    "dag_processor.min_file_process_interval": "20",  # files that were edited do not wait for it
    "core.min_serialized_dag_update_interval": "1",
    "core.min_serialized_dag_fetch_interval": "1",
    "scheduler.scheduler_heartbeat_sec": "2",
    "scheduler.scheduler_health_check_threshold": "10",
    "scheduler.orphaned_tasks_check_interval": "15",
    "triggerer.job_heartbeat_sec": "2",
    "workers.min_heartbeat_interval": "1",
    "triggerer.triggerer_health_check_threshold": "10",
}
"""Short ones: somebody is looking, and an edit should show within seconds."""


@dataclass(frozen=True)
class DemoSettings:
    """
    One demo installation.

    :param home: its ``AIRFLOW_HOME``; everything that it writes is below
    :param port: port of the API server on 127.0.0.1
    :param dags: the folder that people edit; ``None`` means a copy of the example DAGs in ``home``
    :param options: options of Airflow that are to be different, by ``section.key``
    """

    home: Path
    port: int
    dags: Path | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where to open it."""
        return f"http://{HOST}:{self.port}"

    @property
    def logs(self) -> Path:
        """Folder with one log file for each component."""
        return self.home / "logs"

    @property
    def source(self) -> Path:
        """The folder that the source bundle reads."""
        return self.dags or self.home / "dags"

    def prepare(self) -> None:
        """Make folders and passwords; at the first start a signing key and the DAGs to edit."""
        self.logs.mkdir(parents=True, exist_ok=True)
        if not self._secrets.exists():
            # Without a key that signs, the page of exports could only say that one is missing.
            KeyFolder(self.home / "release" / "keys").generate()
        if self.dags is None and not self.source.exists():
            shutil.copytree(EXAMPLE_DAGS, self.source, ignore=shutil.ignore_patterns("__pycache__"))
        passwords = {user.name: user.password for user in USERS} | {SERVICE_USER: self._kept()["service"]}
        _write_private(self.home / "passwords.json", passwords)

    @property
    def _secrets(self) -> Path:
        return self.home / "secrets.json"

    def _kept(self) -> dict[str, str]:
        """Random values of this installation, made at the first start."""
        if not self._secrets.exists():
            names = ("service", "jwt", "session")
            kept = {name: secrets.token_urlsafe(64) for name in names}
            kept["fernet"] = urlsafe_b64encode(secrets.token_bytes(32)).decode()
            _write_private(self._secrets, kept)
        kept = json.loads(self._secrets.read_text())
        return {str(name): str(value) for name, value in kept.items()}

    def environment(self) -> dict[str, str]:
        """The environment of every process; settings of the user's own Airflow are left out."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW_")}
        options = {**self._core(), **INTERVALS, **self._bundles(), **self._release(), **self.options}
        configured = {f"AIRFLOW__{key.replace('.', '__').upper()}": value for key, value in options.items()}
        connection = {
            "conn_type": "airflow_release",
            "host": self.url,
            "login": SERVICE_USER,
            "password": self._kept()["service"],
        }
        return {
            **inherited,
            **configured,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW_CONN_AIRFLOW_RELEASE_DEFAULT": json.dumps(connection),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "PYTHONUNBUFFERED": "1",
        }

    def _core(self) -> dict[str, str]:
        kept = self._kept()
        people = [f"{user.name}:{user.role}" for user in USERS]
        return {
            "core.load_examples": "False",
            "core.executor": "LocalExecutor",
            "core.parallelism": "4",
            "core.dags_are_paused_at_creation": "False",
            "core.simple_auth_manager_users": ",".join([*people, f"{SERVICE_USER}:viewer"]),
            "core.simple_auth_manager_passwords_file": str(self.home / "passwords.json"),
            "core.fernet_key": kept["fernet"],
            "core.plugins_folder": str(self.home / "plugins"),
            "database.sql_alchemy_conn": f"sqlite:///{self.home / 'airflow.db'}?timeout=30",
            "api.host": HOST,
            "api.port": str(self.port),
            "api.base_url": self.url,
            "api.secret_key": kept["session"],
            "api_auth.jwt_secret": kept["jwt"],
            "logging.base_log_folder": str(self.logs / "tasks"),
            "dag_processor.dag_bundle_storage_path": str(self.home / "bundles"),
            "usage_data_collection.enabled": "False",
        }

    def _bundles(self) -> dict[str, str]:
        bundles = [
            {
                "name": "dev",
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(self.source)},
            },
            {
                "name": "prod",
                "classpath": "airflow_release_plugin.bundles.release.ReleaseDagBundle",
                "kwargs": {},
            },
            {
                "name": "release_pipelines",
                "classpath": "airflow_release_plugin.bundles.pipelines.ReleasePipelinesBundle",
                "kwargs": {},
            },
        ]
        return {"dag_processor.dag_bundle_config_list": json.dumps(bundles)}

    def _release(self) -> dict[str, str]:
        return {
            "release.default_flow_roles": "op,admin",
            "release.service_users": SERVICE_USER,
        }


def _write_private(path: Path, value: dict[str, str]) -> None:
    """Write JSON that only this user may read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file)
