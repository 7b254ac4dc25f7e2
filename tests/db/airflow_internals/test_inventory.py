"""What of the things that an import needs is found in a real Airflow."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.access import AirflowAccess
from airflow_release_plugin.airflow_internals.actors import actor_from_user
from airflow_release_plugin.airflow_internals.inventory import AirflowInventory
from airflow_release_plugin.airflow_internals.serving import AirflowServing
from airflow_release_plugin.domain.bundle.inventory import STUB_MARK, Availability, Inventory, Kind, Wanted
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.version_compat import AIRFLOW_VERSION
from tests.db.airflow_internals.conftest import Parse
from tests.harness.databases import counted

pytestmark = [
    pytest.mark.req("R53"),
    pytest.mark.filterwarnings("ignore:GitWildMatchPattern"),  # Airflow's reading of .airflowignore
    pytest.mark.filterwarnings("ignore:Using `httpx` with"),  # Airflow imports Starlette's test client
]
PRODUCER = """
from airflow.sdk import DAG, Asset
from airflow.providers.standard.operators.empty import EmptyOperator

with DAG("maker"):
    EmptyOperator(task_id="make", outlets=[Asset("orders", uri="s3://bucket/orders")])
"""
CUSTOM = """
from airflow.secrets import BaseSecretsBackend


class Vault(BaseSecretsBackend):
    def get_conn_value(self, conn_id, team_name=None):
        if conn_id == "broken":
            raise OSError("token s.123 has expired")
        return "postgres://db" if conn_id in ("vaulted", "placeholder") else None

    def get_variable(self, key, team_name=None):
        return "" if key == "vaulted" else None
"""


@pytest.fixture
def inventory(session: Session) -> AirflowInventory:
    return AirflowInventory(session)


def connections(inventory: AirflowInventory, *names: str) -> dict[str, Availability]:
    return dict(inventory.take(Wanted(connections=frozenset(names))).connections)


def variables(inventory: AirflowInventory, *names: str) -> dict[str, Availability]:
    return dict(inventory.take(Wanted(variables=frozenset(names))).variables)


@pytest.fixture
def vault(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secrets backend of the installation's own is configured."""
    (tmp_path / "own_vault.py").write_text(CUSTOM)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", "own_vault.Vault")
    monkeypatch.delitem(sys.modules, "own_vault", raising=False)


@pytest.fixture
def executors() -> Iterator[None]:
    """Airflow remembers its executors for as long as a process lives."""
    from airflow.executors import executor_loader as loader

    names = ("_executor_names", "_alias_to_executors_per_team", "_module_to_executors_per_team")
    names += ("_team_name_to_executors", "_classname_to_executors_per_team")
    remembered = [getattr(loader, name) for name in names]
    for each in remembered:
        each.clear()
    yield
    for each in remembered:
        each.clear()


class TestConnectionsAndVariables:
    @pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
    def test_of_the_database_are_found_and_stubs_are_told(
        self, inventory: AirflowInventory, session: Session
    ) -> None:
        from airflow.models import Connection, Variable

        session.add_all(
            [
                Connection(conn_id="crm", conn_type="http", password="hush"),
                Connection(conn_id="dwh", conn_type="http", description=f"{STUB_MARK} fill in"),
                Variable(key="region", val="eu"),
                Variable(key="empty", val="", description=f"{STUB_MARK} fill in"),
            ]
        )
        session.flush()

        assert connections(inventory, "crm", "dwh", "gone") == {
            "crm": Availability.READY,
            "dwh": Availability.PLACEHOLDER,
        }
        assert variables(inventory, "region", "empty", "gone") == {
            "region": Availability.READY,
            "empty": Availability.PLACEHOLDER,
        }

    def test_of_the_environment_are_found(
        self, inventory: AirflowInventory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_CRM", "http://crm")
        monkeypatch.setenv("AIRFLOW_VAR_REGION", "eu")

        assert connections(inventory, "crm", "dwh") == {"crm": Availability.READY}
        assert variables(inventory, "region", "dwh") == {"region": Availability.READY}

    @pytest.mark.usefixtures("vault")
    def test_of_a_secrets_backend_are_found(self, inventory: AirflowInventory) -> None:
        assert connections(inventory, "vaulted", "gone") == {"vaulted": Availability.READY}
        assert variables(inventory, "vaulted", "gone") == {"vaulted": Availability.READY}

    @pytest.mark.usefixtures("vault")
    def test_a_backend_that_breaks_says_nothing_and_its_words_are_not_logged(
        self, inventory: AirflowInventory, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert connections(inventory, "broken", "vaulted") == {
            "broken": Availability.UNKNOWN,
            "vaulted": Availability.READY,
        }
        assert "OSError" in caplog.text
        assert "s.123" not in caplog.text

    @pytest.mark.usefixtures("vault")
    def test_a_stub_that_a_backend_goes_before_is_none(
        self, inventory: AirflowInventory, session: Session
    ) -> None:
        inventory.create_placeholder(Kind.CONNECTION, "placeholder")

        assert connections(inventory, "placeholder") == {"placeholder": Availability.READY}


class TestStubs:
    def test_have_a_name_and_a_mark_and_nothing_else(
        self, inventory: AirflowInventory, session: Session
    ) -> None:
        from airflow.models import Connection, Pool, Variable

        inventory.create_placeholder(Kind.CONNECTION, "crm", connection_type="postgres", note="for etl")
        inventory.create_placeholder(Kind.VARIABLE, "region", note="for etl")
        inventory.create_placeholder(Kind.POOL, "narrow", note="for etl")

        connection = session.scalars(select(Connection)).one()
        variable = session.scalars(select(Variable)).one()
        pool = session.scalars(select(Pool).where(Pool.pool == "narrow")).one()
        assert (connection.conn_type, connection.host, connection.password, connection.extra) == (
            "postgres",
            None,
            None,
            None,
        )
        assert (variable.val, pool.slots) == ("", 1)
        marked = {connection.description, variable.description, pool.description}
        assert marked == {f"{STUB_MARK} for etl"}
        found = inventory.take(Wanted(frozenset({"crm"}), frozenset({"region"})))
        assert {found.connections["crm"], found.variables["region"], found.pools["narrow"]} == {
            Availability.PLACEHOLDER
        }

    def test_a_connection_of_an_unknown_type_is_generic(
        self, inventory: AirflowInventory, session: Session
    ) -> None:
        from airflow.models import Connection

        inventory.create_placeholder(Kind.CONNECTION, "crm")

        assert session.scalars(select(Connection.conn_type)).one() == "generic"

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            (Kind.CONNECTION, "a b"),
            (Kind.CONNECTION, ""),
            (Kind.CONNECTION, "x" * 251),
            (Kind.VARIABLE, ""),
            (Kind.VARIABLE, "x" * 251),
            (Kind.POOL, ""),
            (Kind.POOL, "x" * 257),
        ],
    )
    def test_a_name_that_airflow_does_not_accept_is_refused(
        self, inventory: AirflowInventory, session: Session, kind: Kind, name: str
    ) -> None:
        with pytest.raises(InvalidRequestError, match=f"accepts no {kind.value}"):
            inventory.create_placeholder(kind, name)
        assert not session.new


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_queues_are_the_default_one_and_those_of_the_latest_tasks(
    inventory: AirflowInventory, session: Session, write: Callable[..., None], parse: Parse
) -> None:
    from airflow.models.taskinstance import TaskInstance

    write("etl.py", "etl", ("one",))
    parse("a" * 40)
    assert inventory.take(Wanted()).queues == {"default"}

    AirflowServing(session).trigger("etl", run_id="r1", conf=None, actor=Actor("7", "ann"))
    session.scalars(select(TaskInstance)).one().queue = "fast"
    session.flush()

    assert inventory.take(Wanted()).queues == {"default", "fast"}


@pytest.mark.usefixtures("executors")
def test_executors_are_found_by_alias_class_and_module(
    inventory: AirflowInventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor,big:own.executors.BigExecutor")

    assert inventory.take(Wanted()).executors == {
        "LocalExecutor",
        "airflow.executors.local_executor.LocalExecutor",
        "big",
        "BigExecutor",
        "own.executors.BigExecutor",
    }


def test_installed_packages_are_found_with_their_versions(inventory: AirflowInventory) -> None:
    names = frozenset({"apache-airflow-core", "no-such-package", "", "../../etc"})

    assert inventory.take(Wanted(packages=names)).packages == {"apache-airflow-core": AIRFLOW_VERSION}


class TestModules:
    def test_are_found_without_being_imported(
        self, inventory: AirflowInventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "shop_rules").mkdir()
        (tmp_path / "shop_rules" / "__init__.py").write_text("raise SystemExit('imported')")
        monkeypatch.syspath_prepend(tmp_path)

        found = inventory.take(Wanted(modules=frozenset({"shop_rules", "json", "no_such_module"}))).modules

        assert found == {"shop_rules", "json"}
        assert "shop_rules" not in sys.modules

    @pytest.mark.parametrize("name", ["shop_rules.evil", ".", "", "../x", "a b", "a\x00"])
    def test_names_that_are_none_are_not_looked_for(
        self, inventory: AirflowInventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path / "shop_rules.py").write_text("raise SystemExit('imported')")
        monkeypatch.syspath_prepend(tmp_path)

        assert inventory.take(Wanted(modules=frozenset({name}))).modules == frozenset()
        assert "shop_rules" not in sys.modules


def test_teams_are_found(inventory: AirflowInventory, session: Session) -> None:
    from airflow.models.team import Team

    session.add(Team(name="sales"))
    session.flush()

    assert inventory.take(Wanted()).teams == {"sales"}


class TestServedDags:
    def test_are_those_that_are_active_whatever_their_bundle(
        self, inventory: AirflowInventory, session: Session, write: Callable[..., None], parse: Parse
    ) -> None:
        from airflow.models.dag import DagModel

        write("etl.py", "etl")
        write("old.py", "old")
        parse(bundle="by_hand")
        session.get_one(DagModel, "old").is_stale = True
        session.flush()

        assert inventory.take(Wanted()).served == {"etl": "by_hand"}

    @pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
    def test_produce_assets_known_by_name_and_uri_until_they_are_gone(
        self, inventory: AirflowInventory, session: Session, folder: Path, parse: Parse
    ) -> None:
        from airflow.models.dag import DagModel

        (folder / "maker.py").write_text(PRODUCER)
        parse()
        assert inventory.take(Wanted()).produced == {"orders", "s3://bucket/orders"}

        session.get_one(DagModel, "maker").is_stale = True
        session.flush()

        assert inventory.take(Wanted()).produced == frozenset()


def test_ids_are_illegal_by_airflow_s_own_rule(inventory: AirflowInventory) -> None:
    wanted = Wanted(dag_ids=frozenset({"etl", "a b", "x" * 251, "日报.v-1"}))

    found = inventory.take(wanted).illegal_ids

    assert set(found) == {"a b", "x" * 251}
    assert "alphanumeric" in found["a b"]


def test_versions_are_those_of_this_process(inventory: AirflowInventory) -> None:
    found = inventory.take(Wanted())

    assert (found.airflow_version, found.python_version) == (AIRFLOW_VERSION, platform.python_version())


@pytest.mark.parametrize("db_backend", ["sqlite", "postgresql"])
def test_many_names_cost_as_many_queries_as_none(inventory: AirflowInventory, session: Session) -> None:
    names = frozenset(f"name_{number}" for number in range(2000))
    many = Wanted(names, names, names, names, names)

    session.connection()

    few = queries_of(session, lambda: inventory.take(Wanted()))

    assert queries_of(session, lambda: inventory.take(many)) == few == 7


def queries_of(session: Session, deed: Callable[[], Inventory]) -> int:
    with counted(session.get_bind()) as statements:
        deed()
    return len(statements)


@pytest.mark.usefixtures("simple_manager")
class TestMayCreate:
    @pytest.mark.parametrize("kind", list(Kind))
    @pytest.mark.parametrize(("role", "allowed"), [("viewer", False), ("user", False), ("op", True)])
    def test_the_auth_manager_decides(
        self, session: Session, monkeypatch: pytest.MonkeyPatch, kind: Kind, role: str, allowed: bool
    ) -> None:
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", f"ann:{role}")
        user = SimpleAuthManagerUser(username="ann", role=role)

        assert AirflowAccess(session, user).may_create(actor_from_user(user), kind, "crm") is allowed
        assert not AirflowAccess(session).may_create(actor_from_user(user), kind, "crm")
