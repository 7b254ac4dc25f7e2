"""What DAG files do while they run is seen, with the line that did it; reads of other DAG code fail the "
"check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_release_plugin.domain.tree.delta import TreeDelta
from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, TreeChange, blob_id
from airflow_release_plugin.proof.findings import refusals, remarks
from airflow_release_plugin.proof.observation import Access, PrivateFolder
from airflow_release_plugin.proof.report import FileReport, ParseReport
from tests.harness.blocked_kernel import LANDLOCK, UNSHARE, python_without
from tests.harness.running import run_files

pytestmark = pytest.mark.req("R80")

HEAD = "import glob, os, sys\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
TAIL = "\nfrom airflow.sdk import DAG\ndag = DAG(Path(__file__).stem)\n"
SOURCE = {
    "etl/flow.py": "",
    "etl/conf/one.yaml": "a: 1\n",
    "etl/conf/two.yaml": "a: 2\n",
    "lib/z_lib.py": "X = 1\n",
    "sql/report.sql": "select 1\n",
}
FORBIDDEN = {
    "absolute.py": "open('{source}/etl/conf/one.yaml').read()",
    "swallowed.py": "try:\n    open('{source}/etl/conf/one.yaml')\nexcept OSError: pass",
    "not_there.py": "try:\n    open('{source}/etl/conf/none.yaml')\nexcept OSError: pass",
    "sys_path.py": "sys.path.insert(0, '{source}/lib')\ntry:\n    import z_lib\nexcept ImportError: pass",
    "sys_path_end.py": "sys.path.append('{source}/lib')\ntry:\n    import z_lib\nexcept ImportError: pass",
    "no_folder.py": "sys.path.append('{source}/none')\ntry:\n    import z_lib\nexcept ImportError: pass",
    "glob_it.py": "glob.glob('{source}/etl/conf/*.yaml')",
    "list_it.py": "try:\n    os.listdir('{source}/etl/conf')\nexcept OSError: pass",
    "walk_it.py": "list(os.walk('{source}/etl'))",
    "path_glob.py": "try:\n    list(Path('{source}/etl').glob('*/*.yaml'))\nexcept OSError: pass",
    "exists.py": "Path('{source}/etl/conf/one.yaml').exists()",
    "joined.py": "for part in ('none', 'conf'):\n"
    "    os.path.isfile(os.path.join('{source}', 'etl', part, 'one.yaml'))",
    "default.py": "BASE = os.getenv('OUR_DAGS', '{source}')\ntry:\n"
    "    open(f'{{BASE}}/etl/conf/one.yaml')\nexcept OSError: pass",
    "dags_folder.py": "from airflow.configuration import conf\nBASE = conf.get('core', 'dags_folder')\n"
    "try:\n    open(os.path.join(BASE, 'etl', 'conf', 'one.yaml'))\nexcept OSError: pass",
    "airflow_home.py": "BASE = os.environ.get('AIRFLOW_HOME', '/opt/airflow')\n"
    "try:\n    open(f'{{BASE}}/dags/etl/conf/one.yaml')\nexcept OSError: pass",
    "home_folder.py": "try:\n    open(Path.home() / 'af' / 'dags' / 'etl' / 'conf' / 'one.yaml')\n"
    "except OSError: pass",
    "working_folder.py": "try:\n    open('dags/etl/conf/one.yaml')\nexcept OSError: pass",
    "working_sys_path.py": "sys.path.append(os.getcwd() + '/etl/conf')\ntry:\n    import z_lib\n"
    "except ImportError: pass",
    "changed_folder.py": "os.chdir('{source}')\ntry:\n    open('etl/conf/one.yaml')\nexcept OSError: pass",
    "linked.py": "try:\n    open('{link}/etl/conf/one.yaml')\nexcept OSError: pass",
    "dotted.py": "try:\n    open('/usr/../{source}/etl/conf/one.yaml')\nexcept OSError: pass",
    "by_bytes.py": "try:\n    open(b'{source}/etl/conf/one.yaml')\nexcept OSError: pass",
    "low_level.py": "try:\n    os.open('{source}/etl/conf/one.yaml', os.O_RDONLY)\nexcept OSError: pass",
    "writes.py": "try:\n    open('{source}/etl/conf/new.yaml', 'w')\nexcept OSError: pass",
    "program.py": "import subprocess\nsubprocess.run(['cat', '{source}/etl/conf/one.yaml'])",
    "shell.py": "os.system('cat {source}/etl/conf/one.yaml > /dev/null')",
    "other_bundle.py": "try:\n    open('{other}/x.py')\nexcept OSError: pass",
    "settings.py": "try:\n    open('{home}/airflow.cfg')\nexcept OSError: pass",
    "template.py": "from airflow.providers.standard.operators.bash import BashOperator\nfrom airflow.sdk "
    "import DAG\nwith DAG('t', template_searchpath=['{source}/sql']):\n"
    "    BashOperator(task_id='t', bash_command='report.sh')",
}
FINE = {
    "inside.py": "(HERE / 'conf' / 'mine.yaml').read_text()\n"
    "for name in ('gone.yaml', 'mine.yaml'):\n    (HERE / 'conf' / name).exists()\n"
    "try:\n    open(HERE / 'conf' / 'optional.yaml')\nexcept OSError: pass\n"
    "list((HERE / 'conf').glob('*.yaml'))\nimport lib.tool",
    "twice.py": "import lib.tool, plain.deep",
    "installed.py": "import yaml, jinja2, airflow.providers.standard.operators.python",
    "own_file.py": "open('notes.txt', 'w').write('x')\nopen('notes.txt').read()\nimport tempfile\n"
    "tempfile.mkstemp()",
}
IMPORTS = {
    "by_name.py": ("import importlib\nimportlib.import_module('lib.tool')", {"lib", "lib/tool"}),
    "from_list.py": ("from lib import tool", {"lib", "lib/tool"}),
    "in_vain.py": ("try:\n    import lib.none\nexcept ImportError: pass", {"lib", "lib/none"}),
    "optional.py": ("try:\n    import shop_extras\nexcept ImportError: pass", {"shop_extras"}),
    "asked.py": ("import importlib.util\nimportlib.util.find_spec('shop_later')", {"shop_later"}),
    "own_path.py": (
        """
sys.path.insert(0, str(HERE / "lib"))
import tool
sys.path.append(str(HERE / "none"))
try: import odd
except ImportError: pass""",
        {"lib/tool", "tool", "lib/odd", "odd", "none/odd"},
    ),
    "installed_ones.py": ("import yaml, pendulum, colorsys", set[str]()),
}
"""Imports, each with the places below the tree that they make Python look at."""
FINE = {
    **FINE,
    **{path: text for path, (text, _) in IMPORTS.items()},
    "pkgutil.py": "import lib, pkgutil\nlist(pkgutil.iter_modules(lib.__path__))",
}
TOLD = {
    "elsewhere.py": "try:\n    open('{elsewhere}/config.yaml')\nexcept OSError: pass",
    "relative.py": "try:\n    open('nowhere/at_all.yaml')\nexcept OSError: pass",
    "runs.py": "import subprocess\nsubprocess.run(['true'])",
    "connects.py": "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
    "except OSError: pass",
    "logs.py": "import logging\nlogging.getLogger('shop').warning('no %s today', 'rates')\n"
    "logging.getLogger('shop').info('quiet')",
    "no_template.py": "from airflow.providers.standard.operators.bash import BashOperator\nfrom airflow.sdk "
    "import DAG\nwith DAG('nt', template_searchpath=[str(HERE)]):\n"
    "    BashOperator(task_id='t', bash_command='scripts/a.sh')",
}
TREE = {"conf/mine.yaml": "a: 1\n", "lib/tool.py": "", "plain/deep.py": "", "etl/flow.py": ""}
LINES = len(HEAD.splitlines())


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


class World:
    """A worker with a source below AIRFLOW_HOME below somebody's home, another bundle, and a folder of its "
    "own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "user" / "af"
        self.places = {
            "source": self.home / "dags",
            "other": root / "other",
            "home": self.home,
            "elsewhere": root / "elsewhere",
            "link": root / "link",
        }
        write(self.places["source"], SOURCE)
        write(self.places["other"], {"x.py": ""})
        write(self.home, {"airflow.cfg": "[database]\nsql_alchemy_conn = hidden\n"})
        write(self.places["elsewhere"], {"config.yaml": "a: 1\n"})
        self.places["link"].symlink_to(self.places["source"])
        self.private = [
            PrivateFolder(str(self.places["source"]), "the source 'dev'"),
            PrivateFolder(str(self.places["other"]), "the DAG bundle 'other'"),
            PrivateFolder(str(self.home), "Airflow's own folder ($AIRFLOW_HOME)", is_bundle=False),
        ]

    def run(self, files: dict[str, str], **options: object) -> ParseReport:
        tree = self.root / "tree"
        texts = {path: HEAD + text.format(**self.places) + TAIL for path, text in files.items()}
        write(tree, {**TREE, **texts})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_HOME", str(self.home))
            patch.setenv("HOME", str(self.root / "user"))
            environment = {"AIRFLOW__CORE__DAGS_FOLDER": str(self.places["source"])}
            return run_files(tree, list(files), private=self.private, environment=environment, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world").resolve())


@pytest.fixture(scope="module")
def report(world: World) -> ParseReport:
    return world.run({**FORBIDDEN, **FINE, **TOLD})


@pytest.fixture(scope="module")
def unconfined(world: World, tmp_path_factory: pytest.TempPathFactory) -> ParseReport:
    python = python_without(tmp_path_factory.mktemp("python"), *LANDLOCK, *UNSHARE)
    return world.run({**FORBIDDEN, **FINE, **TOLD}, python=python)


def of(report: ParseReport, path: str) -> FileReport:
    return next(file for file in report.files if file.path == path)


@pytest.mark.parametrize("path", FORBIDDEN)
class TestForbidden:
    def test_a_read_of_other_dag_code_is_refused_with_the_line(self, report: ParseReport, path: str) -> None:
        assert not of(report, path).is_ok
        assert refusals(of(report, path))

    def test_also_where_nothing_is_confined(self, unconfined: ParseReport, path: str) -> None:
        assert not unconfined.confinement.files
        assert refusals(of(unconfined, path))


class TestSentences:
    def test_file_line_path_and_place_are_named(self, report: ParseReport, world: World) -> None:
        (sentence,) = refusals(of(report, "absolute.py"))

        assert sentence.startswith(
            f"absolute.py line {LINES + 1} opens {world.places['source']}/etl/conf/one.yaml, "
            "which lies in the source 'dev'"
        )
        assert "Path(__file__)" in sentence

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("sys_path.py", f"sys_path.py line {LINES + 3} looks for modules in"),
            ("no_folder.py", f"no_folder.py line {LINES + 3} looks for modules in"),
            ("glob_it.py", f"glob_it.py line {LINES + 1} lists"),
            ("exists.py", f"exists.py line {LINES + 1} looks for"),
            ("writes.py", f"writes.py line {LINES + 2} writes to"),
            ("program.py", f"program.py line {LINES + 2} runs cat with"),
            ("shell.py", "shell.py line"),
            ("template.py", "The template of task t of template.py looks for"),
            ("other_bundle.py", "which lies in the DAG bundle 'other'"),
            ("settings.py", "which lies in Airflow's own folder ($AIRFLOW_HOME)"),
            ("airflow_home.py", "/af/dags/etl/conf/one.yaml, which lies in the source 'dev'"),
            (
                "working_folder.py",
                "opens dags/etl/conf/one.yaml, relative to the folder that Airflow was started in",
            ),
            ("linked.py", "dags/etl/conf/one.yaml, which lies in the source 'dev'"),
        ],
    )
    def test_the_deed_is_named(self, report: ParseReport, path: str, words: str) -> None:
        assert words in "\n".join(refusals(of(report, path)))

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("elsewhere.py", "which is no part of the release"),
            ("relative.py", "opens nowhere/at_all.yaml, relative to the folder that Airflow was started in"),
            ("runs.py", "starts true while it is parsed"),
            ("connects.py", "connects to 127.0.0.1:9 while it is parsed; the check has no network"),
            ("logs.py", "WARNING: no rates today"),
            ("no_template.py", "TemplateNotFound: 'scripts/a.sh'"),
        ],
    )
    def test_what_is_no_reason_to_refuse_is_told(self, report: ParseReport, path: str, words: str) -> None:
        assert (of(report, path).error, refusals(of(report, path))) == ("", [])
        assert words in "\n".join(remarks(of(report, path), report.confinement))

    def test_what_is_below_the_level_of_a_warning_is_not(self, report: ParseReport) -> None:
        assert of(report, "logs.py").logged == ("WARNING: no rates today",)


class TestSeen:
    @pytest.mark.parametrize("path", FINE)
    def test_what_a_file_does_in_its_tree_is_nothing_to_speak_of(
        self, report: ParseReport, path: str
    ) -> None:
        found = of(report, path)

        assert (found.error, refusals(found), remarks(found, report.confinement)) == ("", [], [])
        assert found.dag_ids == (path.removesuffix(".py"),)

    def test_what_was_opened_with_the_first_place(self, report: ParseReport) -> None:
        assert of(report, "inside.py").observed.opened == (
            Access("conf/mine.yaml", f"inside.py line {LINES + 1}"),
            Access("inside.py"),
            Access("lib/tool.py", f"inside.py line {LINES + 8}"),
        )

    def test_what_was_looked_for_in_vain(self, report: ParseReport) -> None:
        assert of(report, "inside.py").observed.missing == (
            Access("conf/gone.yaml", f"inside.py line {LINES + 3}"),
            Access("conf/optional.yaml", f"inside.py line {LINES + 5}"),
        )

    def test_what_was_looked_at_and_is_there(self, report: ParseReport) -> None:
        at = {each.path: each.place for each in of(report, "inside.py").observed.looked_at}
        assert at["conf/mine.yaml"] == f"inside.py line {LINES + 3}"

    def test_what_was_listed_by_code_and_not_by_the_import_system(self, report: ParseReport) -> None:
        assert of(report, "inside.py").observed.listed == (Access("conf", f"inside.py line {LINES + 7}"),)
        assert of(report, "pkgutil.py").observed.listed == (Access("lib", f"pkgutil.py line {LINES + 2}"),)

    def test_where_modules_were_looked_for(self, report: ParseReport) -> None:
        assert of(report, "inside.py").observed.modules == (
            Access("lib", f"inside.py line {LINES + 8}"),
            Access("lib/tool", f"inside.py line {LINES + 8}"),
        )

    @pytest.mark.parametrize("path", IMPORTS)
    def test_modules_are_seen_however_they_are_asked_for(self, report: ParseReport, path: str) -> None:
        seen = of(report, path).observed

        assert {each.path for each in seen.modules} == IMPORTS[path][1]
        assert {each.place for each in seen.modules} <= {f"{path} line {LINES + n}" for n in range(1, 7)}

    def test_each_file_is_seen_as_if_it_were_the_first(self, report: ParseReport) -> None:
        seen = of(report, "twice.py").observed

        assert [each.path for each in seen.opened] == ["lib/tool.py", "plain/deep.py", "twice.py"]
        assert [each.path for each in seen.modules] == ["lib", "lib/tool", "plain", "plain/deep"]

    @pytest.mark.req("R82")
    @pytest.mark.parametrize(
        ("path", "is_met"),
        [
            ("conf/new.yaml", True),
            ("conf/gone.yaml", True),
            ("conf/mine.yaml", True),
            ("lib/__init__.py", True),
            ("lib/tool/__init__.py", True),
            ("lib.py", True),
            ("lib/other.py", False),
            ("new.py", False),
            ("etl/conf/x.yaml", False),
        ],
    )
    def test_a_change_that_the_run_would_see_meets_its_footprint(
        self, report: ParseReport, path: str, is_met: bool
    ) -> None:
        change = TreeChange(path, FileEntry(path, REGULAR, blob_id(b"new"), 3))

        met = of(report, "inside.py").observed.footprint.met_by(TreeDelta.of({*TREE, "inside.py"}, [change]))

        assert bool(met) is is_met

    def test_what_a_program_reads_is_not_known(self, report: ParseReport) -> None:
        assert not of(report, "runs.py").footprint.is_whole
        assert of(report, "inside.py").footprint.is_whole

    def test_a_template_that_is_missing_is_seen(self, report: ParseReport) -> None:
        assert Access("scripts/a.sh", "template of task t") in of(report, "no_template.py").observed.missing

    def test_it_is_the_same_without_confinement(self, report: ParseReport, unconfined: ParseReport) -> None:
        for path in (*FINE, "no_template.py"):
            assert of(unconfined, path).observed == of(report, path).observed


def test_a_run_in_another_folder_makes_the_same_texts(world: World, tmp_path: Path) -> None:
    files = {"inside.py": FINE["inside.py"], "no_template.py": TOLD["no_template.py"]}
    there = World(tmp_path.resolve())

    assert [file.serialized for file in there.run(files).files] == [
        file.serialized for file in world.run(files).files
    ]


@pytest.fixture(autouse=True, scope="module")
def no_cache_of_python(world: World) -> Iterator[None]:
    """What Python compiled for the source by itself would be a further file there."""
    yield
    assert not list(world.places["source"].rglob("__pycache__"))
    assert sorted(path.name for path in (world.places["source"] / "etl" / "conf").iterdir()) in (
        ["one.yaml", "two.yaml"],
        ["new.yaml", "one.yaml", "two.yaml"],  # unconfined, it may write there; the check has failed
    )
