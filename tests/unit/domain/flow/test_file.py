"""Files of flows: what is read, what is refused and with which words, and that nothing is lost on the way."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from airflow_release_plugin.domain.flow.file import MAX_BYTES, read_flows, write_flows
from airflow_release_plugin.domain.flow.schema import flow_file_schema
from airflow_release_plugin.domain.flow.values import flow_from_dict
from airflow_release_plugin.exceptions import InvalidRequestError, TooLargeError
from scripts import generate_docs

pytestmark = pytest.mark.req("R41")

FULL = {
    "name": "Zahlungen 支付",
    "kind": "promotion",
    "enabled": False,
    "remark": "no: yes, 'on' – \"quoted\"",
    "scope": {"dag_ids": ["pay_*"], "tags": ["no", "1.0"], "owners": ["0o7"], "sources": ["dev"]},
    "validity": {"approval": 12, "wait": 0.5, "execution": 240},
    "levels": [
        {"name": "Low", "steps": [{"name": "Team", "roles": ["Op"], "rule": "any"}]},
        {
            "name": "High",
            "rule": {
                "changes": ["schedule"],
                "tags": ["critical"],
                "min_dags": 2,
                "max_dags": 9,
                "min_lines": 1,
            },
            "steps": [
                {"name": "A", "users": ["ann"], "rule": "quorum", "quorum": 2, "roles": ["Op"]},
                {
                    "name": "B",
                    "roles": ["Admin"],
                    "rule": "all",
                    "escalate_after_hours": 4,
                    "escalate_users": ["eve"],
                },
            ],
        },
    ],
    "counts_twice": True,
    "complete_only": True,
    "tried_within_days": 7,
    "resolved_only": True,
    "pipeline_dag_id": "my_pipeline",
    "break_glass_roles": ["Admin"],
    "break_glass_confirm_minutes": 15,
    "calendar": [
        {"name": "Fridays", "kind": "deny", "cron": "0 12 * * FRI", "minutes": 4320, "zone": "Europe/Berlin"},
        {"name": "Year", "kind": "deny", "start": "2026-12-20T00:00:00Z", "end": "2027-01-07T00:00:00Z"},
    ],
    "notifiers": [
        {
            "notifier": "a.b.C",
            "kwargs": {"to": "x", "deep": [{"y": None, "z": [1, 2.5]}]},
            "events": ["failed"],
        }
    ],
}
START = """version: 1
flows:
  - name: A
    kind: promotion
"""
LEVELS = """    levels:
      - name: One
        steps:
          - name: N
            roles: [op]
"""


def read(text: str) -> object:
    return read_flows(text.encode())


def test_what_is_written_reads_the_same() -> None:
    flows = [flow_from_dict(FULL), flow_from_dict({**FULL, "name": "B", "enabled": True, "scope": {}})]

    text = write_flows(flows)

    assert read_flows(text.encode()) == flows
    assert write_flows(read_flows(text.encode())) == text


def test_what_is_written_has_no_anchors_and_fits_the_schema() -> None:
    text = write_flows([flow_from_dict(FULL), flow_from_dict({**FULL, "name": "B"})])

    jsonschema.Draft202012Validator.check_schema(flow_file_schema())
    jsonschema.validate(yaml.safe_load(text), flow_file_schema())
    assert "&" not in text


def test_points_in_time_need_no_quotes() -> None:
    window = "{name: W, kind: deny, start: 2026-12-20T00:00:00Z, end: 2026-12-21}"

    (flow,) = read_flows(f"{START}{LEVELS}    calendar: [{window}]\n".encode())

    assert flow.calendar.windows[0].end is not None


def test_a_key_without_a_value_is_no_key() -> None:
    assert read(f"{START}{LEVELS}    scope:\n    remark: ~\n") == read(START + LEVELS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"{START}{LEVELS}    nodez: []\n",
            "Line 10: flows[0].nodez is unknown; possible here: name, kind, ",
        ),
        (f"{START}{LEVELS}            role: x\n", "Line 10: flows[0].levels[0].steps[0].role is unknown"),
        (f"{START}{LEVELS}    scope: {{dags: [a]}}\n", "Line 10: flows[0].scope.dags is unknown"),
        (f"{START}{LEVELS}    calendar: [{{nam: a}}]\n", "Line 10: flows[0].calendar[0].nam is unknown"),
        (
            f"{START}{LEVELS}    notifiers: [{{klass: a}}]\n",
            "Line 10: flows[0].notifiers[0].klass is unknown",
        ),
        (f"{START}{LEVELS}    kind: gate\n", "Line 10: flows[0].kind is there twice."),
        (f"{START}{LEVELS}    remark: 5\n", "Line 10: flows[0].remark: 5 is not of type string."),
        (
            f"{START}{LEVELS}    enabled: maybe\n",
            "Line 10: flows[0].enabled: 'maybe' is not of type boolean.",
        ),
        (
            START.replace("promotion", "party") + LEVELS,
            "Line 4: flows[0].kind: 'party' is not possible; choose ",
        ),
        (START, "Line 3: flows[0]: 'levels' is a required property."),
        (f"{START}{LEVELS}\tremark: x\n", "Line 10, column 1: this is not YAML"),
        (f"{START}\tremark: x\n", "Indent with spaces."),
        (START.replace(" A", " &a A") + LEVELS, "Line 3: anchors (&) and aliases (*) are not read here"),
        ("a: &a [x]\nb: *a\n", "Line 1: anchors"),
        (f"{START}{LEVELS}    remark: !!python/object:os.system x\n", "Line 10, column 13: this is not YAML"),
        ("[" * 5000, "nested more than 20 deep"),
        ("version: 2\nflows: []\n", "Line 1: version: 1 was expected."),
        ("version: 1\n", "Line 1: the file: 'flows' is a required property."),
        ("", "Line 1: the file: None is not of type object."),
        ("- a\n", "Line 1: the file: ['a'] is not of type object."),
        ("version: 1\nflows: []\n---\nversion: 1\n", "this is not YAML"),
        ("version: 1\x00\n", "This is not YAML"),
        (
            f"{START}{LEVELS}" + (START + LEVELS).partition("flows:\n")[2],
            "another flow of the file has that name",
        ),
        (
            f"{START}{LEVELS}    validity: {{wait: 241}}\n",
            "Line 10: flows[0].validity.wait: 241 is greater than",
        ),
        (START.replace(" A", " 'A?'") + LEVELS, "Line 3: flow 'A?': A flow's name consists of"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(text)

    assert said in caught.value.message


def test_all_problems_are_said_at_once_in_their_order() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read(f"{START}    one: 1\n{LEVELS}    two: 2\n    three: 3\n")

    assert [line[:7] for line in caught.value.message.splitlines()] == ["Line 5:", "Line 11", "Line 12"]


def test_a_file_that_is_too_large_is_not_read() -> None:
    with pytest.raises(TooLargeError, match="at most 1048576"):
        read_flows(b"#" * (MAX_BYTES + 1))


def test_a_file_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"not UTF-8 \(byte 2\)"):
        read_flows(b"a:\xff")


def test_the_schema_on_the_pages_is_the_one_of_the_code() -> None:
    assert generate_docs.FLOW_SCHEMA.read_text() == generate_docs.flow_schema(), "run make docs"
    assert json.loads(generate_docs.flow_schema()) == flow_file_schema()
