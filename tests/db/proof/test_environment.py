"""What running an environment's files tells where a file does not run, is gone, or reads what it must not."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import pytest

from airflow_release_plugin.domain.release.environment_proof import ServedDag, ServedDags, Standing, wrong
from airflow_release_plugin.exceptions import NotFoundError
from airflow_release_plugin.proof.dag_description import canonical_of_served, digest_of
from airflow_release_plugin.proof.environment import prove_environment
from airflow_release_plugin.proof.observation import PrivateFolder
from tests.harness.running import run_files

pytestmark = pytest.mark.req("R82")

DAG = 'from airflow.sdk import DAG\nwith DAG("{0}"):\n    pass\n'


class Kept:
    """An environment in memory: files, and what Airflow has of them."""

    def __init__(self, files: dict[str, str], released: dict[str, list[str]], *served: ServedDag) -> None:
        self.files = files
        self.answer = ServedDags("prod", "c" * 40, {k: tuple(v) for k, v in released.items()}, served, {})

    def served(self) -> ServedDags:
        return self.answer

    def text(self, dag_id: str) -> str:
        raise NotFoundError(f"No {dag_id} here.")

    def build(self, folder: Path, version: str) -> Path:
        for path, text in self.files.items():
            (folder / path).write_text(text)
        return folder


def test_each_file_that_cannot_be_what_is_served_says_why(tmp_path: Path) -> None:
    source = tmp_path / "dev"
    source.mkdir()
    (source / "rates.csv").write_text("1\n")
    files = {
        "broken.py": "import a_package_that_was_uninstalled\n" + DAG.format("broken"),
        "reads.py": f"try:\n    open('{source}/rates.csv')\nexcept OSError:\n    pass\n"
        + DAG.format("reads"),
        "moved.py": DAG.format("moved"),
        "empty.py": "x = 1\n",
    }
    released = {
        "broken.py": ["broken"],
        "reads.py": ["reads"],
        "moved.py": ["moved"],
        "empty.py": ["empty"],
        "gone.py": ["gone"],
    }
    elsewhere = ServedDag("moved", "old.py", "c" * 40, "0" * 64)
    private = [PrivateFolder(str(source), "the source 'dev'")]

    proof = prove_environment(
        Kept(files, released, elsewhere), run=partial(run_files, bundle_name="prod", private=private), jobs=2
    )

    assert wrong(proof.dags) == list(proof.dags)
    found = {dag.dag_id: (dag.standing, dag.detail) for dag in proof.dags}
    assert found["broken"] == (
        Standing.BROKEN,
        "ModuleNotFoundError: No module named 'a_package_that_was_uninstalled'",
    )
    assert found["reads"][0] is Standing.BROKEN
    assert "which lies in the source 'dev'" in found["reads"][1]
    assert found["moved"] == (
        Standing.MISSING,
        "moved.py makes it, and Airflow serves it from old.py.",
    )
    assert found["empty"] == (
        Standing.MISSING,
        "It was released; empty.py makes no such Dag, and Airflow serves none.",
    )
    assert found["gone"] == (Standing.MISSING, "The version cccccccccccc has no gone.py.")
    assert proof.counts == {"equal": 0, "different": 0, "broken": 2, "missing": 3, "unsteady": 0}
    assert proof.files == 4


def test_where_a_served_dag_lay_does_not_count() -> None:
    def stored(tree: str, link: str) -> dict[str, object]:
        dag = {"relative_fileloc": "a/etl.py", "fileloc": f"{link}/a/etl.py", "template_searchpath": tree}
        return {"dag": dag}

    one = stored(f"/x/prod/tracking/{'a' * 40}/sql", "/x/prod/current")
    two = stored(f"/other/prod/tracking/{'b' * 40}/sql", "/other/prod/current")
    pinned = stored(f"/other/prod/versions/{'b' * 40}/sql", f"/other/prod/versions/{'b' * 40}")

    assert len({digest_of(canonical_of_served(each)) for each in (one, two, pinned)}) == 1
    assert '"./sql"' in canonical_of_served(one)
    assert "/x/y" in canonical_of_served({"dag": {"fileloc": "/x/y", "relative_fileloc": "z"}, "at": "/x/y"})


def test_a_dag_that_names_a_folder_of_the_machine_is_the_same_in_each_run(tmp_path: Path) -> None:
    text = (
        "import os, tempfile\nfrom airflow.sdk import DAG\n"
        'with DAG("d", description=f"{tempfile.gettempdir()}/out {os.path.expanduser(\'~\')}/x"):\n    pass\n'
    )
    (tmp_path / "d.py").write_text(text)

    first, second = (run_files(tmp_path, ["d.py"]).files[0].serialized for _ in range(2))

    assert first == second
    assert f'"{tempfile.gettempdir()}/out {Path.home().resolve()}/x"' in dict(first)["d"]
