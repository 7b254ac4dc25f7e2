from __future__ import annotations

import pytest

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.values import flow_from_dict, flow_to_dict
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.views.flows.flow_diff import flow_changes
from airflow_release_plugin.views.flows.flow_form import (
    changed,
    draft_of,
    names,
    new_draft,
    problems_by_step,
    raw_of,
    read_draft,
)
from airflow_release_plugin.views.widgets.flow_rows import in_order

FULL = {
    "name": "Everything",
    "kind": "promotion",
    "enabled": True,
    "remark": "All fields",
    "scope": {"dag_ids": ["etl_*"], "tags": ["a", "b"]},
    "validity": {"approval": 1.5, "wait": 24, "execution": 240},
    "levels": [
        {"name": "Low", "steps": [{"name": "Ops", "roles": ["Op"], "rule": "any"}]},
        {
            "name": "High",
            "rule": {"changes": ["schedule"], "tags": ["x"], "min_lines": 200},
            "steps": [
                {
                    "name": "Two",
                    "users": ["ann", "bob"],
                    "rule": "quorum",
                    "quorum": 2,
                    "including_users": ["ann"],
                    "including_roles": ["Risk"],
                    "escalate_after_hours": 4,
                    "escalate_roles": ["Admin"],
                },
                {"name": "Beside", "roles": ["Op"], "rule": "any", "beside_previous": True},
            ],
        },
    ],
    "counts_twice": True,
    "complete_only": True,
    "tried_within_days": 7,
    "resolved_only": True,
    "pipeline_dag_id": "own_pipeline",
    "break_glass_roles": ["Admin"],
    "break_glass_confirm_minutes": 15,
    "calendar": [
        {"name": "Friday", "kind": "deny", "cron": "0 15 * * FRI", "minutes": 540, "zone": "Europe/Berlin"},
        {
            "name": "Year",
            "kind": "allow",
            "start": "2026-12-24T00:00:00+00:00",
            "end": "2027-01-02T00:00:00+00:00",
        },
        {
            "name": "Stocktaking",
            "kind": "deny",
            "zone": "Asia/Shanghai",
            "start": "2026-12-24T10:00:00+00:00",
            "end": "2026-12-24T11:00:00+00:00",
        },
    ],
}


def spec() -> FlowSpec:
    return flow_from_dict(FULL)


def test_a_flow_that_goes_through_the_form_is_the_same_flow() -> None:
    assert flow_to_dict(flow_from_dict(raw_of(draft_of(spec())))) == flow_to_dict(spec())


@pytest.mark.req("R19")
def test_a_fixed_window_is_edited_in_the_time_zone_in_which_it_was_typed() -> None:
    window = draft_of(spec())["calendar"][2]

    assert (window["zone"], window["start"]) == ("Asia/Shanghai", "2026-12-24T18:00")


@pytest.mark.parametrize(
    ("broken", "step"),
    [
        ({"name": ""}, "basics"),
        ({"remark": "x" * 201}, "basics"),
        ({"levels": []}, "levels"),
        ({"kind": "gate"}, "levels"),
        ({"tried_within_days": 0}, "levels"),
        ({"tried_within_days": 366}, "levels"),
        ({"validity": {"wait": 0}}, "validity"),
        ({"calendar": [{"name": "W", "kind": "deny", "cron": "never", "minutes": 5}]}, "validity"),
        ({"calendar": [{"name": "W", "kind": "deny", "zone": "Mars/Base"}]}, "validity"),
        ({"notifiers": [{"notifier": "x"}]}, "notifications"),
        ({"colour": "red"}, "review"),
    ],
)
def test_what_is_wrong_with_a_flow_is_said_at_its_step(broken: dict[str, object], step: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        flow_from_dict({**FULL, **broken})
    assert set(problems_by_step(refused.value)) == {step}


def test_a_new_flow_needs_a_name_and_somebody() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        flow_from_dict(raw_of(new_draft()))
    assert set(problems_by_step(refused.value)) == {"basics", "levels"}


def test_fields_are_read_by_their_path_and_others_are_left_out() -> None:
    draft = read_draft(
        [
            ("levels.10.name", ["second"]),
            ("levels.2.name", ["first"]),
            ("levels.2.rule.changes", ["new", "pool"]),
            ("levels.2.steps.0.users", [" ann "]),
            ("csrf_token", ["x"]),
            ("levels.x.name", ["no"]),
            ("scope.tags.deep", ["no"]),
        ]
    )
    assert [level["name"] for level in draft["levels"]] == ["first", "second"]
    assert draft["levels"][0]["rule"]["changes"] == ["new", "pool"]
    assert draft["levels"][0]["steps"][0]["users"] == "ann"
    assert draft.keys() == {"validity", "levels", "calendar", "notifiers"}
    assert draft["validity"] == {}


@pytest.mark.parametrize(
    ("deed", "levels"),
    [
        ("add:levels", ["Low", "High", ""]),
        ("remove:levels.0", ["High"]),
        ("up:levels.1", ["High", "Low"]),
        ("down:levels.0", ["High", "Low"]),
        ("up:levels.0", ["Low", "High"]),
        ("down:levels.1", ["Low", "High"]),
    ],
)
def test_parts_are_added_removed_and_moved(deed: str, levels: list[str]) -> None:
    assert [level["name"] for level in changed(draft_of(spec()), deed)["levels"]] == levels


@pytest.mark.parametrize("part", ["levels.0.steps", "calendar", "notifiers"])
def test_every_list_grows(part: str) -> None:
    assert changed(new_draft(), f"add:{part}") != new_draft()


@pytest.mark.parametrize(
    "deed", ["", "add:", "add:name", "add:levels.7.steps", "remove:levels.9", "turn:levels.0"]
)
def test_a_deed_on_what_is_not_there_is_refused(deed: str) -> None:
    with pytest.raises(InvalidRequestError):
        changed(draft_of(spec()), deed)


def test_what_is_no_number_no_time_and_no_json_is_named_at_its_step() -> None:
    draft = draft_of(spec())
    draft["validity"]["wait"] = "long"
    draft["levels"][1]["rule"]["min_lines"] = "many"
    draft["calendar"][1]["start"] = "soon"
    draft["notifiers"] = [{"notifier": "a.B", "kwargs": "["}]
    with pytest.raises(InvalidRequestError) as refused:
        raw_of(draft)
    assert set(problems_by_step(refused.value)) == {"validity", "levels", "notifications"}


def test_names_are_split_and_taken_once() -> None:
    assert names(" ann, bob ,ann,, ") == ["ann", "bob"]


@pytest.mark.parametrize(
    ("move", "order"),
    [("up:3", [1, 3, 2]), ("down:1", [2, 1, 3]), ("up:1", [1, 2, 3]), ("up:9", [1, 2, 3]), ("", [1, 2, 3])],
)
def test_a_flow_moves_by_one_place(move: str, order: list[int]) -> None:
    assert in_order([1, 2, 3], move) == order


def test_two_revisions_differ_in_fields_that_people_know() -> None:
    old = flow_to_dict(spec())
    rules = {"kind": ReleaseKind.ROLLBACK, "complete_only": False, "tried_within_days": None}
    new = flow_to_dict(flow_from_dict({**FULL, **rules, "levels": FULL["levels"][:1]}))  # type: ignore[index]
    found = {change.label: (change.old, change.new) for change in flow_changes(old, new)}
    assert found["Kind"] == ("promotion", "rollback")
    assert found["Tried in dev within days"] == ("7", "")
    assert found["Level 2 › Step 1 › Users"] == ("ann, bob", "")
    assert "Name" not in found


def test_a_flow_does_not_differ_from_itself() -> None:
    assert flow_changes(FULL, FULL) == []
