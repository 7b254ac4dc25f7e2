"""Whoever asked for an export or brought an import is told how it ended, also with the page closed."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.flow.notification import NotificationEvent
from airflow_release_plugin.domain.identity import Person
from airflow_release_plugin.domain.states import ExportState, ImportState
from airflow_release_plugin.messages import Message, shortened
from airflow_release_plugin.models import Export, Import
from airflow_release_plugin.services.notices.telling import tell
from airflow_release_plugin.services.runtime.context import Context

_LONGEST_TEXT = 500
_PATHS = {"export": "/release/ui/transfers/", "import": "/release/ui/transfers/imports/{}"}


def export_ended(ctx: Context, row: Export) -> None:
    """A bundle can be fetched, or could not be made."""
    is_ready = row.state is ExportState.READY
    _tell(
        ctx,
        NotificationEvent.EXPORT_READY if is_ready else NotificationEvent.EXPORT_FAILED,
        ("export", row.id),
        row.requested_by,
        Message("Export %(number)s is ready", number=row.id)
        if is_ready
        else Message("Export %(number)s failed", number=row.id),
        state=row.state.value,
        dag_ids=row.report.get("dags", ()),
        reason=row.error,
    )


def import_ended(ctx: Context, row: Import, person: Person) -> None:
    """What a bundle brings is here, or will not be: told to ``person``, who asked for it last."""
    is_applied = row.state is ImportState.APPLIED
    _tell(
        ctx,
        NotificationEvent.IMPORT_APPLIED if is_applied else NotificationEvent.IMPORT_FAILED,
        ("import", row.id),
        person,
        Message("Import %(number)s is applied", number=row.id)
        if is_applied
        else Message("Import %(number)s failed", number=row.id),
        state=row.state.value,
        dag_ids=row.dag_ids,
        reason=row.error,
    )


def _tell(
    ctx: Context,
    event: NotificationEvent,
    subject: tuple[str, int],
    person: Person,
    summary: str,
    *,
    state: str,
    dag_ids: Sequence[str],
    reason: str,
) -> None:
    """The names that notices of releases have as well, so that templates can be shared."""
    kind, subject_id = subject
    facts = {
        "event": event.value,
        "state": state,
        "reason": shortened(reason, _LONGEST_TEXT),
        "kind": kind,
        "number": Message("Export %(number)s", number=subject_id)
        if kind == "export"
        else Message("Import %(number)s", number=subject_id),
        "title": "",
        "dag_ids": list(dag_ids[:100]),
        "url": f"{ctx.settings.base_url}{_PATHS[kind].format(subject_id)}",
        "summary": summary,
    }
    tell(ctx, [person], event, subject_type=kind, subject_id=subject_id, facts=facts)
