"""Real DAG files, run in a source and in the target that would come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest

from airflow_release_plugin.domain.tree.files import REGULAR, FileEntry, blob_id
from airflow_release_plugin.proof.explanation import explain, explain_other
from airflow_release_plugin.proof.proving import Proof, Provable, Trees, prove
from airflow_release_plugin.store.serving import ServedTrees
from tests.harness.running import run_files

# Airflow's reading of .airflowignore
pytestmark = pytest.mark.filterwarnings("ignore:GitWildMatchPattern")

DAG = """
from airflow.sdk import DAG
with DAG("etl"):
    pass
"""

Prover = Callable[..., Proof]


def tree_of(files: Mapping[str, str]) -> dict[str, FileEntry]:
    return {
        path: FileEntry(path, REGULAR, blob_id(text.encode()), len(text.encode()))
        for path, text in files.items()
    }


@pytest.fixture
def proves(tmp_path: Path) -> Prover:
    trees = ServedTrees(tmp_path / "shared")

    def prove_unit(
        source: dict[str, str],
        unit: Iterable[str],
        *,
        target: Mapping[str, str] | None = None,
        others: Iterable[str] = (),
    ) -> Proof:
        source = {path: dedent(text) for path, text in source.items()}
        target = {path: dedent(text) for path, text in (target or {}).items()}
        texts = [*source.values(), *target.values()]
        blobs = {blob_id(text.encode()): text.encode() for text in texts}

        def build(name: str, files: Mapping[str, FileEntry]) -> Path:
            with trees.locked():
                trees.place(tmp_path / name, files, lambda ids: ((i, blobs[i]) for i in ids), previous=None)
            return tmp_path / name

        entry, *_ = unit
        known, now = tree_of(source), tree_of(target)
        return prove(
            [Provable(entry, frozenset(unit), "then")],
            [entry, *others],
            trees=Trees(now, now | {path: known[path] for path in unit}, {"then": known}),
            build=build,
            run=partial(run_files, bundle_name="prod"),
            run_in_candidate=partial(run_files, bundle_name="prod"),
        )

    return prove_unit


def said(proof: Proof, source: dict[str, str]) -> str:
    [unit] = proof.units
    return explain(unit, source=tree_of({p: dedent(t) for p, t in source.items()}), candidate=proof.files)


@pytest.mark.req("R80")
@pytest.mark.req("R81")
def test_a_file_that_text_does_not_name_joins_when_it_is_opened(proves: Prover) -> None:
    source = {
        "etl/flow.py": """
            from pathlib import Path
            from airflow.sdk import DAG
            for name in ("one", "two"):
                with DAG((Path(__file__).parent / "conf" / "".join([name, ".txt"])).read_text()):
                    pass
            """,
        "etl/conf/one.txt": "first",
        "etl/conf/two.txt": "second",
        "etl/conf/three.txt": "third",
    }
    proof = proves(source, ["etl/flow.py"])
    assert [(each.path, each.reason) for each in proof.joined] == [
        ("etl/conf/one.txt", "opened when it ran, etl/flow.py line 5"),
        ("etl/conf/two.txt", "opened when it ran, etl/flow.py line 5"),
    ]
    assert sorted(proof.files) == ["etl/conf/one.txt", "etl/conf/two.txt", "etl/flow.py"]
    [unit] = proof.units
    assert unit.after.dag_ids == ("first", "second")
    assert unit.is_equal
    assert said(proof, source) == ""


@pytest.mark.req("R81")
def test_a_module_that_is_imported_by_a_computed_name_joins_with_what_it_opens(proves: Prover) -> None:
    source = {
        "flow.py": """
            import importlib
            importlib.import_module(".".join(["lib", "maker"])).make()
            """,
        "lib/__init__.py": "",
        "lib/maker.py": """
            from pathlib import Path
            from airflow.sdk import DAG
            def make():
                for line in Path(__file__).with_suffix(".csv").read_text().splitlines():
                    with DAG(line):
                        pass
            """,
        "lib/maker.csv": "a\nb\n",
    }
    proof = proves(source, ["flow.py"])
    assert {each.path for each in proof.joined} == {"lib/__init__.py", "lib/maker.py", "lib/maker.csv"}
    assert proof.candidate.dag_ids == ("a", "b")
    assert proof.units[0].is_equal


@pytest.mark.req("R81")
def test_a_shared_file_with_other_bytes_in_the_target_joins_as_it_was_in_the_source(proves: Prover) -> None:
    flow = """
        import importlib
        from airflow.sdk import DAG
        with DAG("etl", description=importlib.import_module("sha" + "red").TEXT):
            pass
        """
    proof = proves(
        {"flow.py": flow, "shared.py": "TEXT = 'new'\n"},
        ["flow.py"],
        target={"flow.py": flow, "shared.py": "TEXT = 'old'\n"},
    )
    assert [each.path for each in proof.joined] == ["shared.py"]
    assert proof.candidate.files[0].dags[0].description == "new"


@pytest.mark.req("R80")
def test_a_swallowed_error_that_changes_a_dag_is_told_with_the_place_in_the_dag(proves: Prover) -> None:
    source = {
        "flow.py": """
            import os
            from airflow.sdk import DAG
            from airflow.providers.standard.operators.empty import EmptyOperator
            there = os.path.exists(os.path.join(os.path.dirname(__file__), "own" + "er.txt"))
            with DAG("etl"):
                EmptyOperator(task_id="load", owner="team" if there else "nobody")
            """,
        "owner.txt": "team",
    }
    proof = proves(source, ["flow.py"])
    assert not proof.units[0].is_equal
    text = said(proof, source)
    assert 'Dag etl, task load, owner: "team" in the source, "nobody" in the target.' in text
    assert "It looks for owner.txt (flow.py line 5), which is not in its unit." in text
    assert 'dags = "flow.py"\nfiles = ["owner.txt"]' in text


@pytest.mark.req("R80")
def test_dags_made_from_the_names_in_a_folder_are_told_with_the_files_that_would_be_missing(
    proves: Prover,
) -> None:
    source = {
        "flow.py": """
            import os
            from airflow.sdk import DAG
            for name in os.listdir(os.path.join(os.path.dirname(__file__), "con" + "f")):
                with DAG(name.removesuffix(".yaml")):
                    pass
            """,
        "conf/a.yaml": "",
        "conf/b.yaml": "b: 1",
    }
    proof = proves(source, ["flow.py", "conf/a.yaml"])
    text = said(proof, source)
    assert text.splitlines()[0] == "In the source flow.py makes a, b; in the target it would make a."
    assert "It lists conf (flow.py line 4); conf/b.yaml would not be there." in text
    assert 'files = ["conf/b.yaml"]' in text


@pytest.mark.req("R80")
def test_a_dag_that_is_another_one_at_each_run_is_named_as_such_and_does_not_fail(proves: Prover) -> None:
    source = {
        "flow.py": """
            import os
            from airflow.sdk import DAG
            with DAG("etl", description=os.urandom(8).hex()):
                pass
            """
    }
    proof = proves(source, ["flow.py"])
    [unit] = proof.units
    assert unit.different
    assert unit.is_equal
    assert "Two runs in the source differ like that, too" in said(proof, source)


@pytest.mark.req("R80")
def test_code_that_looks_at_where_it_runs_is_told_so(proves: Prover) -> None:
    source = {
        "flow.py": """
            from airflow.sdk import DAG
            with DAG("in_source" if "before" in __file__ else "elsewhere"):
                pass
            """
    }
    text = said(proves(source, ["flow.py"]), source)
    assert "In the source flow.py makes in_source; in the target it would make elsewhere." in text
    assert "Make it independent of that" in text


def test_a_dag_whose_values_hold_its_own_path_is_the_same_in_both(proves: Prover) -> None:
    source = {
        "flow.py": """
            from airflow.sdk import DAG
            with DAG("etl", description=__file__, params={"where": __file__}):
                pass
            """
    }
    assert proves(source, ["flow.py"]).units[0].different == ()


def test_what_else_changes_is_found_by_running_it_in_the_target_as_it_is_and_as_it_would_be(
    proves: Prover,
) -> None:
    other = """
        from airflow.sdk import DAG
        import shared
        with DAG("other", description=shared.TEXT):
            pass
        """
    flow = """
        from airflow.sdk import DAG
        import shared
        with DAG("flow", description=shared.TEXT):
            pass
        """
    proof = proves(
        {"flow.py": flow, "shared.py": "TEXT = 'new'\n"},
        ["flow.py", "shared.py"],
        target={"flow.py": flow, "other.py": other, "same.py": DAG, "shared.py": "TEXT = 'old'\n"},
        others=["other.py", "same.py"],
    )
    [changed, same] = proof.others
    assert [(each.dag_id, each.where) for each in changed.different] == [("other", "description")]
    assert same.different == ()
    assert proof.units[0].is_equal


def test_an_operator_that_the_file_defines_is_the_same_in_both(proves: Prover) -> None:
    source = {
        "flow.py": """
            from airflow.sdk import DAG, BaseOperator
            class Own(BaseOperator):
                pass
            with DAG("etl"):
                Own(task_id="one")
            """
    }
    [unit] = proves(source, ["flow.py"]).units
    assert unit.after.dag_ids == ("etl",)
    assert unit.different == ()


TEMPLATES = {
    "etl/flow.py": """
        from airflow.sdk import DAG
        from airflow.providers.standard.operators.bash import BashOperator
        with DAG("etl"):
            BashOperator(task_id="load", bash_command="scripts/a.sh")
        """,
    "etl/scripts/a.sh": "echo {{ ds }}",
}


@pytest.mark.req("R81")
def test_a_template_that_airflow_reads_joins_with_its_task_as_the_reason(proves: Prover) -> None:
    proof = proves(TEMPLATES, ["etl/flow.py"])
    assert [(each.path, each.reason) for each in proof.joined] == [
        ("etl/scripts/a.sh", "template of task load")
    ]
    [unit] = proof.units
    assert unit.is_equal
    assert "TemplateNotFound" not in str(unit.after.logged)


def logs(condition: str) -> dict[str, str]:
    return {
        "etl/flow.py": f"""
            import logging, os, random, sys, time
            from pathlib import Path
            from airflow.sdk import DAG
            HERE = Path(__file__).parent
            {condition}
            with DAG("etl"):
                pass
            """,
        "etl/owners.txt": "team",
    }


@pytest.mark.req("R80")
def test_what_only_the_target_logs_fails_with_the_file_that_it_looks_for(proves: Prover) -> None:
    source = logs("(HERE / ('own' + 'ers.txt')).exists() or logging.warning('Nobody owns this')")
    proof = proves(source, ["etl/flow.py"])
    [unit] = proof.units
    assert unit.different == ()
    assert not unit.is_equal
    assert said(proof, source).splitlines()[:3] == [
        "In the target it logs while it is parsed, and in the source it does not: WARNING: Nobody owns this",
        "It looks for etl/owners.txt (etl/flow.py line 6), which is not in its unit.",
        "Add what it needs of that to its unit with these lines in release.toml, and submit it again:",
    ]


@pytest.mark.req("R80")
def test_a_file_that_only_the_message_names_is_told_with_whether_the_source_has_it(proves: Prover) -> None:
    source = logs("'before' in __file__ or logging.error('cannot read conf/a.yaml')")
    text = said(
        proves({**source, "etl/conf/a.yaml": "a: 1"}, ["etl/flow.py"]), {**source, "etl/conf/a.yaml": ""}
    )
    assert "It names conf/a.yaml; etl/conf/a.yaml is in the source, and not in its unit." in text
    assert 'files = ["etl/conf/a.yaml"]' in text
    assert "The source has no conf/a.yaml." in said(proves(source, ["etl/flow.py"]), source)


@pytest.mark.parametrize(
    "logged",
    [
        "'Started at %s, at %s' % (time.strftime('%Y-%m-%d %H:%M:%S'), object())",
        "'took %s s in %s of %s' % (time.perf_counter(), __file__, HERE)",
        "'try no. %s' % random.random()",
        "'lies in %s' % os.getcwd()",
    ],
)
def test_times_addresses_places_and_chance_in_what_is_logged_are_no_difference(
    proves: Prover, logged: str
) -> None:
    [unit] = proves(logs(f"logging.warning({logged})"), ["etl/flow.py"]).units
    assert unit.after.logged
    assert unit.is_equal


def test_what_the_target_logs_otherwise_for_another_dag_file_is_told(proves: Prover) -> None:
    flow = "from airflow.sdk import DAG\nwith DAG('flow'):\n    pass\n"
    other = """
        import logging
        from airflow.sdk import DAG
        import shared
        if shared.OLD:
            logging.warning("shared is old")
        with DAG("other"):
            pass
        """
    proof = proves(
        {"flow.py": flow, "shared.py": "OLD = 1\n"},
        ["flow.py", "shared.py"],
        target={"flow.py": flow, "other.py": other, "shared.py": "OLD = 0\n"},
        others=["other.py"],
    )
    text, is_harm = explain_other(proof.others[0])
    assert "Parsing it would log, and does not now: WARNING: shared is old" in text
    assert not is_harm
