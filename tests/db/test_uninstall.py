"""The wheel, installed into a folder of its own, takes its tables away as the page on it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from airflow_release_plugin.db_manager import ReleaseDBManager
from tests.harness.databases import copy_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/uninstall.md").read_text()
MANAGER = "airflow_release_plugin.db_manager.ReleaseDBManager"
OURS = {*ReleaseDBManager.metadata.tables, ReleaseDBManager.version_table_name}

Airflow = Callable[..., "subprocess.CompletedProcess[str]"]


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, **environment}
    return subprocess.run(command, env=settings, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, and nothing else, installed."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = [sys.executable, "-m", "uv"]
    offline = ["--offline", "--quiet", "--python", sys.executable]
    built = run(*uv, "build", "--wheel", "--no-build-isolation", *offline, "-o", str(folder), str(ROOT))
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    done = run(*uv, "pip", "install", *offline, "--no-deps", "--target", str(folder / "site"), str(wheel))
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture
def url(migrated_file: Path, tmp_path: Path) -> str:
    """A database that ``airflow db migrate`` made."""
    return copy_of(migrated_file, tmp_path)


@pytest.fixture
def airflow(site: Path, url: str, tmp_path: Path) -> Airflow:
    """Run a command of Airflow with the wheel, not with the working copy, in a home of its own."""
    environment = {
        "PYTHONPATH": str(site),
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
        "_AIRFLOW__AS_LIBRARY": "",
    }
    where = "import airflow_release_plugin as package; print(package.__file__)"
    found = run(sys.executable, "-c", where, cwd=tmp_path, **environment).stdout.strip()
    assert found.startswith(str(site)), found

    def command(*arguments: str, names_manager: bool = True) -> subprocess.CompletedProcess[str]:
        named = {"AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": MANAGER} if names_manager else {}
        return run(sys.executable, "-m", "airflow", *arguments, cwd=tmp_path, **environment, **named)

    return command


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def commands_of_the_page() -> list[list[str]]:
    """Every ``airflow db-manager`` command that the page shows, without the first word."""
    return [line.split()[1:] for line in re.findall(r"^airflow db-manager .*$", PAGE, re.MULTILINE)]


def test_the_tables_go_and_come_as_the_page_says(airflow: Airflow, url: str) -> None:
    before = tables(url)
    _, remove = commands_of_the_page()
    assert before >= OURS

    done = airflow(*remove)
    assert done.returncode == 0, done.stderr
    assert tables(url) == before - OURS

    done = airflow("db", "migrate")
    assert done.returncode == 0, done.stderr
    assert tables(url) == before


def test_a_downgrade_needs_the_setting_that_the_page_names(airflow: Airflow, url: str) -> None:
    before = tables(url)
    downgrade, _ = commands_of_the_page()
    assert f"AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS={MANAGER}" in PAGE

    refused = airflow(*downgrade, names_manager=False)
    assert refused.returncode != 0
    assert "[database/external_db_managers] not found in config" in refused.stderr + refused.stdout

    done = airflow(*downgrade)  # to the version that it has: nothing changes
    assert done.returncode == 0, done.stderr
    assert tables(url) == before
    done = airflow("db-manager", "downgrade", MANAGER, "--to-revision", "base", "--yes")
    assert done.returncode == 0, done.stderr
    assert tables(url) == before - OURS | {ReleaseDBManager.version_table_name}
