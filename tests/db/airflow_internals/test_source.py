from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.models.dag import DagModel
from sqlalchemy import update
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.source import AirflowSource
from airflow_release_plugin.domain.ports import KnownDag
from airflow_release_plugin.exceptions import SourceUnavailableError
from tests.db.airflow_internals.conftest import Parse
from tests.harness.databases import counted

pytestmark = [
    pytest.mark.req("R2"),
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern"),  # Airflow's reading of .airflowignore
]
DAG_CODE = "from airflow.sdk import DAG\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the configured source bundle."""
    root = tmp_path / "dev"
    root.mkdir()
    configure(
        monkeypatch,
        "airflow.dag_processing.bundles.local.LocalDagBundle",
        {"path": str(root)},
    )
    return root


def configure(monkeypatch: pytest.MonkeyPatch, classpath: str, kwargs: dict[str, str]) -> None:
    bundles = [{"name": "dev", "classpath": classpath, "kwargs": kwargs}]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))


@pytest.fixture
def source(session: Session) -> AirflowSource:
    return AirflowSource(session)


def test_the_files_are_those_that_airflow_would_parse(source: AirflowSource, root: Path) -> None:
    (root / "team").mkdir()
    (root / "team" / "flow.py").write_text(DAG_CODE)
    (root / "helper.py").write_text("x = 1\n")
    (root / "ignored.py").write_text(DAG_CODE)
    (root / ".airflowignore").write_text("ignored.py\n")
    (root / "query.sql").write_text("select 1 -- airflow dag\n")

    snapshot = source.snapshot()

    assert (snapshot.root, snapshot.dag_files, snapshot.version) == (root, ("team/flow.py",), None)


def test_archives_are_left_out(source: AirflowSource, root: Path) -> None:
    with zipfile.ZipFile(root / "flows.zip", "w") as archive:
        archive.writestr("flow.py", DAG_CODE)

    assert source.snapshot().dag_files == ()


def test_a_new_file_is_seen_at_once(source: AirflowSource, root: Path) -> None:
    source.snapshot()
    (root / "flow.py").write_text(DAG_CODE)

    assert source.snapshot().dag_files == ("flow.py",)


def test_reading_leaves_the_import_path_alone(source: AirflowSource, root: Path) -> None:
    before = list(sys.path)

    source.snapshot()

    assert sys.path == before


@pytest.fixture
def commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commit of the source, which is a git repository with one DAG file."""
    git = pytest.importorskip("git")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "storage"))
    repository = git.Repo.init(tmp_path / "repository", initial_branch="main")
    (tmp_path / "repository" / "flow.py").write_text(DAG_CODE)
    repository.index.add(["flow.py"])
    author = git.Actor("ann", "ann@example.org")
    made = repository.index.commit("first", author=author, committer=author)
    configure(
        monkeypatch,
        "airflow.providers.git.bundles.git.GitDagBundle",
        {"tracking_ref": "main", "repo_url": str(tmp_path / "repository")},
    )
    return str(made.hexsha)


def test_a_git_bundle_is_read_at_its_commit(source: AirflowSource, commit: str) -> None:
    snapshot = source.snapshot()

    assert (snapshot.dag_files, snapshot.version) == (("flow.py",), commit)


@pytest.mark.req("R85")
def test_a_git_bundle_whose_folder_was_deleted_is_fetched_again(
    source: AirflowSource, commit: str, tmp_path: Path
) -> None:
    source.snapshot()
    shutil.rmtree(tmp_path / "storage")

    snapshot = source.snapshot()

    assert (snapshot.dag_files, snapshot.version) == (("flow.py",), commit)
    assert (snapshot.root / "flow.py").read_text() == DAG_CODE


def test_a_bundle_that_is_not_configured_is_a_clear_error(
    source: AirflowSource, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__SOURCE_BUNDLE", "elsewhere")

    with pytest.raises(SourceUnavailableError, match="'elsewhere' cannot be read"):
        source.snapshot()


def test_a_folder_that_is_missing_is_a_clear_error(source: AirflowSource, root: Path) -> None:
    root.rmdir()

    with pytest.raises(SourceUnavailableError, match="does not exist; create it"):
        source.snapshot()


class TestFacts:
    def test_are_found_for_the_asked_paths_only(
        self, source: AirflowSource, write: Callable[..., None], parse: Parse
    ) -> None:
        write("a.py", "a")
        write("b.py", "b")
        parse()

        assert list(source.facts("prod", ["a.py"])) == ["a.py"]
        assert sorted(source.facts("prod")) == ["a.py", "b.py"]

    def test_cost_the_same_number_of_queries_for_many_dags(
        self, source: AirflowSource, session: Session, write: Callable[..., None], parse: Parse
    ) -> None:
        for number in range(5):
            write(f"{number}.py", f"dag_{number}", (f"task_{number}",))
        parse()

        with counted(session.get_bind()) as statements:
            found = source.facts("prod")

        assert (len(found), len(statements)) == (5, 3)

    def test_of_another_bundle_are_not_mixed_in(
        self, source: AirflowSource, write: Callable[..., None], parse: Parse
    ) -> None:
        write("a.py", "a")
        parse()

        assert source.facts("dev") == {}
        assert source.known("dev") == {}

    def test_what_is_known_of_all_is_what_the_facts_say(
        self,
        source: AirflowSource,
        session: Session,
        folder: Path,
        write: Callable[..., None],
        parse: Parse,
    ) -> None:
        write("a.py", "b_first")
        write("a_too.py", "a_second")
        write("gone.py", "gone")
        (folder / "b.py").write_text(f'{DAG_CODE}y, x = DAG("y", schedule=None), DAG("x", schedule=None)\n')
        parse()
        session.execute(update(DagModel).where(DagModel.dag_id == "gone").values(is_stale=True))

        with counted(session.get_bind()) as statements:
            known = source.known("prod")

        assert len(statements) == 1
        assert known == {
            path: tuple(KnownDag(fact.dag_id, fact.last_parsed) for fact in facts)
            for path, facts in source.facts("prod").items()
        }
        assert {path: [dag.dag_id for dag in dags] for path, dags in known.items()} == {
            "a.py": ["b_first"],
            "a_too.py": ["a_second"],
            "b.py": ["x", "y"],
        }
        assert all(dag.last_parsed for dags in known.values() for dag in dags)


def test_import_errors_are_found_by_path(
    source: AirflowSource, folder: Path, parse: Parse, write: Callable[..., None]
) -> None:
    (folder / "broken.py").write_text("from airflow.sdk import DAG\nimport no_such_module\n")
    parse()

    assert "no_such_module" in source.import_errors("prod")["broken.py"]
    assert source.import_errors("prod", ["other.py"]) == {}
