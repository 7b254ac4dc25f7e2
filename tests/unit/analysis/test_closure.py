from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.closure import Closure, ClosureOptions, FileKind, compute_closure
from airflow_release_plugin.analysis.source_files import AnalysisCache
from airflow_release_plugin.domain.tree.files import FileEntry, blob_id
from airflow_release_plugin.exceptions import UnitError
from tests.harness.mapping_files import MappingFiles

DAG = "dags/etl.py"


def closure(files: dict[str, str], entry: str = DAG, **options: int) -> Closure:
    source = MappingFiles({path: text.encode() for path, text in files.items()})
    return compute_closure(source, entry, options=ClosureOptions(**options))


def paths(files: dict[str, str], entry: str = DAG) -> set[str]:
    """Paths of the closure without the DAG file."""
    return {file.path for file in closure(files, entry).files} - {entry}


def reason(found: Closure, path: str) -> str:
    return next(file.reason for file in found.files if file.path == path)


PACKAGE = {
    "lib/__init__.py": "from lib.core import run\n",
    "lib/core.py": "from . import util\n",
    "lib/util.py": "",
    "lib/deep/__init__.py": "__all__ = ['one', 'name']\n",
    "lib/deep/one.py": "from ..util import x\n",
    "lib/deep/two.py": "from ...lib import core\n",
    "ns/part/mod.py": "",
    "single.py": "",
    "dags/beside.py": "",
}
INITS = {"lib/__init__.py", "lib/core.py", "lib/util.py"}


class TestImports:
    @pytest.mark.req("R7")
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("import single", {"single.py"}),
            ("import lib", INITS),
            ("import lib.util", INITS),
            ("from lib import run", INITS),
            ("from lib import deep", INITS | {"lib/deep/__init__.py"}),
            ("import lib.deep.one", INITS | {"lib/deep/__init__.py", "lib/deep/one.py"}),
            ("from lib.deep import *", INITS | {"lib/deep/__init__.py", "lib/deep/one.py"}),
            ("from lib.deep import two as t", INITS | {"lib/deep/__init__.py", "lib/deep/two.py"}),
            ("def f():\n    from lib.deep.one import x", INITS | {"lib/deep/__init__.py", "lib/deep/one.py"}),
            ("import ns.part.mod", {"ns/part/mod.py"}),
            ("from ns.part import mod", {"ns/part/mod.py"}),
            ("from ns import part", {"ns/part/mod.py"}),
            ("import ns", {"ns/part/mod.py"}),
            ("importlib.import_module('ns.part.mod')", {"ns/part/mod.py"}),
            ("import_module(name='single') or __import__('ns.part.mod')", {"single.py", "ns/part/mod.py"}),
            ("import_module('.core', 'lib')", INITS),
            ("import_module('..util', package='lib.deep')", INITS | {"lib/deep/__init__.py"}),
            ("import_string('lib.deep.one.run')", INITS | {"lib/deep/__init__.py", "lib/deep/one.py"}),
            ("NAME = 'ns.part.mod'\nimport_module(NAME)", {"ns/part/mod.py"}),
            ("from dags import beside", {"dags/beside.py"}),
            ("from . import beside", {"dags/beside.py"}),
            ("import beside", set()),
            ("import sys, os\nsys.path.append(os.path.dirname(__file__))\nimport beside", {"dags/beside.py"}),
            (
                "import beside\nimport single, sys, os\nsys.path.insert(0, os.path.dirname(__file__))",
                {"single.py", "dags/beside.py"},
            ),
        ],
    )
    def test_local_modules_belong_to_the_unit(self, code: str, expected: set[str]) -> None:
        assert paths({DAG: code, **PACKAGE}) == expected

    def test_a_search_folder_added_by_a_module_counts_for_the_whole_unit(self) -> None:
        files = {
            DAG: "import setup_paths\nimport tool",
            "setup_paths.py": "import sys\nsys.path.append(str(Path(__file__).parent / 'x'))",
            "x/tool.py": "",
        }

        assert paths(files) == {"setup_paths.py", "x/tool.py"}

    def test_a_cycle_ends(self) -> None:
        assert paths({DAG: "import a", "a.py": "import b", "b.py": "import a"}) == {"a.py", "b.py"}

    def test_a_package_wins_over_a_module_of_the_same_name(self) -> None:
        assert paths({DAG: "import a", "a.py": "", "a/__init__.py": ""}) == {"a/__init__.py"}

    def test_installed_modules_are_external_and_the_standard_library_is_not_listed(self) -> None:
        found = closure(
            {DAG: "import json, pandas.io\nfrom airflow.sdk import DAG\nimport single", "single.py": ""}
        )

        assert found.external == ("airflow", "pandas")

    def test_a_namespace_package_of_the_source_is_not_external(self) -> None:
        assert closure({DAG: "import ns.part", "ns/part/x.sql": ""}).external == ()

    def test_a_folder_named_like_an_installed_package_hides_nothing(self) -> None:
        assert closure({DAG: "from airflow.sdk import DAG", "airflow/x.sql": ""}).external == ("airflow",)

    def test_a_module_that_hides_the_standard_library_is_a_warning(self) -> None:
        found = closure({DAG: "import json", "json.py": ""})

        assert "json.py has the name of an installed module" in found.warnings[0]

    def test_a_missing_local_submodule_is_a_warning(self) -> None:
        found = closure({DAG: "import lib.nothing", **PACKAGE})

        assert found.warnings == (
            "dags/etl.py line 1 imports 'lib.nothing', of which no file exists in the source",
        )

    def test_a_guarded_missing_submodule_is_none(self) -> None:
        assert (
            closure({DAG: "try:\n  import lib.nothing\nexcept ImportError: pass", **PACKAGE}).warnings == ()
        )

    def test_a_relative_import_in_a_dag_file_is_a_warning(self) -> None:
        assert (
            "a relative import in a DAG file fails in Airflow"
            in closure({DAG: "from . import beside", **PACKAGE}).warnings[0]
        )

    def test_type_stubs_are_left_out(self) -> None:
        assert paths({DAG: "import a", "a.py": "", "a.pyi": ""}) == {"a.py"}


class TestData:
    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("X(sql='sql/x.sql')", {"dags/sql/x.sql"}),
            ("X(sql='common/y.sql')", {"common/y.sql"}),
            ("X(sql=f'sql/x.sql')", {"dags/sql/x.sql"}),
            ("Path('sql') / 'x.sql'", {"dags/sql/x.sql"}),
            ("open('dags/sql/x.sql')", {"dags/sql/x.sql"}),
            ("SQL = Path(__file__).parent / 'sql'\nSQL / 'x.sql'", {"dags/sql/x.sql"}),
            ("SQL = Path(__file__).parent / 'sql'\nSQL / name", {"dags/sql/x.sql", "dags/sql/z.sql"}),
            ("use(Path(__file__).parent / 'sql' / f'{name}x.sql')", {"dags/sql/x.sql"}),
            ("use(Path(__file__).parent / f'{name}.sh')", {"dags/run.sh"}),
            ("SQL = Path(__file__).parent / 'sql'", {"dags/sql/x.sql", "dags/sql/z.sql"}),
            ("(Path(__file__).parent / 'sql').glob('z*')", {"dags/sql/z.sql"}),
            ("Path(__file__).parents[1] / 'common' / 'y.sql'", {"common/y.sql"}),
            ("DAG(template_searchpath='common')\nX(sql='y.sql')", {"common/y.sql"}),
            (
                "DAG(template_searchpath=[str(Path(__file__).parents[1] / 'common')])\nX(sql='y.sql')",
                {"common/y.sql"},
            ),
            ("X(cmd='run.sh')", {"dags/run.sh"}),
            ("X(app='jobs/job.py')", {"jobs/job.py", "jobtool.py"}),
            ("use('../common/y.sql')", {"common/y.sql"}),
            ("X(sql=\"{% include 'sql/x.sql' %}\")", {"dags/sql/x.sql"}),
        ],
    )
    def test_named_files_belong_to_the_unit(self, code: str, expected: set[str]) -> None:
        files = {
            "dags/sql/x.sql": "select 1",
            "dags/sql/z.sql": "",
            "common/y.sql": "",
            "dags/run.sh": "",
            "jobs/job.py": "import jobtool",
            "jobtool.py": "",
        }

        assert paths({DAG: code, **files}) == expected

    @pytest.mark.parametrize(
        "code",
        [
            "'.'",
            "''",
            "'..'",
            "'sql'",
            "Path(__file__).parent",
            "Path(__file__).parents[1]",
            "'/'",
            "'*'",
            "'**/*'",
            "Path(__file__).parent.rglob('*')",
            "Path(__file__).parents[1].glob('**/*')",
            "'dags'",
            "'/tmp/x'",
            "'/etc/passwd'",
            "'sql/'",
            "Path(__file__).parents[9]",
            "Path(__file__).parent / name",
            "f'{Path(__file__).parent}/{name}.{suffix}'",
            "'__pycache__/x.pyc'",
        ],
    )
    def test_vague_names_pull_in_nothing(self, code: str) -> None:
        assert (
            paths({DAG: f"use({code})", "sql/x.sql": "", "dags/other.py": "", "dags/sql/x.sql": ""}) == set()
        )

    def test_a_module_names_files_relative_to_itself(self) -> None:
        files = {
            DAG: "import lib.load",
            "lib/load.py": "X = (Path(__file__).parent / 'x.sql').read_text()\nopen('y.sql')",
            "lib/x.sql": "",
            "lib/y.sql": "",
        }

        assert paths(files) == {"lib/load.py", "lib/x.sql", "lib/y.sql"}

    def test_a_folder_that_a_module_offers_to_others_is_taken(self) -> None:
        files = {
            DAG: "from places import SQL\n(SQL / 'x.sql').read_text()",
            "places.py": "ROOT = Path(__file__).parent\nSQL = ROOT / 'q'\nprint(SQL)",
            "q/x.sql": "",
        }

        assert paths(files) == {"places.py", "q/x.sql"}

    def test_templates_bring_what_they_include(self) -> None:
        files = {
            DAG: "X(sql='sql/x.sql')",
            "dags/sql/x.sql": "{% include 'sql/part.sql' %} {% import 'macros.sql' as m %}",
            "dags/sql/part.sql": "{% extends 'sql/x.sql' %}",
            "dags/sql/macros.sql": "",
        }

        assert paths(files) == {"dags/sql/x.sql", "dags/sql/part.sql", "dags/sql/macros.sql"}

    @pytest.mark.parametrize(
        ("code", "name"),
        [
            ("X(sql='sql/missing.sql')", "sql/missing.sql (dags/etl.py line 1)"),
            ("X(cmd='missing.sh')", "missing.sh (dags/etl.py line 1)"),
            ("open('conf/missing.yaml')", "conf/missing.yaml (dags/etl.py line 1)"),
            ("Path(__file__).with_suffix('.yaml')", "dags/etl.yaml (dags/etl.py line 1)"),
        ],
    )
    def test_a_local_name_without_a_file_is_told(self, code: str, name: str) -> None:
        assert closure({DAG: code, "conf/other.yaml": ""}).unresolved == (name,)

    @pytest.mark.parametrize(
        "name",
        ["s3://b/x.sql", "/abs/x.sql", "out.csv", "raw/x.json", "{{ x }}.sql", "select a/b from x.y", "x.py"],
    )
    def test_names_of_other_things_are_not(self, name: str) -> None:
        assert closure({DAG: f"use({name!r})"}).unresolved == ()

    def test_a_folder_over_the_bound_is_left_out_with_a_warning(self) -> None:
        files = {f"dags/sql/{n}.sql": "" for n in range(4)}

        found = closure({DAG: "use(Path(__file__).parent / 'sql')", **files}, max_unit_files=3)

        assert (len(found.files), "more than 3 files" in found.warnings[0]) == (1, True)
        assert not found.is_complete

    def test_a_folder_of_many_files_is_taken(self) -> None:
        files = {f"dags/sql/{n}.sql": "" for n in range(300)}

        found = closure({DAG: "use(Path(__file__).parent / 'sql')", **files})

        assert (len(found.files), found.is_complete) == (301, True)


class TestRules:
    @pytest.mark.parametrize("dags", ['"dags/*.py"', '["x.py", "**/etl.py"]'])
    def test_a_rule_adds_files_and_itself(self, dags: str) -> None:
        files = {
            DAG: "",
            "release.toml": f'[[include]]\ndags = {dags}\nfiles = ["config/**/*.yaml"]\n',
            "config/a.yaml": "",
            "config/b/c.yaml": "",
            "config/d.json": "",
        }

        assert paths(files) == {"release.toml", "config/a.yaml", "config/b/c.yaml"}

    def test_a_rule_for_other_dags_changes_nothing(self) -> None:
        rules = '[[include]]\ndags = "other/*.py"\nfiles = "*.yaml"\n'

        assert paths({DAG: "", "release.toml": rules, "a.yaml": ""}) == set()

    def test_a_pattern_without_a_match_is_a_warning(self) -> None:
        rules = '[[include]]\ndags = "dags/*.py"\nfiles = "*.yml"\n'

        assert closure({DAG: "", "release.toml": rules}).warnings == (
            "release.toml line 1: '*.yml' matches no file",
        )

    def test_a_broken_file_is_refused_with_its_line(self) -> None:
        with pytest.raises(UnitError, match=r"release.toml line 2"):
            closure({DAG: "", "release.toml": "# rules\ninclude = = 1\n"})

    @pytest.mark.parametrize(
        "line",
        [". $HERE/common.sh", 'source "${HERE}/common.sh"', ". {{ params.here }}/scripts/common.sh"],
    )
    def test_a_script_may_name_others_by_a_folder_that_only_a_run_knows(self, line: str) -> None:
        dag = "BashOperator(task_id='t', bash_command='scripts/run.sh')"
        files = {DAG: dag, "dags/scripts/run.sh": f"{line}\n", "dags/scripts/common.sh": ""}

        assert paths(files) == {"dags/scripts/run.sh", "dags/scripts/common.sh"}

    def test_ignore_files_on_the_way_are_shared(self) -> None:
        files = {
            DAG: "import lib.x",
            "lib/x.py": "",
            ".airflowignore": "",
            "dags/.airflowignore": "",
            "lib/.airflowignore": "",
            "other/.airflowignore": "",
        }
        found = closure(files)

        assert [file.path for file in found.files if file.kind is FileKind.SHARED] == [
            ".airflowignore",
            "dags/.airflowignore",
            "lib/.airflowignore",
        ]


FILES = {DAG: "import lib.core\nX('sql/x.sql')", "dags/sql/x.sql": "", **PACKAGE}


class TestResult:
    def test_files_are_sorted_and_described(self) -> None:
        found = closure(FILES)

        assert [file.path for file in found.files] == sorted(file.path for file in found.files)
        assert found.entries[0] == FileEntry(DAG, 0o100644, blob_id(FILES[DAG].encode()), len(FILES[DAG]))

    @pytest.mark.parametrize(
        ("path", "kind", "why"),
        [
            (DAG, FileKind.DAG, "DAG file"),
            ("lib/__init__.py", FileKind.MODULE, "package of lib.core, imported by dags/etl.py"),
            ("lib/core.py", FileKind.MODULE, "imported by dags/etl.py as lib.core"),
            ("dags/sql/x.sql", FileKind.DATA, "named by 'sql/x.sql' in dags/etl.py line 2"),
        ],
    )
    def test_each_file_says_why_it_is_there(self, path: str, kind: FileKind, why: str) -> None:
        file = next(file for file in closure(FILES).files if file.path == path)

        assert (file.kind, file.reason) == (kind, why)

    def test_a_file_is_kept_with_a_version_as_plain_values(self) -> None:
        kept = closure({DAG: ""}).files[0].to_dict()

        assert kept == {
            "path": DAG,
            "mode": 0o100644,
            "blob": blob_id(b""),
            "size": 0,
            "kind": "dag",
            "reason": "DAG file",
        }
        assert type(kept["kind"]) is str

    def test_the_digest_follows_content(self) -> None:
        changed = closure({**FILES, "lib/util.py": "x = 1"})

        assert changed.digest != closure(FILES).digest

    def test_the_digest_ignores_files_that_are_not_needed(self) -> None:
        assert closure({**FILES, "unrelated.py": "x"}).digest == closure(FILES).digest

    def test_the_digest_follows_the_executable_bit(self) -> None:
        data = {DAG: b""}

        plain = compute_closure(MappingFiles(data), DAG)
        executable = compute_closure(MappingFiles(data, executable=frozenset({DAG})), DAG)

        assert plain.digest != executable.digest

    def test_the_closure_of_the_closure_is_itself(self) -> None:
        found = closure(FILES)

        assert closure({file.path: FILES[file.path] for file in found.files}) == found

    def test_a_cache_changes_nothing(self) -> None:
        cache = AnalysisCache()
        data = {path: text.encode() for path, text in FILES.items()}

        assert len({compute_closure(MappingFiles(data, cache=cache), DAG).digest for _ in range(3)}) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("files", "message"),
        [
            ({}, r"'dags/etl.py' does not exist"),
            ({DAG: "x = 1\ndef ("}, r"'dags/etl.py' line 2: "),
            ({DAG: "import a", "a.py": "\n\n)"}, r"'a.py' line 3: "),
            ({DAG: "from ... import x"}, r"'dags/etl.py' line 1: the relative import leaves the source"),
            ({DAG: "import a, A", "a.py": "", "A.py": ""}, r"differ only in upper and lower case"),
            (
                {DAG: "use('Sql/b.sql', 'sql/a.sql')", "sql/a.sql": "", "Sql/b.sql": ""},
                r"'[Ss]ql' and '[Ss]ql' differ",
            ),
            (
                {DAG: "use('caf\u00e9.sql', 'cafe\u0301.sql')", "caf\u00e9.sql": "", "cafe\u0301.sql": ""},
                r"Unicode",
            ),
        ],
    )
    def test_what_cannot_be_shipped_is_named(self, files: dict[str, str], message: str) -> None:
        with pytest.raises(UnitError, match=message):
            closure(files)

    def test_too_many_files_are_refused_with_the_limit(self) -> None:
        files = {DAG: "import a, b, c", "a.py": "", "b.py": "", "c.py": ""}

        with pytest.raises(UnitError, match=r"'dags/etl.py' has more than 3 files"):
            closure(files, max_unit_files=3)

    def test_a_data_file_that_is_no_python_after_all_is_accepted(self) -> None:
        assert paths({DAG: "use('job.py')", "job.py": "{{ template }} ("}) == {"job.py"}


NAMES = st.sampled_from(["a", "b", "c", "p", "p.a", "p.q", "p.q.b"])
LINES = st.one_of(
    NAMES.map("import {}".format),
    st.tuples(NAMES, st.sampled_from(["a", "b", "q", "*"])).map(
        lambda pair: f"from {pair[0]} import {pair[1]}"
    ),
    st.sampled_from(["from . import a", "from .q import b", "use('d/x.sql')", "use('x.sql')"]),
)
TREES = st.dictionaries(
    st.sampled_from(
        ["a.py", "b.py", "c.py", "p/__init__.py", "p/a.py", "p/q/__init__.py", "p/q/b.py", "d/x.sql", "x.sql"]
    ),
    st.lists(LINES, max_size=3).map("\n".join),
)


@given(TREES, st.lists(LINES, max_size=4).map("\n".join))
def test_a_closure_is_complete_in_an_empty_folder(files: dict[str, str], code: str) -> None:
    files = {**files, "dag.py": code}
    found = closure(files, "dag.py")

    assert closure({file.path: files[file.path] for file in found.files}, "dag.py").digest == found.digest
