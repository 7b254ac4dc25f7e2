"""Flows over REST: rights, bad input, and what the answers say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.db.api.world import MANAGERS, SERVICE, World, error_of, ok


def form(name: str = "Four eyes", *, roles: tuple[str, ...] = ("op", "Op"), **more: Any) -> dict[str, Any]:
    step = {"name": "Review", "roles": list(roles)}
    return {
        "name": name,
        "kind": "promotion",
        "levels": [{"name": "Standard", "steps": [step]}],
        **more,
    }


def create(world: World, name: str = "Four eyes", **more: Any) -> dict[str, Any]:
    return ok(world.as_("admin").post("/flows", json={"spec": form(name, **more)}))


@pytest.mark.req("R30")
@pytest.mark.parametrize("manager", MANAGERS)
def test_a_flow_lives_from_its_creation_to_its_deletion(world: World, manager: str) -> None:
    admin = world.as_("admin")
    made = create(world)
    assert [person["name"] for person in made["people"][0]["people"]] == ["reviewer", "reviewer2"]

    body = {"spec": form(remark="Edited"), "revision": 1}
    assert ok(admin.put(f"/flows/{made['id']}", json=body))["revision"] == 2
    assert error_of(admin.put(f"/flows/{made['id']}", json=body)) == (409, "conflict")
    assert ok(admin.post(f"/flows/{made['id']}/enabled", json={"enabled": False}))["enabled"] is False
    other = create(world, "Other")
    listed = ok(admin.put("/flows/order", json={"ids": [other["id"], made["id"]]}))
    assert [flow["name"] for flow in listed["items"]] == ["Other", "Four eyes", "default"]
    assert ok(admin.post("/flows/delete", json={"ids": [made["id"]]}))["items"] == ["Four eyes"]
    assert error_of(admin.get(f"/flows/{made['id']}")) == (404, "not_found")
    revisions = ok(admin.get(f"/flows/{made['id']}/revisions"))["items"]
    assert [row["revision"] for row in revisions] == [3, 2, 1]


@pytest.mark.req("R30")
@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("who", ["viewer", "author", "reviewer", SERVICE])
def test_who_may_not_edit_flows_reads_them_only(world: World, manager: str, who: str) -> None:
    flow_id = create(world)["id"]
    client = world.as_(who)
    answers = [
        client.post("/flows", json={"spec": form("Mine")}),
        client.post("/flows/preview", json={"spec": form("Mine")}),
        client.put(f"/flows/{flow_id}", json={"spec": form(), "revision": 1}),
        client.post(f"/flows/{flow_id}/enabled", json={"enabled": False}),
        client.put("/flows/order", json={"ids": [flow_id]}),
        client.post("/flows/delete", json={"ids": [flow_id]}),
    ]

    assert {error_of(answer) for answer in answers} == {(403, "not_allowed")}
    assert ok(client.get(f"/flows/{flow_id}"))["revision"] == 1
    assert world.as_("anonymous").get("/flows").status_code == 401


@pytest.mark.parametrize(
    "spec",
    [
        {},
        form(""),
        form(" x"),
        form("x" * 111),
        form("🚀"),
        form(roles=()),
        form(roles=("nobody",)),
        form(roles=("",)),
        form(levels=[]),
        form(validity={"approval": 0}),
        form(validity={"approval": -1}),
        form(validity={"approval": 241}),
        form(validity={"approval": "24"}),
        form(unknown=1),
        form(kind="gate", levels=form()["levels"] * 2),
        form(levels=form()["levels"] * 11),
        form(counts_twice="no"),
        form(scope={"dag_ids": "*"}),
        form(calendar=[{"name": "x", "kind": "deny", "cron": "0 0 31 2 *", "minutes": 5}]),
    ],
)
def test_what_is_no_flow_is_refused_as_such(world: World, spec: dict[str, Any]) -> None:
    assert error_of(world.as_("admin").post("/flows", json={"spec": spec})) == (422, "invalid_request")
    assert error_of(world.as_("admin").post("/flows/preview", json={"spec": spec})) == (
        422,
        "invalid_request",
    )
    assert ok(world.as_("admin").get("/flows"))["total_entries"] == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_none_are_refused(world: World, number: str) -> None:
    text = (
        '{"spec": {"name": "x", "kind": "promotion", "validity": {"approval": %s}, '
        '"levels": [{"name": "a", "steps": [{"name": "b", "roles": ["op"]}]}]}}'
    )
    answer = world.as_("admin").post(
        "/flows", content=text % number, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422


def test_an_edit_has_to_name_the_revision_that_was_seen(world: World) -> None:
    flow_id = create(world)["id"]

    assert error_of(world.as_("admin").put(f"/flows/{flow_id}", json={"spec": form()})) == (
        422,
        "invalid_request",
    )


def test_a_name_is_used_once(world: World) -> None:
    create(world)

    assert error_of(world.as_("admin").post("/flows", json={"spec": form()})) == (409, "conflict")
    assert error_of(world.as_("admin").post("/flows", json={"spec": form("Default")})) == (409, "conflict")


@pytest.mark.req("R33")
def test_the_simulator_answers_what_would_apply_and_why(world: World) -> None:
    create(world, "Sales", scope={"tags": ["sales"]})
    create(world, "Rest")

    answer = ok(world.as_("author").get("/flows/simulate", params={"dag_id": "etl"}))
    assert (answer["flow"], answer["level"]) == ("Sales", 1)
    assert [(t["flow"], t["outcome"]) for t in answer["trials"]] == [
        ("Sales", "applies"),
        ("Rest", "lower_priority"),
        ("default", "lower_priority"),
    ]
    for params in ({}, {"dag_id": "etl", "release_id": 1}):
        assert error_of(world.as_("author").get("/flows/simulate", params=params)) == (422, "invalid_request")
    assert error_of(world.as_("author").get("/flows/simulate", params={"dag_id": "no"})) == (404, "not_found")


@pytest.mark.req("R34")
@pytest.mark.parametrize("manager", MANAGERS)
def test_a_release_goes_on_under_the_flow_it_started_with(world: World, manager: str) -> None:
    flow_id = create(world)["id"]
    release = world.awaiting()
    ok(world.as_("admin").post("/flows/delete", json={"ids": [flow_id]}))

    shown = ok(world.as_("reviewer").get(f"/releases/{release['id']}"))
    assert shown["approval"]["flow"] == "Four eyes"
    ok(world.decide(release))
    assert world.state(release) == "approved"
