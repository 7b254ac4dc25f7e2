from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airflow_release_plugin
from airflow_release_plugin.analysis import references
from airflow_release_plugin.analysis.references import References, find_references, template_references

OURS = Path(airflow_release_plugin.__file__).parent


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("X(postgres_conn_id='pg')", References(connections=("pg",))),
        ("X(conn_id='pg')", References(connections=("pg",))),
        ("X(default_args={'aws_conn_id': 'aws'})", References(connections=("aws",))),
        ("BaseHook.get_connection('pg')", References(connections=("pg",))),
        ("sdk.Connection.get(conn_id='pg')", References(connections=("pg",))),
        ("Variable.get('env')", References(variables=("env",))),
        ("models.Variable.get(key='env', default='x')", References(variables=("env",))),
        ("X(cmd='{{ var.value.env }} {{ var.json.conf.key }}')", References(variables=("conf", "env"))),
        ("X(cmd=\"{{ var.value.get('my-env', 'x') }}\")", References(variables=("my-env",))),
        ("X(cmd='{% if var.value.flag %}x{% endif %}')", References(variables=("flag",))),
        ("X(cmd='{{ conn.pg.host }}')", References(connections=("pg",))),
        ("X(pool='small', queue='gpu')", References(pools=("small",), queues=("gpu",))),
        ("TriggerDagRunOperator(trigger_dag_id='other')", References(triggered_dags=("other",))),
        ("ExternalTaskSensor(external_dag_id='other')", References(awaited_dags=("other",))),
        ("Asset('s3://b/k')", References(assets=("s3://b/k",))),
        ("sdk.Asset('n', 's3://b/k')", References(assets=("n", "s3://b/k"))),
        ("Asset(name='n', uri='u')", References(assets=("n", "u"))),
        ("@task(pool='p')\ndef f():\n  Variable.get('v')", References(pools=("p",), variables=("v",))),
    ],
)
def test_literal_references_are_found(code: str, expected: References) -> None:
    assert find_references(code.encode()) == expected


@pytest.mark.parametrize(
    "code",
    [
        "X(conn_id=name)",
        "X(conn_id='{{ params.conn }}')",
        "X(conn_id='')",
        "Variable.set('x', 1)",
        "cache.get('x')",
        "'var.value.x outside of a template'",
        "X(pool=None, queue=3)",
    ],
)
def test_other_things_are_not(code: str) -> None:
    assert find_references(code.encode()) == References()


def test_names_are_sorted_and_listed_once() -> None:
    assert find_references(b"X(pool='b')\nX(pool='a')\nX(pool='b')").pools == ("a", "b")


def test_references_of_several_files_are_merged() -> None:
    merged = References(pools=("a",)).merged([References(pools=("b",)), References(queues=("q",))])

    assert merged == References(pools=("a", "b"), queues=("q",))


def test_a_template_names_variables_and_connections() -> None:
    assert template_references("{{ var.value.a }} {{ conn.get('b-c').host }}") == References(
        connections=("b-c",), variables=("a",)
    )


def test_code_that_cannot_be_parsed_refers_to_nothing() -> None:
    assert find_references(b"X(conn_id='pg')\ndef (") == References()


@given(st.text(max_size=100))
def test_any_template_gives_an_answer(text: str) -> None:
    template_references("{{" + text + "}}")


def test_every_node_is_looked_at_in_the_order_of_the_standard_library() -> None:
    contexts = (ast.Load, ast.Store, ast.Del)
    for path in [*OURS.rglob("*.py"), *Path(ast.__file__).parent.glob("*.py")]:
        tree = ast.parse(path.read_bytes())

        assert references._nodes(tree) == [
            node for node in ast.walk(tree) if not isinstance(node, contexts)
        ], path
