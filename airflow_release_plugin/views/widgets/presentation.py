"""What templates may call: words for states and events, icons, times, links that keep the query string."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from enum import Enum
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask import Flask, request, url_for

from airflow_release_plugin.domain.bundle.preflight_messages import WORDS
from airflow_release_plugin.domain.discussion.words import MAX_LETTERS
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.views.web.static_files import static_file
from airflow_release_plugin.views.widgets.dag_graph_svg import (
    STATE_SIGNS,
    STATE_WORDS,
    attribute_word,
    dag_picture,
    part_counts,
)
from airflow_release_plugin.views.widgets.diff_rows import shown_files
from airflow_release_plugin.views.widgets.event_words import event_words
from airflow_release_plugin.views.widgets.file_tree import by_folder
from airflow_release_plugin.views.widgets.flow_labels import DRIFT_NOTIFICATIONS, PERSONAL_NOTIFICATIONS
from airflow_release_plugin.views.widgets.flow_rows import who_texts
from airflow_release_plugin.views.widgets.flow_summary import change_verbs
from airflow_release_plugin.views.widgets.icons import icon
from airflow_release_plugin.views.widgets.labels import STATE_LOOKS, STATUS_LABELS
from airflow_release_plugin.views.widgets.markdown_html import render_markdown
from airflow_release_plugin.views.widgets.thread_places import place_threads, threads_without_file


def _value(key: str | Enum) -> str:
    return str(key.value) if isinstance(key, Enum) else str(key)


def state_look(state: str | Enum) -> dict[str, Any]:
    """Return ``{"label", "tone", "icon"}`` of a state; an unknown one shows its own name in grey."""
    value = _value(state)
    label, tone, icon = STATE_LOOKS.get(value, (value.replace("_", " "), "gray", "dot"))
    return {"label": label, "tone": tone, "icon": icon, "value": value}


def status_label(status: int) -> Any:
    """Words for an HTTP status."""
    return STATUS_LABELS.get(status, _("Something went wrong"))


def iso(moment: datetime) -> str:
    """Machine-readable time in UTC."""
    return _utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def absolute(moment: datetime) -> str:
    """Readable time in UTC; the browser turns it into the reader's words."""
    return _utc(moment).strftime("%Y-%m-%d %H:%M:%S UTC")


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def here(**changes: str | int | None) -> str:
    """
    Return the address of this page with other query parameters; ``None`` or ``""`` removes one.

    Any change but one of the page number starts at the first page again.
    """
    query: dict[str, Any] = request.args.to_dict(flat=False)
    if "offset" not in changes:
        query.pop("offset", None)
    for key, value in changes.items():
        query[key] = value
    path: Mapping[str, Any] = request.view_args or {}
    kept = {key: value for key, value in query.items() if value not in (None, "", [])}
    return url_for(str(request.endpoint), **{**path, **kept})


def sort_link(column: str) -> str:
    """Return the address that sorts by ``column``, or reverses the order if it is the sorted one."""
    return here(order_by=f"-{column}" if request.args.get("order_by") == column else column)


def sort_state(column: str) -> str:
    """Return ``ascending``, ``descending`` or ``none``, as ``aria-sort`` wants it."""
    return {column: "ascending", f"-{column}": "descending"}.get(request.args.get("order_by", ""), "none")


def airflow_url(path: str) -> str:
    """Return the address of a page of Airflow's own UI, such as ``dags/etl``."""
    root = request.script_root[: -len("/release/ui")] if request.script_root.endswith("/release/ui") else ""
    return f"{root}/{path.lstrip('/')}"


def change_words() -> dict[str, str]:
    """What a DAG does, by the value of the fact."""
    return {fact.value: words for fact, words in change_verbs().items()}


@cache
def time_zones() -> tuple[str, ...]:
    """IANA names of time zones, sorted."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def register_presentation(app: Flask) -> None:
    """Make all of this known to templates."""
    app.jinja_env.filters.update(iso=iso, absolute=absolute, markdown=render_markdown)
    app.jinja_env.globals.update(
        icon=icon,
        state_look=state_look,
        event_words=event_words,
        by_folder=by_folder,
        status_label=status_label,
        here=here,
        sort_link=sort_link,
        sort_state=sort_state,
        static_file=static_file,
        airflow_url=airflow_url,
        time_zones=time_zones,
        who_texts=who_texts,
        change_words=change_words,
        notification_words={**PERSONAL_NOTIFICATIONS, **DRIFT_NOTIFICATIONS},
        preflight_words=WORDS,
        shown_files=shown_files,
        place_threads=place_threads,
        threads_without_file=threads_without_file,
        most_letters=MAX_LETTERS,
        dag_picture=dag_picture,
        part_counts=part_counts,
        part_signs=STATE_SIGNS,
        part_words=STATE_WORDS,
        attribute_word=attribute_word,
    )
