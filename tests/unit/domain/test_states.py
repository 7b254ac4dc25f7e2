"""Every move of every state machine, the legal ones and all others."""

from __future__ import annotations

import ast
import inspect
from enum import Enum
from itertools import pairwise

import pytest

from airflow_release_plugin.domain import states
from airflow_release_plugin.domain.states import (
    MOVES,
    OPEN_RELEASE_STATES,
    RELEASE_MOVES,
    RETRYABLE_RELEASE_STATES,
    REVOCABLE_RELEASE_STATES,
    ApprovalState,
    ExportState,
    GateState,
    ImportState,
    NotificationState,
    ReleaseState,
    State,
    SubmissionState,
    ThreadState,
    checked_move,
)
from airflow_release_plugin.exceptions import InvalidTransitionError

# Written down a second time, as text that a person can check against docs/reference/states.md.
LEGAL = {
    ReleaseState: """
        draft: checking revoked
        checking: awaiting_approval failed errored stale revoked
        awaiting_approval: approved rejected revoked expired stale checking errored
        approved: released revoked expired stale checking errored
        released: failed rolled_back
        failed: checking
        errored: checking revoked
        stale: checking
        rejected:
        revoked:
        expired:
        rolled_back:
    """,
    SubmissionState: """
        pending: in_release removed superseded
        in_release: pending released superseded removed
        released: superseded pending
        removed: in_release pending
        superseded: pending
    """,
    ApprovalState: """
        open: approved rejected expired withdrawn
        approved: expired withdrawn
        rejected:
        expired:
        withdrawn:
    """,
    GateState: """
        open: approved rejected expired withdrawn
        approved:
        rejected:
        expired:
        withdrawn:
    """,
    ThreadState: """
        unresolved: resolved
        resolved: unresolved
    """,
    NotificationState: """
        pending: sent failed
        sent:
        failed: pending
    """,
    ExportState: """
        queued: running failed
        running: ready failed errored queued
        errored: queued failed
        ready: expired
        failed:
        expired:
    """,
    ImportState: """
        uploading: uploaded failed discarded
        uploaded: checked failed discarded
        checked: checked applying failed discarded
        applying: applied checked failed
        applied:
        failed:
        discarded:
    """,
}


def legal_moves(machine: type[State]) -> set[tuple[str, str]]:
    rows = (line.split(":") for line in LEGAL[machine].strip().splitlines())
    return {(current.strip(), to) for current, targets in rows for to in targets.split()}


@pytest.mark.parametrize(
    ("current", "to"),
    [pytest.param(a, b, id=f"{m.__name__}:{a.value}-{b.value}") for m in LEGAL for a in m for b in m],
)
def test_a_state_moves_only_along_the_table(current: Enum, to: State) -> None:
    if (current.value, to.value) in legal_moves(type(current)):
        assert checked_move("release R-1", current, to) is to
    else:
        with pytest.raises(InvalidTransitionError) as refused:
            checked_move("release R-1", current, to)
        assert refused.value.context.items() >= {"current": current.value, "to": to.value}.items()


@pytest.mark.parametrize("machine", list(MOVES))
def test_every_state_has_a_row_in_its_table(machine: type[State]) -> None:
    assert set(MOVES[machine]) == set(machine)


def test_a_refused_move_says_what_is_possible() -> None:
    with pytest.raises(
        InvalidTransitionError, match=r"R-1 is 'draft' and cannot become 'released'.*checking, revoked"
    ):
        checked_move("R-1", ReleaseState.DRAFT, ReleaseState.RELEASED)
    with pytest.raises(InvalidTransitionError, match="this state is final"):
        checked_move("R-1", ReleaseState.REVOKED, ReleaseState.CHECKING)


def test_the_final_states_are_these() -> None:
    final = {m.__name__: {s.value for s in m if s.is_terminal} for m in MOVES}

    assert final == {
        "ReleaseState": {"rejected", "revoked", "expired", "rolled_back"},
        "SubmissionState": set(),
        "ApprovalState": {"rejected", "expired", "withdrawn"},
        "GateState": {"approved", "rejected", "expired", "withdrawn"},
        "ThreadState": set(),
        "NotificationState": {"sent"},
        "ExportState": {"failed", "expired"},
        "ImportState": {"applied", "failed", "discarded"},
    }


def test_what_may_be_retried_revoked_or_is_open_agrees_with_the_table() -> None:
    assert {s for s in ReleaseState if s.is_open} == OPEN_RELEASE_STATES
    assert {s for s in ReleaseState if s.can_be_retried} == RETRYABLE_RELEASE_STATES
    assert {s for s in ReleaseState if ReleaseState.REVOKED in RELEASE_MOVES[s]} == REVOCABLE_RELEASE_STATES
    assert not OPEN_RELEASE_STATES & RETRYABLE_RELEASE_STATES
    assert all(ReleaseState.CHECKING in RELEASE_MOVES[s] for s in RETRYABLE_RELEASE_STATES)


def test_only_an_approved_release_can_reach_the_target() -> None:
    assert {s for s in ReleaseState if ReleaseState.RELEASED in RELEASE_MOVES[s]} == {ReleaseState.APPROVED}


@pytest.mark.parametrize("machine", list(MOVES))
def test_every_state_says_what_it_means(machine: type[State]) -> None:
    tree = ast.parse(inspect.getsource(states))
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == machine.__name__).body
    documented = {
        step.targets[0].id
        for step, after in pairwise(body)
        if isinstance(step, ast.Assign)
        and isinstance(step.targets[0], ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
    }

    assert documented == set(machine.__members__)
