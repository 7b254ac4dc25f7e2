"""Whatever people try, in whatever order and however the clock jumps: the rules of an approval hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.domain.flow.approval import (
    CountedDecision,
    DecisionCapacity,
    Requirement,
    Step,
    StepRule,
    Verdict,
    evaluate,
    is_past,
    stages,
    step_opened_at,
)
from airflow_release_plugin.domain.flow.flow import StepSpec
from airflow_release_plugin.domain.flow.seats import Seat, open_seats
from airflow_release_plugin.domain.identity import Actor, ActorKind, Person
from tests.harness.flow_strategies import NAMES, ROLES, several_steps

START = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
# Ids that are other people's names, and names that are other people's ids.
IDS = dict(zip((*NAMES, "robot", "0", "1"), ("0", "1", "2", "3", "4", "5", "ann", "bob"), strict=True))


@dataclass
class Office:
    """
    One approval and the people around it; does what the services do, without a database.

    :param deputies: (deputy, whose place) by login name
    """

    requirement: Requirement
    roles: dict[str, frozenset[str]]
    deputies: frozenset[tuple[str, str]]
    now: datetime = START
    expires_at: datetime = START + timedelta(hours=24)
    decisions: list[CountedDecision] = field(default_factory=list)
    approved_at: datetime | None = None

    def person(self, name: str) -> Person:
        return Person(IDS[name], name, self.roles.get(name, frozenset()))

    def capacity(self, name: str) -> DecisionCapacity:
        kind = ActorKind.SERVICE if name == "robot" else ActorKind.USER
        person = self.person(name)
        on_behalf_of = [self.person(whose) for who, whose in sorted(self.deputies) if who == name]
        return DecisionCapacity(Actor(person.id, name, person.roles, kind), tuple(on_behalf_of))

    def is_escalated(self, step: int) -> bool:
        reached = step_opened_at(self.requirement.steps, self.decisions, START, step)
        return is_past(self.requirement.steps[step].escalates_at(reached), self.now)

    def decide(self, name: str, verdict: Verdict) -> bool:
        """Try; return whether it was let."""
        progress = evaluate(self.requirement, self.decisions)
        if is_past(self.expires_at, self.now):
            return False
        capacity = self.capacity(name)
        escalated = {step for step in progress.waiting if self.is_escalated(step)}
        seats = open_seats(self.requirement, capacity, self.decisions, escalated=escalated)
        for seat in seats if self.requirement.counts_twice else seats[:1]:
            self._check(capacity, seat, escalated=seat.step in escalated)
            self.decisions.append(seat.decision(capacity.actor, verdict=verdict, decided_at=self.now))
        return bool(seats)

    def _check(self, capacity: DecisionCapacity, seat: Seat, *, escalated: bool) -> None:
        """What must be so whenever somebody was let, said in other words than the engine's."""
        rule, place = self.requirement.steps[seat.step], seat.place
        reached = next(stage for stage in stages(self.requirement.steps) if seat.step in stage)
        assert all(self._is_complete(step) for step in range(reached[0]))
        assert not self._is_complete(seat.step)
        users = {*rule.users, *(rule.escalate_users if escalated else ())}
        roles = {*rule.roles, *(rule.escalate_roles if escalated else ())}
        assert capacity.actor.kind is ActorKind.USER
        assert capacity.actor.id not in self.requirement.excluded
        assert place.id not in self.requirement.excluded
        assert place.name in users or self.roles.get(place.name, frozenset()) & roles
        assert place.name == capacity.actor.name or (capacity.actor.name, place.name) in self.deputies

    def _is_complete(self, index: int) -> bool:
        step, on_step = self.requirement.steps[index], [d for d in self.decisions if d.step == index]
        return len(on_step) >= step.needed and has_member(step, on_step)


def has_member(step: Step, decisions: list[CountedDecision]) -> bool:
    """Whether whoever must be among a quorum is, said in other words than the engine's."""
    wanted = {*step.including_users, *step.including_roles}
    return not wanted or any(
        d.name in step.including_users or d.roles & set(step.including_roles) for d in decisions
    )


def step_of(spec: StepSpec, people: list[Person], excluded: tuple[str, ...]) -> Step:
    """The step with the people found when the approval opens."""
    bare = Step(**{**vars(spec), "only": (), "eligible": ()})
    return replace(bare, eligible=tuple(p for p in people if bare.admits(p) and p.id not in excluded))


people = st.dictionaries(
    st.sampled_from(sorted(IDS)), st.lists(st.sampled_from(ROLES), max_size=2).map(frozenset), max_size=8
)
pairs = st.tuples(st.sampled_from(sorted(IDS)), st.sampled_from(sorted(IDS)))


@st.composite
def offices(draw: st.DrawFn) -> Office:
    """A requirement, people with roles, deputies: chains, the requester, oneself, the service user."""
    roles = draw(people)
    excluded = tuple(draw(st.lists(st.sampled_from(sorted(IDS.values())), max_size=2)))
    known = [Person(IDS[name], name, held) for name, held in roles.items()]
    listed = draw(several_steps())
    requirement = Requirement(
        "f",
        1,
        1,
        tuple(step_of(spec, known, excluded) for spec in listed),
        excluded,
        counts_twice=draw(st.booleans()),
    )
    return Office(requirement, roles, draw(st.frozensets(pairs, max_size=4)))


tries = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(sorted(IDS)), st.sampled_from(["approve"] * 7 + ["reject"])),
        st.tuples(st.just("clock"), st.sampled_from([-48, -5, -1, 1, 5, 12, 30])),
    ),
    max_size=25,
)


@pytest.mark.req("R36", "R39")
@given(offices(), tries)
def test_what_is_approved_rests_on_enough_distinct_people_who_may_decide(
    office: Office, attempts: list[tuple[str, str | int]]
) -> None:
    for who, what in attempts:
        if isinstance(what, int):
            office.now += timedelta(hours=what)
        elif office.decide(who, Verdict(what)) and is_past(office.expires_at, office.now):
            raise AssertionError("decided after it expired")

    requirement, decisions = office.requirement, office.decisions
    counted = [d for d in decisions if d.verdict is Verdict.APPROVE]
    progress = evaluate(requirement, decisions)
    used = [person for d in decisions for person in d.people]
    assert not set(used) & set(requirement.excluded)
    assert not progress.approved or len(counted) == len(decisions)
    if progress.approved:
        for index, step in enumerate(requirement.steps):
            on_step = [d for d in counted if d.step == index]
            assert len({d.actor_id for d in on_step}) == len({d.place for d in on_step}) >= step.needed
            assert has_member(step, on_step)
    if not requirement.counts_twice:
        assert len(used) == len(set(used))


@pytest.mark.req("R36")
@given(offices(), tries)
def test_the_order_in_which_people_decided_does_not_change_what_comes_out(
    office: Office, attempts: list[tuple[str, str | int]]
) -> None:
    for who, what in attempts:
        if isinstance(what, str):
            office.decide(who, Verdict(what))
    result = evaluate(office.requirement, office.decisions)

    for order in list(permutations(office.decisions[:4]))[:24]:
        assert evaluate(office.requirement, [*office.decisions[4:], *order]) == result


@pytest.mark.req("R36")
@given(offices(), tries)
def test_people_who_may_not_approve_never_bring_about_an_approval(
    office: Office, attempts: list[tuple[str, str | int]]
) -> None:
    """Everybody who is named, who holds a role, or who is somebody's deputy keeps still."""
    named = {
        name
        for step in office.requirement.steps
        for name in (*step.users, *step.escalate_users, *(p.name for p in step.eligible))
    }
    for who, what in attempts:
        if isinstance(what, int):
            office.now += timedelta(hours=what)
        elif who not in named and not office.roles.get(who) and who not in dict(office.deputies):
            assert not office.decide(who, Verdict(what))

    assert office.decisions == []
    assert not evaluate(office.requirement, office.decisions).approved


@pytest.mark.req("R36")
@given(offices(), st.permutations(sorted(IDS)))
def test_the_same_people_in_any_legal_order_approve_a_single_step_alike(
    office: Office, order: list[str]
) -> None:
    """Without deputies and with one step, who comes first changes nothing."""
    requirement = replace(office.requirement, steps=office.requirement.steps[:1])

    def outcome(people_in_order: list[str]) -> bool:
        fresh = replace(office, requirement=requirement, deputies=frozenset(), decisions=[])
        for name in people_in_order:
            fresh.decide(name, Verdict.APPROVE)
        return evaluate(requirement, fresh.decisions).approved

    assert outcome(order) == outcome(sorted(order)) == outcome(order[::-1])


def small_office(*deputies: tuple[str, str], excluded: tuple[str, ...] = (), quorum: int = 1) -> Office:
    """One step for role op, held by ann and bob; cat, dan and eve have no role."""
    roles = {"ann": frozenset({"op"}), "bob": frozenset({"op"})}
    spec = StepSpec("n", roles=("op",), rule=StepRule.QUORUM, quorum=quorum)
    found = [Person(IDS[name], name, held) for name, held in roles.items()]
    ids = tuple(IDS[name] for name in excluded)
    return Office(Requirement("f", 1, 1, (step_of(spec, found, ids),), ids), roles, frozenset(deputies))


@pytest.mark.req("R39")
@pytest.mark.parametrize(
    ("deputies", "excluded", "who", "is_let"),
    [
        ([("cat", "ann")], (), "cat", True),
        ([("cat", "ann")], ("ann",), "cat", False),  # of who requested
        ([("cat", "ann")], ("cat",), "cat", False),  # the requester is the deputy
        ([("bob", "ann")], ("bob",), "bob", False),
        ([("dan", "cat"), ("cat", "ann")], (), "dan", False),  # no chains
        ([("ann", "cat")], (), "cat", False),  # it goes one way
        ([("robot", "ann")], (), "robot", False),
        ([("cat", "ann"), ("cat", "bob")], ("ann",), "cat", True),  # in bob's place
    ],
)
def test_a_deputy_takes_the_place_of_who_may_decide_and_of_nobody_else(
    deputies: list[tuple[str, str]], excluded: tuple[str, ...], who: str, is_let: bool
) -> None:
    assert small_office(*deputies, excluded=excluded).decide(who, Verdict.APPROVE) is is_let


@pytest.mark.req("R39")
def test_several_deputies_of_one_person_are_one_person() -> None:
    office = small_office(("cat", "ann"), ("dan", "ann"), ("eve", "ann"), quorum=2)

    assert [office.decide(name, Verdict.APPROVE) for name in ("cat", "dan", "eve", "ann")] == [
        True,
        False,
        False,
        False,
    ]
    assert not evaluate(office.requirement, office.decisions).approved


@pytest.mark.req("R39")
def test_a_deputy_of_two_people_counts_once() -> None:
    office = small_office(("cat", "ann"), ("cat", "bob"), quorum=2)

    assert [office.decide("cat", Verdict.APPROVE) for _ in range(2)] == [True, False]
