"""What a worker found keeps what it was made of, on its way over the REST API into the column."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timezone

import pytest
from sqlalchemy.dialects import sqlite

from airflow_release_plugin.domain.release.checks import PROOF, CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.text.phrasing import lines_of
from airflow_release_plugin.languages import CHINESE, ENGLISH, said, speaking
from airflow_release_plugin.messages import Message, keep_messages, together
from airflow_release_plugin.models.check_items import CheckItems
from airflow_release_plugin.proof.comparison import differences
from airflow_release_plugin.schemas.release import ReportResponse
from airflow_release_plugin.schemas.work import ReportBody

BEFORE = {"etl": json.dumps({"dag": {"tasks": [{"task_id": "load", "sql": "a"}]}})}
AFTER = {"etl": json.dumps({"dag": {"tasks": [{"task_id": "load", "sql": "b"}]}})}


def test_a_report_arrives_with_messages_in_details_and_facts() -> None:
    [different] = differences(BEFORE, AFTER)
    lines = [Message("Dag %(dag_id)s would be new.", dag_id="etl"), "ERROR: as it was logged"]
    item = CheckItem(
        PROOF,
        CheckStatus.FAILED,
        "etl.py",
        together(lines, "\n"),
        {"different": [asdict(different)]},
    )

    sent = ReportBody(
        kind=ReportKind.CHECK, attempt=1, items=[replace(item, facts=keep_messages(item.facts))]
    )
    [received] = ReportBody.model_validate_json(sent.model_dump_json()).items
    column, dialect = CheckItems(), sqlite.dialect()
    stored = json.dumps(column.process_bind_param([received], dialect))
    result = column.process_result_value(json.loads(stored), dialect)
    assert result is not None
    [kept] = result

    assert kept == item
    where = kept.facts["different"][0]["where"]
    assert where == "task load, sql"
    [head, _] = lines_of(kept.detail)
    assert isinstance(head, Message)
    assert isinstance(where, Message)
    assert head.template == "Dag %(dag_id)s would be new."
    assert isinstance(where.values["part1"], Message)


def test_a_difference_is_known_again_by_its_words() -> None:
    [first], [again] = differences(BEFORE, AFTER), differences(BEFORE, AFTER)

    assert (first.key, hash(first)) == (again.key, hash(again))
    assert first.key == ("etl", "task load, sql")
    assert json.dumps(asdict(first)) == json.dumps({**asdict(first), "where": "task load, sql"})


@pytest.mark.parametrize("tag", [ENGLISH, CHINESE])
def test_who_asks_for_a_report_gets_texts_and_not_what_they_are_made_of(tag: str) -> None:
    message = Message("The file defines no DAG.")
    item = CheckItem("parse", CheckStatus.FAILED, "etl.py", message, {"why": [message]})
    report = {
        "id": 1,
        "kind": ReportKind.CHECK,
        "attempt": 1,
        "passed": False,
        "base_commit": None,
        "reported_at": datetime(2026, 1, 1, tzinfo=timezone.utc),
        "reported_by": {"id": "1", "name": "pipeline"},
        "items": (item,),
    }

    with speaking(tag):
        answer = ReportResponse.model_validate(report).model_dump(mode="json")
        text = str(said(message))

    [told] = answer["items"]
    assert (told["detail"], told["facts"]) == (text, {"why": [text]})
