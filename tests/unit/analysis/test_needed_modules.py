"""Modules that must be there where Airflow runs are told from those that need not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from airflow_release_plugin.analysis.needed_modules import NeededModules, needed_modules

pytestmark = pytest.mark.req("R53")


def of(code: str) -> NeededModules:
    return needed_modules(dedent(code).encode())


def needed(code: str) -> frozenset[str]:
    found = of(code)
    return found.needed_but_for(found.elsewhere)


def test_what_stands_at_the_top_and_in_functions_is_needed():
    assert needed("import a.b\nfrom c import d\nfrom . import e\ndef f():\n    import g\n") == {
        "a.b",
        "c",
        "g",
    }


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    import x\nexcept ImportError:\n    x = None\n",
        "try:\n    import x\nexcept (ValueError, ModuleNotFoundError):\n    import y\n",
        "try:\n    import x\nexcept:\n    pass\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import x\n",
        "with contextlib.suppress(ImportError):\n    import x\n",
        "def f():\n    try:\n        import x\n    except Exception:\n        pass\n",
    ],
)
def test_guarded_ones_are_optional(code):
    found = of(code)
    assert "x" in found.optional
    assert "x" not in needed(code)


def test_other_errors_guard_nothing():
    assert needed("try:\n    import x\nexcept ValueError:\n    pass\nfinally:\n    import y\n") == {"x", "y"}


@pytest.mark.parametrize("decorator", ["task.virtualenv(requirements=['numpy'])", "task.docker(image='i')"])
def test_those_of_a_task_that_runs_in_another_environment_are_optional(decorator):
    found = of(
        f"""
        from airflow.sdk import dag, task
        @dag
        def flow():
            import here
            @{decorator}
            def compute():
                import numpy
            compute()
        """
    )
    assert "numpy" in found.optional
    assert found.needed_but_for(()) == {"airflow.sdk", "here"}


def test_so_are_those_of_a_function_that_an_operator_takes_there():
    code = """
        def compute():
            import numpy
        def other():
            import here
        with DAG("etl"):
            PythonVirtualenvOperator(task_id="a", python_callable=compute, requirements=["numpy"])
            PythonOperator(task_id="b", python_callable=other)
            ExternalPythonOperator.partial(task_id="c", python_callable=jobs.far).expand(op_args=[[1]])
        """
    found = of(code)
    assert found.elsewhere == {"compute", "far"}
    assert needed(code) == {"here"}
    assert "numpy" in found.every


def test_an_inner_function_runs_where_the_outer_one_does_unless_an_operator_takes_it():
    code = """
        def flow():
            def compute():
                import numpy
            PythonVirtualenvOperator(task_id="a", python_callable=compute)
        def outer():
            def inner():
                import pandas
        PythonVirtualenvOperator(task_id="b", python_callable=outer)
        def near():
            def inner():
                import here
        """
    assert needed(code) == {"here"}


@pytest.mark.parametrize("code", [b"def (", b"\x00", b"\xff\xfe import x"])
def test_a_file_that_is_no_python_imports_nothing(code):
    assert needed_modules(code) == NeededModules()
