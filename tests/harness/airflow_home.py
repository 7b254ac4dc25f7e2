"""The scratch Airflow of a test process. Made before Airflow is imported, which reads the settings."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

BUNDLES = {
    "dev": "airflow.dag_processing.bundles.local.LocalDagBundle",
    "prod": "airflow_release_plugin.bundles.release.ReleaseDagBundle",
    "release_pipelines": "airflow_release_plugin.bundles.pipelines.ReleasePipelinesBundle",
}


def prepare() -> Path:
    """Point this process, and its children, at an ``AIRFLOW_HOME`` that goes when the process ends."""
    home = Path(tempfile.mkdtemp(prefix="airflow-release-tests-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    source = home / "dags"
    source.mkdir()
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        del os.environ[name]
    bundles = [
        {"name": name, "classpath": classpath, "kwargs": {"path": str(source)} if name == "dev" else {}}
        for name, classpath in BUNDLES.items()
    ]
    options = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__FERNET_KEY": "",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "dev:user,reviewer:op,admin:admin,viewer:viewer,pipeline:viewer",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "API__SECRET_KEY": "the tests' session key, long enough for every library",
        "API_AUTH__JWT_SECRET": "the tests' token key, long enough for sixty-four bytes of HMAC with SHA-512",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home / "bundles"),
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "RELEASE__DEFAULT_FLOW_ROLES": "op,admin",
        "RELEASE__SERVICE_USERS": "pipeline",
    }
    os.environ.update({f"AIRFLOW__{name}": value for name, value in options.items()})
    os.environ["AIRFLOW_HOME"] = str(home)
    return home


def migrate(url: str) -> None:
    """Create the whole schema at ``url`` as an operator does: by the command, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env={**os.environ, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"airflow db migrate failed on {url}:\n{done.stdout}")


@contextmanager
def one_process_at_a_time(shared: Path) -> Iterator[None]:
    """Hold a lock that the workers of one test run share; ``shared`` is a folder that they have in common."""
    with (shared / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        yield
