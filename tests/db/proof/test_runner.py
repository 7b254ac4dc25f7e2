from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from airflow_release_plugin.exceptions import UnavailableError
from airflow_release_plugin.proof.limits import Limits
from airflow_release_plugin.proof.report import FileReport, ParseReport
from tests.harness.running import run_files

DAG = """
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
with DAG("{id}", schedule={schedule}, tags=["b", "a"], description="d", default_args={{"owner": "me"}}):
    EmptyOperator(task_id="x", pool="small", queue="q") >> BashOperator(task_id="y",
        bash_command="echo {{{{ var.value.env }}}}", outlets=[Asset("out")], trigger_rule="all_done")
"""


def dag(dag_id: str, schedule: str = "None") -> str:
    return DAG.format(id=dag_id, schedule=schedule)


TREE = {
    "ok.py": dag("ok", '"@daily"'),
    "assets.py": dag("assets", '[Asset("in"), Asset("s3://b/k")]'),
    "twin.py": dag("ok"),
    "two.py": dag("one") + dag("two"),
    "none.py": "x = 1\n",
    "syntax.py": "def (\n",
    "missing.py": "import nothing_like_this\n",
    "exit.py": "import sys\nsys.exit(3)\n",
    "cycle.py": dag("cycle")
    + "    a = EmptyOperator(task_id='a')\n    a >> EmptyOperator(task_id='b') >> a\n",
    "noise.py": "import os, sys\nprint('{\"event\": 1}' * 9999)\nsys.stdout.close()\nos.close(1)\n"
    + dag("noise"),
    "closing.py": "import os\nos.closerange(3, 200)\n" + dag("closing"),
    "thread.py": "import threading, time\nthreading.Thread(target=time.sleep, args=[600]).start()\n"
    + dag("thread"),
    "variable.py": "from airflow.sdk import Variable\nVariable.get('env')\n" + dag("variable"),
    "orm.py": "from airflow import settings\nsettings.Session()\n",
    "leaves.py": "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), 'lib'))\n"
    "import tool\nos.environ['LEFT'] = '1'\nos.chdir('/')\n" + dag("leaves"),
    "lib/tool.py": "",
    "finds.py": "import os\nassert 'LEFT' not in os.environ\nassert os.getcwd() != '/'\nimport tool\n",
    "stands_in.py": "import json, sys, types\nsys.modules['json'] = types.ModuleType('json')\n"
    "sys.modules['nobody_has_it'] = types.ModuleType('nobody_has_it')\ndel sys.modules['csv']\n"
    + dag("stands_in"),
    "has_real.py": "import json\njson.dumps({})\n" + dag("has_real"),
    "has_none.py": "import nobody_has_it\n" + dag("has_none"),
    "hard_exit.py": "import os\nos._exit(0)\n",
    "killed.py": "import os\nos.kill(os.getpid(), 9)\n",
    "fault.py": "import ctypes\nctypes.string_at(0)\n",
    "last.py": dag("last"),
}
PARSE = ("noise.py", "closing.py", "thread.py", "leaves.py", "stands_in.py", "has_real.py", "last.py")
DEADLY = ("hard_exit.py", "killed.py", "fault.py")


def write(tree: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    return tree


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ParseReport:
    tree = write(tmp_path_factory.mktemp("tree"), TREE)
    files = [path for path in TREE if not path.startswith("lib/")]
    return run_files(tree, [*files, "gone.py", "../up.py"], bundle_name="prod")


def of(report: ParseReport, path: str) -> FileReport:
    return next(file for file in report.files if file.path == path)


class TestFacts:
    def test_a_dag_is_described(self, report: ParseReport) -> None:
        (found,) = of(report, "ok.py").dags

        assert (found.schedule, found.tags, found.owners, found.description) == (
            "0 0 * * *",
            ("a", "b"),
            ("me",),
            "d",
        )
        assert found.edges == (("x", "y"),)

    def test_tasks_are_described(self, report: ParseReport) -> None:
        x, y = of(report, "ok.py").dags[0].tasks

        assert (x.task_id, x.type, x.pool, x.queue, x.owner) == ("x", "EmptyOperator", "small", "q", "me")
        assert (y.task_id, y.type, y.trigger_rule) == ("y", "BashOperator", "all_done")

    def test_a_dag_without_a_schedule_has_none(self, report: ParseReport) -> None:
        assert of(report, "two.py").dags[0].schedule is None

    def test_assets_are_named_on_both_sides(self, report: ParseReport) -> None:
        (found,) = of(report, "assets.py").dags

        assert (found.assets_in, found.assets_out) == (("in", "s3://b/k"), ("out",))

    def test_a_file_may_hold_several_dags(self, report: ParseReport) -> None:
        assert of(report, "two.py").dag_ids == ("one", "two")

    def test_a_file_without_dags_is_no_error(self, report: ParseReport) -> None:
        assert (of(report, "none.py").dags, of(report, "none.py").error) == ((), "")

    def test_an_id_in_two_files_is_named(self, report: ParseReport) -> None:
        assert report.duplicates == {"ok": ("ok.py", "twin.py")}

    def test_references_are_listed(self, report: ParseReport) -> None:
        assert of(report, "ok.py").references.variables == ("env",)

    def test_files_come_in_the_order_asked_for(self, report: ParseReport) -> None:
        assert [file.path for file in report.files][:2] == ["ok.py", "assets.py"]


class TestBadFiles:
    @pytest.mark.parametrize(
        ("path", "error"),
        [
            ("syntax.py", 'File "syntax.py", line 1'),
            ("missing.py", "No module named 'nothing_like_this'"),
            ("exit.py", "SystemExit: 3"),
            ("cycle.py", "ycle"),
            ("variable.py", "no access to Airflow's variables and connections"),
            ("orm.py", "not allowed"),
            ("hard_exit.py", "died: it exited with code 0"),
            ("killed.py", "died: killed by SIGKILL"),
            ("fault.py", 'File "fault.py", line 2'),
            ("gone.py", "does not exist in the tree"),
            ("../up.py", "leaves the tree"),
            ("finds.py", "No module named 'tool'"),
            ("has_none.py", "No module named 'nobody_has_it'"),
        ],
    )
    def test_the_reason_is_given(self, report: ParseReport, path: str, error: str) -> None:
        assert error in of(report, path).error
        assert of(report, path).dags == ()

    @pytest.mark.parametrize("path", PARSE)
    def test_a_badly_behaved_file_that_parses_is_fine(self, report: ParseReport, path: str) -> None:
        assert (of(report, path).error, of(report, path).dag_ids) == ("", (path.removesuffix(".py"),))

    def test_errors_do_not_show_where_the_tree_lies(
        self, report: ParseReport, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        assert not [file.path for file in report.files if str(tmp_path_factory.getbasetemp()) in file.error]


class TestTime:
    def test_a_file_that_never_ends_is_stopped_and_the_next_is_parsed(self, tmp_path: Path) -> None:
        loop = "while True:\n  try:\n    while True: pass\n  except BaseException: pass\n"
        report = run_files(
            write(tmp_path, {"loop.py": loop, "ok.py": dag("ok")}),
            ["loop.py", "ok.py"],
            limits=Limits(file=5),
        )

        assert "used 5 seconds of processor time" in of(report, "loop.py").error
        assert "[release] check_file_timeout" in of(report, "loop.py").error
        assert of(report, "ok.py").dag_ids == ("ok",)

    def test_a_file_that_waits_has_longer_and_is_told_that_it_waits(self, tmp_path: Path) -> None:
        tree = write(tmp_path, {"waits.py": "import time\ntime.sleep(600)\n"})
        (found,) = run_files(tree, ["waits.py"], limits=Limits(file=1)).files

        assert "did not finish within 4 seconds" in found.error
        assert "it waits for something" in found.error

    def test_airflow_that_is_not_loaded_in_time_is_no_fault_of_a_file(self, tmp_path: Path) -> None:
        with pytest.raises(UnavailableError, match=r"no fault.*tried again.*check_start_timeout"):
            run_files(write(tmp_path, {"ok.py": dag("ok")}), ["ok.py"], start_seconds=0.01)

    def test_files_that_have_no_turn_any_more_are_no_fault_of_theirs(self, tmp_path: Path) -> None:
        tree = write(tmp_path, {"slow.py": "import time\ntime.sleep(1)\n" + dag("slow"), "ok.py": dag("ok")})

        with pytest.raises(UnavailableError, match=r"1 had no turn, ok.py first.*no fault.*check_timeout"):
            run_files(tree, ["slow.py", "ok.py"], limits=Limits(total=0.5))

    def test_beside_one_that_is_wrong_anyway_they_are_only_not_reached(self, tmp_path: Path) -> None:
        tree = write(tmp_path, {"wrong.py": "import time\ntime.sleep(1)\n1 / 0\n", "ok.py": dag("ok")})
        report = run_files(tree, ["wrong.py", "ok.py"], limits=Limits(total=0.5))

        assert "ZeroDivisionError" in of(report, "wrong.py").error
        assert (of(report, "ok.py").is_reached, of(report, "ok.py").error) == (False, "")

    def test_loading_airflow_takes_nothing_from_the_time_of_files(self, tmp_path: Path) -> None:
        """With next to no time the first file has its turn all the same."""
        tree = write(tmp_path, {"one.py": "", "two.py": ""})

        with pytest.raises(UnavailableError, match=r"used up by 1 files; 1 had no turn, two\.py first"):
            run_files(tree, ["one.py", "two.py"], limits=Limits(total=1e-6))

    def test_memory_counts_from_where_airflow_is_loaded(self, tmp_path: Path) -> None:
        tree = write(tmp_path, {"big.py": "x = bytearray(200 * 1024**2)\n", "small.py": dag("small")})
        report = run_files(tree, ["big.py", "small.py"], limits=Limits(memory_mb=100))

        assert "MemoryError" in of(report, "big.py").error
        assert "100 MiB" in of(report, "big.py").error
        assert "[release] check_memory_mb" in of(report, "big.py").error
        assert of(report, "small.py").dag_ids == ("small",)

    def test_nothing_is_left_running(self, tmp_path: Path) -> None:
        code = "import subprocess\nfrom airflow.sdk import DAG\n"
        code += "dag = DAG('child', description=str(subprocess.Popen(['sleep', '600']).pid))\n"
        (found,) = run_files(write(tmp_path, {"child.py": code}), ["child.py"]).files
        pid = int(found.dags[0].description)

        assert _ends(pid)


def _ends(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # nobody collects orphans in some containers
            return True
        time.sleep(0.05)
    return False


def test_the_environment_is_passed_on(tmp_path: Path) -> None:
    code = "from airflow.sdk import Variable\nassert Variable.get('env') == 'prod'\n" + dag("env")
    report = run_files(write(tmp_path, {"env.py": code}), ["env.py"], environment={"AIRFLOW_VAR_ENV": "prod"})

    assert (report.files[0].error, report.dag_ids) == ("", ("env",))


def test_the_tree_is_left_as_it_was(tmp_path: Path) -> None:
    tree = write(tmp_path, {"ok.py": "import lib.tool\nopen('litter', 'w')\n" + dag("ok"), "lib/tool.py": ""})
    run_files(tree, ["ok.py"])

    assert sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*")) == [
        "lib",
        "lib/tool.py",
        "ok.py",
    ]


def test_an_environment_behind_a_link_is_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to(sys.prefix)
    # What is written in C stays what it was; taken away, the rest would come anew, and not know its classes.
    code = "import yaml\nassert yaml.load('a: 1', yaml.CSafeLoader) == {'a': 1}\n"
    tree = write(tmp_path / "tree", {"one.py": code + dag("one"), "two.py": code + dag("two")})
    report = run_files(tree, ["one.py", "two.py"], python=os.fspath(tmp_path / "venv/bin/python"))

    assert [(file.error, file.dag_ids) for file in report.files] == [("", ("one",)), ("", ("two",))]


def test_an_interpreter_without_airflow_is_named(tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho no airflow here >&2\nexit 1\n")
    fake.chmod(0o755)

    with pytest.raises(UnavailableError, match=r"could not start Airflow with .*no airflow here"):
        run_files(write(tmp_path, {"ok.py": ""}), ["ok.py"], python=os.fspath(fake))


@pytest.mark.req("R53")
def test_an_import_of_a_branch_that_was_not_taken_is_told(tmp_path: Path) -> None:
    files = {
        "flow.py": "import json, lib.choice\nif json is None:\n    import only_there\n" + dag("flow"),
        "lib/choice.py": "import sys\nif sys.platform == 'plan9':\n    import company_plan9.io\n",
        "lib/later.py": "import company_later\n",
        "broken.py": "import company_missing\n",
    }

    flow, broken = run_files(write(tmp_path, files), ["flow.py", "broken.py"]).files

    assert flow.error == ""
    assert flow.skipped_imports == ("company_plan9.io", "only_there")
    assert broken.skipped_imports == ()
