"""The peer of our lists: Airflow's own list of DAG runs, asked as its page asks for it, with 100,000 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

RUNS, DAGS = 100_000, 2_000


@contextmanager
def list_dag_runs(url: str) -> Iterator[dict[str, Callable[[], object]]]:
    """The whole route, with its authorization, in this process on a database at ``url``."""
    from airflow.api_fastapi.app import create_app, create_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    from tests.harness.databases import airflow_uses, connect

    engine = connect(url)
    _fill(engine)
    with airflow_uses(engine):
        app = create_app(apps="core")
        token = create_auth_manager().generate_jwt(SimpleAuthManagerUser(username="admin", role="admin"))
        client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
        ask = partial(_ask, client)
        yield {
            "DAG runs, first page": partial(ask, order_by="-run_after"),
            "DAG runs, last page": partial(ask, order_by="-run_after", offset=RUNS - 50),
            "DAG runs, search": partial(ask, order_by="-run_after", run_id_pattern="nightly_77"),
            "DAG runs, failed": partial(ask, order_by="-run_after", state="failed"),
        }
    engine.dispose()


def _ask(client: Any, **parameters: Any) -> None:
    answer = client.get("/api/v2/dags/~/dagRuns", params={"limit": 50, **parameters})
    assert answer.status_code == 200, answer.text


def _fill(engine: Engine) -> None:
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel

    import_all_models()
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(DagBundleModel(name="dags"))
        session.flush()
        session.add_all(DagModel(dag_id=f"dag_{n}", bundle_name="dags") for n in range(DAGS))
        session.commit()
    with engine.begin() as connection:
        connection.execute(
            text(f"""
            INSERT INTO dag_run (dag_id, run_id, run_type, state, conf, queued_at, logical_date, run_after,
                start_date, end_date, data_interval_start, data_interval_end, clear_number, span_status,
                last_scheduling_decision, updated_at, backfill_id)
            SELECT 'dag_' || n % {DAGS}, 'scheduled__nightly_' || n, 'scheduled',
                CASE WHEN n % 20 = 7 THEN 'failed' ELSE 'success' END, '{{}}', moment, moment, moment, moment,
                moment + interval '5 minutes', moment, moment, 0, 'not_started', moment, moment, NULL
            FROM generate_series(1, {RUNS}) n,
                LATERAL (SELECT timestamptz '2024-01-01 00:00:00+00' + n * interval '13 minutes') m(moment)
            """)  # noqa: S608 - numbers that stand here
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
