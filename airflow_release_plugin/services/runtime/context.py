"""What a use case works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_release_plugin import config
from airflow_release_plugin.domain.bundle.preflight import read_policy
from airflow_release_plugin.domain.flow.notification import (
    DRIFT_EVENTS,
    FLOW_EVENTS,
    PERSONAL_EVENTS,
    NotificationEvent,
    read_notifiers,
)
from airflow_release_plugin.domain.ports import Airflow
from airflow_release_plugin.store.release_store import ReleaseStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def utc_now() -> datetime:
    """The present moment, aware."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Settings:
    """The options of ``config`` that use cases depend on, read once for each request."""

    source: str = field(default_factory=config.source_bundle)
    prefix: str = field(default_factory=config.source_dag_id_prefix)
    source_mode: str = field(default_factory=config.source_mode)
    role: str = field(default_factory=config.role)
    environment: str = field(default_factory=config.environment)
    pipeline_dag_id: str = field(default_factory=config.pipeline_dag_id)
    admin_roles: frozenset[str] = field(default_factory=config.admin_roles)
    flow_admin_roles: frozenset[str] = field(default_factory=config.flow_admin_roles)
    default_flow_roles: frozenset[str] = field(default_factory=config.default_flow_roles)
    service_users: frozenset[str] = field(default_factory=config.service_users)
    approval_hours: int = field(default_factory=config.approval_hours)
    execution_hours: int = field(default_factory=config.execution_hours)
    break_glass_confirm_minutes: int = field(default_factory=config.break_glass_confirm_minutes)
    max_file_bytes: int = field(default_factory=config.max_file_bytes)
    max_unit_files: int = field(default_factory=config.max_unit_files)
    snapshot_ignore: frozenset[str] = field(default_factory=config.snapshot_ignore)
    max_snapshot_bytes: int = field(default_factory=config.max_snapshot_bytes)
    source_reads: str = field(default_factory=config.source_reads)
    base_url: str = field(default_factory=config.base_url)
    release_notifiers: str = field(default_factory=config.release_notifiers)
    personal_notifiers: str = field(default_factory=config.personal_notifiers)
    digest_hour: int = field(default_factory=config.digest_hour)
    drift_notifiers: str = field(default_factory=config.drift_notifiers)
    notify_timeout: float = field(default_factory=config.notify_timeout)
    check_timeout: int = field(default_factory=config.check_timeout)
    check_start_timeout: int = field(default_factory=config.check_start_timeout)
    check_file_timeout: int = field(default_factory=config.check_file_timeout)
    check_memory_mb: int = field(default_factory=config.check_memory_mb)
    require_confinement: bool = field(default_factory=config.require_confinement)
    pipeline_patience: int = field(default_factory=config.pipeline_patience)
    verify_timeout: int = field(default_factory=config.verify_timeout)
    exports_enabled: bool = field(default_factory=config.exports_enabled)
    imports_enabled: bool = field(default_factory=config.imports_enabled)
    mirror_url: str = field(default_factory=config.mirror_url, repr=False)
    mirror_conn_id: str = field(default_factory=config.mirror_conn_id)
    keys_path: Path = field(default_factory=config.keys_path)
    bundle_days: int = field(default_factory=config.bundle_days)
    keep_snapshots_days: int = field(default_factory=config.retention.keep_snapshots_days)
    keep_notifications_days: int = field(default_factory=config.retention.keep_notifications_days)
    keep_transfers_days: int = field(default_factory=config.retention.keep_transfers_days)
    keep_details_days: int = field(default_factory=config.retention.keep_details_days)
    keep_events_days: int = field(default_factory=config.retention.keep_events_days)
    event_archive_path: str = field(default_factory=config.retention.event_archive_path)
    auto_rollback: bool = field(default_factory=config.auto_rollback)
    import_policy: str = field(default_factory=config.import_policy)
    import_local_approval: str = field(default_factory=config.import_local_approval)

    @property
    def has_source(self) -> bool:
        """Whether people submit here."""
        return self.role in {"source", "both"}

    @property
    def has_target(self) -> bool:
        """Whether releases reach their target here."""
        return self.role in {"target", "both"}

    @property
    def is_basic(self) -> bool:
        """Whether a submitted version goes to the target at once."""
        return self.source_mode == "basic" and self.has_target

    @property
    def evidence_counts(self) -> bool:
        """Whether approvals that a bundle carries may stand for those of this installation."""
        return self.import_local_approval == "unless_approved"

    def problems(self) -> list[str]:
        """Names of settings whose value is unknown, or in part; what counts instead is in their reference."""
        unknown = [
            each.name
            for each in config.SETTINGS.values()
            if each.is_unreadable() or (each.choices and getattr(self, each.name) not in each.choices)
        ]
        if read_policy(self.import_policy).problems:
            unknown.append("import_policy")
        notifiers = {
            "release_notifiers": FLOW_EVENTS,
            "personal_notifiers": (*PERSONAL_EVENTS, NotificationEvent.DIGEST),
            "drift_notifiers": DRIFT_EVENTS,
        }
        unknown += [
            name for name, events in notifiers.items() if read_notifiers(getattr(self, name), events)[1]
        ]
        return [*unknown, *([] if 0 <= self.digest_hour <= 23 else ["digest_hour"])]

    def source_id(self, dag_id: str) -> str:
        """Id of the source's copy of a DAG in this Airflow."""
        return f"{self.prefix}{dag_id}"

    def target_id(self, source_dag_id: str) -> str:
        """Id that a DAG of the source has in the target."""
        return source_dag_id.removeprefix(self.prefix)


@dataclass(frozen=True)
class Context:
    """
    One request's surroundings.

    :param session: transaction of the request; committed at the edge, never by a use case (but promotion)
    :param store: where files, submissions and target branches are kept
    :param airflow: what is asked of Airflow
    :param clock: the present moment; tests set it
    """

    session: Session
    store: ReleaseStore
    airflow: Airflow
    settings: Settings = field(default_factory=Settings)
    clock: Callable[[], datetime] = utc_now
