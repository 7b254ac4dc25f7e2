"""
What notifiers have to tell, put into the outbox in the transaction of what it is about.

Nothing is sent here, and nothing here may stand in the way of a release: see ``notices``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_release_plugin.airflow_internals.notifiers import check_notifier
from airflow_release_plugin.domain.flow.approval import Verdict
from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.notice import concerned
from airflow_release_plugin.domain.flow.notification import FLOW_EVENTS, NotificationEvent
from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.domain.states import GateState, ReleaseState
from airflow_release_plugin.domain.text.field_errors import Problem, refusal
from airflow_release_plugin.domain.text.phrasing import linked
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.messages import Message, shortened
from airflow_release_plugin.models import Approval, Comment, Decision, Emergency, Gate, Release
from airflow_release_plugin.repositories import approvals as approval_queries
from airflow_release_plugin.repositories import flows as flow_queries
from airflow_release_plugin.repositories import notices as notice_queries
from airflow_release_plugin.repositories import notifications as outbox_queries
from airflow_release_plugin.repositories import releases as release_queries
from airflow_release_plugin.services.approvals import flows
from airflow_release_plugin.services.notices import messages, telling
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions import risk

MOST_TOLD = 100
"""People who are told of one thing in person; where a role with more is asked, all find it in their inbox."""
_LONGEST_TEXT = 500
_MOVES = {
    ReleaseState.RELEASED: NotificationEvent.RELEASED,
    ReleaseState.EXPIRED: NotificationEvent.EXPIRED,
    ReleaseState.FAILED: NotificationEvent.FAILED,
    ReleaseState.ERRORED: NotificationEvent.FAILED,
    ReleaseState.STALE: NotificationEvent.FAILED,
    ReleaseState.ROLLED_BACK: NotificationEvent.ROLLED_BACK,
}
_VERDICTS = {Verdict.APPROVE.value: Message("approve"), Verdict.REJECT.value: Message("reject")}
_ENDS = {
    ReleaseState.FAILED.value: Message("failed"),
    ReleaseState.ERRORED.value: Message("errored"),
    ReleaseState.STALE.value: Message("stale"),
}


def require_notifiers(spec: FlowSpec) -> None:
    """Raise ``InvalidRequestError`` unless every notifier of the flow can be used here."""
    problems = []
    for number, notifier in enumerate(spec.notifiers, start=1):
        try:
            check_notifier(notifier["notifier"], notifier.get("kwargs", {}))
        except InvalidRequestError as error:
            text = Message("Notifier %(number)s: %(problem)s", number=number, problem=error)
            problems.append(Problem("notifiers", text))
    if problems:
        raise refusal(problems)


def requested(ctx: Context, approval: Approval) -> None:
    """People were asked to decide."""
    _tell_of_approval(ctx, approval, NotificationEvent.REQUESTED)


def reminded(ctx: Context, approval: Approval) -> None:
    """Most of the window is over."""
    _tell_of_approval(ctx, approval, NotificationEvent.REMINDED)


def decided(ctx: Context, approval: Approval) -> None:
    """Somebody decided: the last of the approval's decisions."""
    decision = approval.decisions[-1]
    _tell_of_approval(
        ctx,
        approval,
        NotificationEvent.DECIDED,
        decision=decision,
        actor=decision.actor_name,
        verdict=decision.verdict.value,
        reason=decision.comment,
    )


def release_moved(ctx: Context, release: Release) -> None:
    """A release came to a state that people want to hear of."""
    event = _MOVES.get(release.state)
    if event is None:
        return
    approval = approval_queries.latest_approval(ctx.session, "release", release.id)
    flow = approval.flow_json if approval is not None else _present_flow(ctx, release)
    facts = {"state": release.state.value, "reason": release.state_reason}
    _tell(ctx, event, flow, release, approval, facts)


def mentioned(
    ctx: Context, release: Release, people: Sequence[Person], comment: Comment, about: str, *, actor: Actor
) -> None:
    """
    Somebody named people in a comment.

    :param people: those who may see it
    :param about: what it says, or which line it is about: code stays where it is
    """
    approval = approval_queries.latest_approval(ctx.session, "release", release.id)
    flow = approval.flow_json if approval is not None else _present_flow(ctx, release)
    facts = {
        "actor": actor.name,
        "reason": about,
        "state": release.state.value,
        "comment_id": comment.id,
    }
    _tell(ctx, NotificationEvent.MENTIONED, flow, release, approval, facts, addressees=people)


def forget_words(ctx: Context, comment: Comment) -> None:
    """Take the words of a comment out of what people were told, and out of what still waits to be sent."""
    gone = Message("The comment was deleted.")
    notice_queries.replace_words(ctx.session, comment.id, gone)
    outbox_queries.replace_words(ctx.session, comment.id, gone)


def glass_asked(
    ctx: Context, release: Release, approval: Approval, emergency: Emergency, people: Sequence[Person]
) -> None:
    """Somebody wants to break the glass; ``people`` could be the second one."""
    facts = {"actor": emergency.asked_by_name, "reason": emergency.reason, "state": release.state.value}
    event = NotificationEvent.GLASS_ASKED
    _tell(ctx, event, approval.flow_json, release, approval, facts, addressees=people)


def glass_broken(
    ctx: Context, release: Release, approval: Approval, emergency: Emergency, people: Sequence[Person]
) -> None:
    """The glass was broken; ``people`` could review that."""
    names = [emergency.asked_by_name, emergency.confirmed_by_name or ""]
    facts = {
        "actor": linked(filter(None, names)),
        "reason": emergency.reason,
        "state": release.state.value,
    }
    event = NotificationEvent.GLASS_BROKEN
    _tell(ctx, event, approval.flow_json, release, approval, facts, addressees=people)


def gate_expired(ctx: Context, gate: Gate) -> None:
    """Nobody signed a gate off in time."""
    approval = approval_queries.latest_approval(ctx.session, "gate", gate.id)
    if approval is not None:
        facts = {"state": GateState.EXPIRED.value}
        _tell(ctx, NotificationEvent.EXPIRED, approval.flow_json, gate, approval, facts)


def _present_flow(ctx: Context, release: Release) -> Mapping[str, Any]:
    """The flow that would apply to a release that failed before anybody was asked."""
    if not any(row.spec_json.get("notifiers") for row in flow_queries.flows(ctx.session)):
        return {}
    try:
        facts = risk.facts_of(ctx, release)
        trial, _, _ = flows.try_flows(ctx, kind=release.kind, facts=facts, at_least=release.at_least_level)
    except ReleaseError:
        # Whatever cannot be read now must not hide how the release ended.
        return {}
    return flow_to_dict(trial.flow)


def _tell_of_approval(
    ctx: Context,
    approval: Approval,
    event: NotificationEvent,
    *,
    decision: Decision | None = None,
    **facts: str,
) -> None:
    subject: Release | Gate | None
    if approval.subject_type == "release":
        subject = release_queries.release(ctx.session, approval.subject_id)
    else:
        subject = approval_queries.gate(ctx.session, approval.subject_id)
    if subject is not None:
        facts = {"state": approval.state.value, **facts}
        _tell(ctx, event, approval.flow_json, subject, approval, facts, decision=decision)


def _tell(
    ctx: Context,
    event: NotificationEvent,
    flow: Mapping[str, Any],
    subject: Release | Gate,
    approval: Approval | None,
    facts: Mapping[str, Any],
    *,
    decision: Decision | None = None,
    addressees: Sequence[Person] = (),
) -> None:
    """Put one row for each notifier that wants the event into the outbox, and tell whom it concerns."""
    is_mention = event is NotificationEvent.MENTIONED
    mentioned = [person.name for person in addressees if is_mention]
    notice = _notice(ctx, event, subject, approval, facts, mentioned)
    subject_type = "release" if isinstance(subject, Release) else "gate"
    everywhere = messages.configured(ctx, "release_notifiers", FLOW_EVENTS)
    messages.put(
        ctx,
        [*flow.get("notifiers", ()), *everywhere],
        event,
        subject_type=subject_type,
        subject_id=subject.id,
        notice=notice,
    )
    people = addressees or concerned(
        event,
        requester=subject.requested_by,
        asked=_asked(subject, approval),
        decided=[each.actor_id for each in approval.decisions] if approval is not None else (),
        actor=decision.actor_id if decision is not None else "",
    )
    if len(people) <= MOST_TOLD:
        telling.tell(ctx, people, event, subject_type=subject_type, subject_id=subject.id, facts=notice)


def _asked(subject: Release | Gate, approval: Approval | None) -> list[Person]:
    """Those who are to decide: the reviewers of a release; for a gate everybody who may."""
    if isinstance(subject, Release):
        return [Person(each["id"], each["name"]) for each in subject.reviewers]
    steps = approval.requirement.steps if approval is not None else ()
    return [person for step in steps for person in step.eligible]


def _notice(
    ctx: Context,
    event: NotificationEvent,
    subject: Release | Gate,
    approval: Approval | None,
    facts: Mapping[str, Any],
    mentioned: Sequence[str],
) -> dict[str, Any]:
    """What templates can use: facts that everybody who sees the page sees, and no code."""
    about = _about_release(subject) if isinstance(subject, Release) else _about_gate(subject, approval)
    requirement = approval.requirement if approval is not None else None
    notice: dict[str, Any] = {
        "event": event.value,
        "state": facts.get("state", ""),
        "reason": shortened(facts.get("reason", ""), _LONGEST_TEXT),
        "actor": facts.get("actor", ""),
        "verdict": facts.get("verdict", ""),
        "mentioned": list(mentioned),
        "comment_id": facts.get("comment_id"),
        "requester": subject.requested_by_name,
        "flow": requirement.flow if requirement else "",
        "level": requirement.level if requirement else None,
        "expires_at": approval.expires_at.isoformat(timespec="seconds") if approval else None,
        **about,
        "url": f"{ctx.settings.base_url}{about['url']}",
    }
    return {**notice, "summary": _summary(event, notice)}


def _summary(event: NotificationEvent, notice: Mapping[str, Any]) -> str:
    name, actor, environment = _name(notice), notice["actor"], notice["environment"]
    state, verdict = notice["state"], notice["verdict"]
    sentences = {
        NotificationEvent.REQUESTED: Message("%(name)s awaits approval", name=name),
        NotificationEvent.REMINDED: Message(
            "%(name)s still awaits approval and is about to expire", name=name
        ),
        NotificationEvent.DECIDED: Message(
            "%(name)s: %(actor)s decided: %(verdict)s",
            name=name,
            actor=actor,
            verdict=_VERDICTS.get(verdict, verdict),
        ),
        NotificationEvent.EXPIRED: Message("%(name)s has expired", name=name),
        NotificationEvent.RELEASED: Message(
            "%(name)s is released to %(environment)s", name=name, environment=environment
        ),
        NotificationEvent.FAILED: Message("%(name)s is %(state)s", name=name, state=_ENDS.get(state, state)),
        NotificationEvent.ROLLED_BACK: Message(
            "%(name)s was rolled back: it is out of %(environment)s", name=name, environment=environment
        ),
        NotificationEvent.MENTIONED: Message(
            "%(name)s: %(actor)s wrote to %(people)s", name=name, actor=actor, people=notice["mentioned"]
        ),
        NotificationEvent.GLASS_ASKED: Message(
            "%(name)s: %(actor)s wants to break the glass and asks for a second person",
            name=name,
            actor=actor,
        ),
        NotificationEvent.GLASS_BROKEN: Message(
            "%(name)s: its glass was broken by %(actor)s; that waits for a review", name=name, actor=actor
        ),
    }
    return sentences[event]


def _name(notice: Mapping[str, Any]) -> str:
    number, title = notice["number"], notice["title"]
    return Message("%(number)s %(title)s", number=number, title=title) if title else number


def _one_line(title: str) -> str:
    """A title as the subject of a mail can hold it: what follows a line end there is another header."""
    return " ".join(title.split())


def _about_release(release: Release) -> dict[str, Any]:
    return {
        "kind": release.kind.value,
        "number": release.number,
        "title": _one_line(release.title),
        "url": f"/release/ui/releases/{release.id}",
        "environment": release.environment,
        "dag_ids": release.dag_ids,
        "reviewers": [person["name"] for person in release.reviewers],
        "gate": None,
    }


def _about_gate(gate: Gate, approval: Approval | None) -> dict[str, Any]:
    steps = approval.requirement.steps if approval is not None else ()
    return {
        "kind": "gate",
        "number": Message("Gate %(number)s", number=gate.id),
        "title": _one_line(gate.title),
        "url": f"/release/ui/approvals/gates/{gate.id}",
        "environment": gate.bundle_name or "",
        "dag_ids": [gate.dag_id],
        "reviewers": sorted({person.name for step in steps for person in step.eligible}),
        "gate": {
            "message": gate.message[:_LONGEST_TEXT],
            "dag_id": gate.dag_id,
            "run_id": gate.run_id,
            "task_id": gate.task_id,
            "map_index": gate.map_index,
            "try_number": gate.try_number,
        },
    }
