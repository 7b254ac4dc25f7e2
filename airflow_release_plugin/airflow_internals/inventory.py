"""What of the things that an import needs is here: names and versions, in a fixed number of queries."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow_release_plugin.domain.bundle.inventory import (
    STUB_MARK,
    Availability,
    Inventory,
    Kind,
    Wanted,
    availability,
)
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.version_compat import AIRFLOW_VERSION

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_RECENT_TASKS = 10_000
"""How many of the newest task instances tell which queues are served."""
_UNTYPED = "generic"

log = logging.getLogger(__name__)


class AirflowInventory:
    """
    Looks into Airflow's tables, its configuration, the secrets backends and the installed packages.

    :param session: read, and written by :meth:`create_placeholder` alone; the caller commits it
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, wanted: Wanted) -> Inventory:
        """Look for what is wanted; a backend of the installation's own is asked name by name."""
        from airflow.models.connection import Connection
        from airflow.models.pool import Pool
        from airflow.models.variable import Variable

        return Inventory(
            airflow_version=AIRFLOW_VERSION,
            python_version=platform.python_version(),
            connections=_with_backends(
                self._described(Connection.conn_id, Connection.description),
                wanted.connections,
                lambda backend, name: backend.get_connection(conn_id=name),
            ),
            variables=_with_backends(
                self._described(Variable.key, Variable.description),
                wanted.variables,
                lambda backend, name: backend.get_variable(key=name),
            ),
            pools=self._described(Pool.pool, Pool.description),
            queues=self._queues(),
            executors=_executors(),
            packages=_versions(wanted.packages),
            modules=frozenset(name for name in wanted.modules if _can_be_found(name)),
            teams=self._teams(),
            served=self._served(),
            produced=self._produced(),
            illegal_ids=dict(_illegal(wanted.dag_ids)),
        )

    def create_placeholder(self, kind: Kind, name: str, *, connection_type: str = "", note: str = "") -> None:
        """
        Make something that has a name and nothing else; its description says that it is incomplete.

        :param connection_type: of a connection, if it is known
        :param note: what it is for
        :raises InvalidRequestError: Airflow does not accept the name
        """
        from airflow.models.connection import Connection
        from airflow.models.pool import Pool
        from airflow.models.variable import Variable

        description = f"{STUB_MARK} {note}".strip()
        if kind is Kind.CONNECTION:
            made: Any = Connection(
                conn_id=name, conn_type=connection_type or _UNTYPED, description=description
            )
            # Airflow leaves out an id that it does not accept.
            accepted = made.conn_id == name
        elif kind is Kind.VARIABLE:
            made, accepted = Variable(key=name, val="", description=description), 0 < len(name) <= 250
        else:
            made = Pool(pool=name, slots=1, description=description, include_deferred=False)
            accepted = 0 < len(name) <= 250
        if not accepted:
            raise InvalidRequestError(
                "Airflow accepts no %(kind)s that is called %(name)r. Choose another name.",
                kind=kind.value,
                name=name[:250],
            )
        self._session.add(made)

    def _described(self, name: Any, description: Any) -> dict[str, Availability]:
        from sqlalchemy import select

        return {row[0]: availability(row[1]) for row in self._session.execute(select(name, description))}

    def _queues(self) -> frozenset[str]:
        """Of the newest task instances: their ids grow with time, so that the index finds them."""
        from airflow.configuration import conf
        from airflow.models.taskinstance import TaskInstance
        from sqlalchemy import select

        recent = select(TaskInstance.queue).order_by(TaskInstance.id.desc()).limit(_RECENT_TASKS).subquery()
        used = self._session.scalars(select(recent.c.queue).distinct())
        return frozenset({conf.get("operators", "default_queue"), *(queue for queue in used if queue)})

    def _teams(self) -> frozenset[str]:
        from airflow.models.team import Team
        from sqlalchemy import select

        return frozenset(self._session.scalars(select(Team.name)))

    def _served(self) -> dict[str, str]:
        from airflow.models.dag import DagModel
        from sqlalchemy import select

        query = select(DagModel.dag_id, DagModel.bundle_name).where(DagModel.is_stale.is_(False))
        return {dag_id: bundle or "" for dag_id, bundle in self._session.execute(query)}

    def _produced(self) -> frozenset[str]:
        from airflow.models.asset import AssetModel, TaskOutletAssetReference
        from airflow.models.dag import DagModel
        from sqlalchemy import select

        query = (
            select(AssetModel.name, AssetModel.uri)
            .join(TaskOutletAssetReference, TaskOutletAssetReference.asset_id == AssetModel.id)
            .join(DagModel, DagModel.dag_id == TaskOutletAssetReference.dag_id)
            .where(DagModel.is_stale.is_(False))
            .distinct()
        )
        return frozenset(name for row in self._session.execute(query) for name in row)


def _with_backends(
    stored: Mapping[str, Availability], wanted: Collection[str], get: Callable[[Any, str], object]
) -> dict[str, Availability]:
    """
    How what is wanted stands: in Airflow's database, or where tasks look before they ask the database.

    Backends have no way to ask whether a name is there: what they return is dropped at once.
    """
    found = {name: stored[name] for name in wanted if name in stored}
    open_questions = {name for name in wanted if found.get(name) is not Availability.READY}
    for backend in _backends():
        for name in sorted(open_questions):
            try:
                answer = get(backend, name)
            except Exception as error:
                log.warning(
                    "%s does not say whether it has %r: %s", _name(backend), name, type(error).__name__
                )
                found.setdefault(name, Availability.UNKNOWN)
                continue
            if answer is not None:
                found[name] = Availability.READY
                open_questions.discard(name)
    return found


def _backends() -> Iterator[Any]:
    """The configured backend and the environment; the database is read without them."""
    from airflow.configuration import ensure_secrets_loaded
    from airflow.secrets.metastore import MetastoreBackend

    return (backend for backend in ensure_secrets_loaded() if not isinstance(backend, MetastoreBackend))


def _name(backend: object) -> str:
    return type(backend).__name__


def _executors() -> frozenset[str]:
    """All spellings under which a task may name an executor."""
    from airflow.executors.executor_loader import ExecutorLoader

    return frozenset(
        spelling
        for name in ExecutorLoader.get_executor_names(validate_teams=False)
        for spelling in (name.alias, name.module_path, name.module_path.rpartition(".")[2])
        if spelling
    )


def _versions(names: Collection[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
    return found


def _can_be_found(module: str) -> bool:
    """Whether an import would find it. Only of a name without a dot can that be said without an import."""
    if not module.isidentifier():
        return False
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _illegal(dag_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    from airflow.sdk.exceptions import AirflowException
    from airflow.utils.helpers import validate_key

    for dag_id in dag_ids:
        try:
            validate_key(dag_id)
        except AirflowException as error:
            yield dag_id, str(error)
