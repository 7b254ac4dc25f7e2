"""What code that nobody has approved yet can reach while it is checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.proof import landlock
from airflow_release_plugin.proof.observation import PrivateFolder
from tests.harness.blocked_kernel import LANDLOCK, UNSHARE, python_without
from tests.harness.running import run_files

pytestmark = [
    pytest.mark.req("R80"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines"),
]

SPY = """
import json, os, signal, socket, subprocess
from pathlib import Path
from airflow.sdk import DAG
HERE = Path(__file__).parent
def tried(deed):
    try:
        deed()
    except OSError as error:
        return type(error).__name__
    return "done"
def connect(kind, address):
    with socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, kind) as opened:
        opened.settimeout(5)
        opened.connect(address)
def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.sendto(b"secret", {udp})
seen = {{
    "own file": tried(lambda: open(HERE / "data.txt").read()),
    "own scratch": tried(lambda: open("written", "w").close()),
    "temporary file": tried(lambda: __import__("tempfile").mkstemp()),
    "lock between processes": tried(lambda: __import__("multiprocessing").get_context("spawn").Lock()),
    "time zone": tried(lambda: open("/usr/share/zoneinfo/UTC", "rb").read()),
    "random": tried(lambda: open("/dev/urandom", "rb").read(1)),
    "names of users": tried(lambda: open("/etc/passwd").read()),
    "program": tried(lambda: subprocess.run(["true"], check=True)),
    "settings": tried(lambda: open({settings!r}).read()),
    "database": tried(lambda: open({database!r}, "rb").read()),
    "source": tried(lambda: open({source!r}).read()),
    "list of the source": tried(lambda: os.listdir(os.path.dirname({source!r}))),
    "somebody's home": tried(lambda: open({other_home!r}).read()),
    "temporary files of others": tried(lambda: open({temporary!r}).read()),
    "list of temporary files": tried(lambda: os.listdir("/tmp")),
    "passwords": tried(lambda: open("/etc/shadow").read()),
    "folder that an admin named": tried(lambda: open({named!r}).read()),
    "write to the own tree": tried(lambda: open(HERE / "data.txt", "a").close()),
    "write to what is installed": tried(lambda: open(json.__file__, "a").close()),
    "environment of the task": tried(lambda: open("/proc/{task}/environ", "rb").read()),
    "memory of the task": tried(lambda: open("/proc/{task}/mem", "rb").read(1)),
    "signal to the task": tried(lambda: os.kill({task}, 0)),
    "TCP": tried(lambda: connect(socket.SOCK_STREAM, {tcp})),
    "UDP": tried(send),
    "abstract socket": tried(lambda: connect(socket.SOCK_STREAM, {abstract!r})),
    "by a program": ("done", "PermissionError")[
        subprocess.run(["cat", {source!r}], capture_output=True).returncode
    ],
}}
dag = DAG("spy", description=json.dumps(seen))
"""
MAY = [
    "own file",
    "own scratch",
    "temporary file",
    "lock between processes",
    "time zone",
    "random",
    "names of users",
    "program",
    "folder that an admin named",
]
FILES = [
    "settings",
    "database",
    "source",
    "list of the source",
    "somebody's home",
    "temporary files of others",
    "list of temporary files",
    "passwords",
    "write to the own tree",
    "write to what is installed",
    "environment of the task",
    "memory of the task",
    "by a program",
]
SIGNALS = ["signal to the task", "abstract socket"]


class Worker:
    """A machine with things on it, and ports that answer."""

    def __init__(self, root: Path) -> None:
        import socket

        self.root = root
        self.home = root / "af"
        for path in (
            "af/dags/flow.py",
            "af/airflow.cfg",
            "af/airflow.db",
            "user/.netrc",
            "etc/app.yaml",
            "other.tmp",
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text("hidden")
        self.sockets = [
            socket.create_server(("127.0.0.1", 0)),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        ]
        self.sockets[1].bind(("127.0.0.1", 0))
        self.abstract = f"\0release-{os.getpid()}-{root.name}"
        self.sockets[2].bind(self.abstract)
        self.sockets[2].listen()
        tree = root / "tree"
        tree.mkdir()
        (tree / "data.txt").write_text("mine")
        (tree / "spy.py").write_text(
            SPY.format(
                settings=str(self.home / "airflow.cfg"),
                database=str(self.home / "airflow.db"),
                source=str(self.home / "dags" / "flow.py"),
                other_home=str(root / "user" / ".netrc"),
                temporary=str(root / "other.tmp"),
                named=str(root / "etc" / "app.yaml"),
                task=os.getpid(),
                tcp=self.sockets[0].getsockname(),
                udp=self.sockets[1].getsockname(),
                abstract=self.abstract,
            )
        )

    @property
    def private(self) -> list[PrivateFolder]:
        return [
            PrivateFolder(str(self.home / "dags"), "the source 'dev'"),
            PrivateFolder(str(self.home), "home", False),
        ]

    def spy(self, **options: Any) -> tuple[dict[str, str], str]:
        report = run_files(
            self.root / "tree",
            ["spy.py"],
            private=self.private,
            readable=[str(self.root / "etc"), str(self.home / "dags")],
            **options,
        )
        (found,) = report.files
        assert found.error == ""
        return json.loads(found.dags[0].description), report.confinement.sentence


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = Worker(tmp_path_factory.mktemp("worker").resolve())
    yield made
    for each in made.sockets:
        each.close()


@pytest.fixture(scope="module")
def seen(worker: Worker) -> tuple[dict[str, str], str]:
    return worker.spy()


def test_it_is_confined(seen: tuple[dict[str, str], str]) -> None:
    assert seen[1] == "Confined: files and network."


@pytest.mark.parametrize("deed", MAY)
def test_what_dag_code_needs_it_may(seen: tuple[dict[str, str], str], deed: str) -> None:
    assert seen[0][deed] == "done"


@pytest.mark.parametrize("deed", FILES)
def test_files_of_the_worker_are_out_of_reach(seen: tuple[dict[str, str], str], deed: str) -> None:
    assert seen[0][deed] == "PermissionError"


@pytest.mark.parametrize("deed", ["TCP", "UDP", "abstract socket", "signal to the task"])
def test_other_processes_and_machines_are_out_of_reach(seen: tuple[dict[str, str], str], deed: str) -> None:
    assert seen[0][deed] != "done"


class TestLess:
    def test_without_network_namespaces_tcp_is_shut(self, worker: Worker, tmp_path: Path) -> None:
        found, sentence = worker.spy(python=python_without(tmp_path, *UNSHARE))

        assert sentence.startswith("Confined: files and TCP connections. Open: what is no TCP")
        assert {found[deed] for deed in ["TCP", "source", "settings"]} == {"PermissionError"}
        assert found["UDP"] == "done"

    def test_without_landlock_it_is_said(self, worker: Worker, tmp_path: Path) -> None:
        found, sentence = worker.spy(python=python_without(tmp_path, *LANDLOCK, *UNSHARE))

        assert sentence.startswith("Not confined: this kernel offers no Landlock; Linux has it since 5.13")
        assert {found[deed] for deed in ["TCP", "UDP", "source", "settings"]} == {"done"}

    def test_where_it_is_demanded_nothing_runs(self, worker: Worker, tmp_path: Path) -> None:
        python = python_without(tmp_path, *LANDLOCK, *UNSHARE)

        with pytest.raises(UnavailableError, match=r"^Not confined: .*require_confinement demands.*queue"):
            worker.spy(python=python, require_confinement=True)

    def test_a_demand_that_is_met_is_no_matter(self, worker: Worker) -> None:
        assert worker.spy(require_confinement=True)[1] == "Confined: files and network."


DROP = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
for right in range(64):
    libc.prctl(24, right, 0, 0, 0)  # nothing that is started from here on gets it
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
CHECK = """
import json, os, sys
from pathlib import Path
from tests.harness.running import run_files
os.umask(0o077)
tree = Path(sys.argv[1])
(tree / "a.py").write_text("from airflow.sdk import DAG\\ndag = DAG('a')\\nopen(__file__).read()\\n")
report = run_files(tree, ["a.py"])
print(json.dumps([report.files[0].error, report.confinement.sentence, list(report.dag_ids)]))
"""


def test_a_worker_without_any_rights_confines_as_well(tmp_path: Path) -> None:
    """As in a pod, under a umask that shuts everybody else out."""
    command = [sys.executable, "-c", DROP, "-c", CHECK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    error, sentence, dag_ids = json.loads(done.stdout.splitlines()[-1])
    assert (error, dag_ids) == ("", ["a"])
    assert sentence.startswith("Confined: files and ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand on a right over files")
def test_a_worker_that_reads_by_a_right_of_its_container_goes_on_reading(tmp_path: Path) -> None:
    """In a user namespace such a right is gone, and with it everything that others have closed."""
    tmp_path.chmod(0o700)
    right = "-all,+dac_read_search"
    other = ["setpriv", "--reuid", "71000", "--clear-groups", "--inh-caps", right, "--ambient-caps", right]
    check = CHECK.replace("os.umask(0o077)", "").replace('(tree / "a.py").write_text', "str")
    (tmp_path / "a.py").write_text("from airflow.sdk import DAG\ndag = DAG('a')\nopen(__file__).read()\n")
    home = tempfile.mkdtemp()
    os.chown(home, 71000, -1)
    try:
        done = subprocess.run(
            [*other, sys.executable, "-c", check, str(tmp_path)],
            env={**os.environ, "AIRFLOW_HOME": home, "TMPDIR": home},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(home)

    assert done.returncode == 0, done.stderr
    error, sentence, dag_ids = json.loads(done.stdout.splitlines()[-1])
    assert (error, dag_ids) == ("", ["a"])
    assert sentence.startswith("Confined: files and TCP connections.")


class TestAbi:
    @pytest.mark.parametrize(
        ("version", "rights"), [(1, 13), (2, 14), (3, 15), (4, 15), (5, 16), (7, 16), (9, 16)]
    )
    def test_each_kernel_is_asked_for_what_it_knows(self, version: int, rights: int) -> None:
        assert landlock.everything(version) == 2**rights - 1

    def test_this_kernel_has_one(self) -> None:
        assert landlock.abi() >= 1

    def test_what_does_not_exist_is_left_out(self, tmp_path: Path) -> None:
        code = (
            "from airflow_release_plugin.proof import landlock; import sys\n"
            "landlock.confine([(sys.argv[1], landlock.READ)]); print('confined')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "none")], capture_output=True, text=True, check=True
        )
        assert done.stdout == "confined\n"
