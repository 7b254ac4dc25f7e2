"""Which notifiers tell of what: flows never of drift, the drift guard of nothing else."""

from __future__ import annotations

import json

import pytest

from airflow_release_plugin.domain.flow.notification import DRIFT_EVENTS, notifier_problems, read_notifiers

pytestmark = pytest.mark.req("R40")
NAME = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"


@pytest.mark.parametrize("event", ["drifted", "drift_ended"])
def test_drift_is_no_event_of_a_flow(event: str) -> None:
    notifier = {"notifier": NAME, "events": [event]}

    assert "unknown event" in notifier_problems([notifier])[0]
    assert read_notifiers(json.dumps([notifier]), DRIFT_EVENTS) == ([notifier], [])


def test_releases_are_no_event_of_the_drift_guard() -> None:
    _, problems = read_notifiers(json.dumps([{"notifier": NAME, "events": ["released"]}]), DRIFT_EVENTS)

    assert problems == ["Notifier 1: unknown event 'released'; possible are drifted, drift_ended."]


def test_no_notifiers_are_no_problem() -> None:
    assert read_notifiers("", DRIFT_EVENTS) == ([], [])


@pytest.mark.parametrize("text", ["[", '{"notifier": "x.Y"}', '[{"notifier": 1}]'])
def test_what_is_no_list_of_notifiers_tells_nobody(text: str) -> None:
    found, problems = read_notifiers(text, DRIFT_EVENTS)

    assert (found, len(problems)) == ([], 1)
