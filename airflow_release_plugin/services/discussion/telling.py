"""Who is told that a comment names them, and who is not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from airflow_release_plugin.domain.discussion.words import MAX_MENTIONS, NamedPeople, find_named
from airflow_release_plugin.domain.identity import Actor, Person
from airflow_release_plugin.exceptions import InvalidRequestError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Comment, DiscussionThread, Release
from airflow_release_plugin.services.approvals import notifications
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class Untold:
    """Somebody whom a comment names and whom nobody tells; ``reason`` is for the author."""

    name: str
    reason: str


@dataclass(frozen=True)
class Written:
    """
    A comment, as it was kept.

    :param told: login names of those who are notified
    """

    comment: Comment
    told: tuple[str, ...] = ()
    untold: tuple[Untold, ...] = ()


def named_in(ctx: Context, release: Release, text: str) -> NamedPeople:
    """
    Whom a text names, among everybody whom the auth manager lists and whom the release asked.

    :raises InvalidRequestError: it names too many
    """
    if "@" not in text:
        return NamedPeople()
    involved = [release.requested_by, *(Person(each["id"], each["name"]) for each in release.reviewers)]
    known = {person.name: person for person in (*involved, *ctx.airflow.access.people())}
    named = find_named(text, known)
    if len(named.people) > MAX_MENTIONS:
        raise InvalidRequestError(
            "A comment can name at most %(most)s people; this one names %(number)s.",
            most=MAX_MENTIONS,
            number=len(named.people),
        )
    return named


def tell(
    ctx: Context,
    release: Release,
    comment: Comment,
    thread: DiscussionThread | None,
    *,
    actor: Actor,
    before: Collection[Person] = (),
) -> Written:
    """
    Notify whom a comment names; never somebody who may not see it.

    :param before: whom it named before it was edited; they have been told
    """
    named = named_in(ctx, release, comment.text)
    known = {actor.id, *(person.id for person in before)}
    fresh = [person for person in named.people if person.id not in known]
    untold = [Untold(name, Message("nobody here is called so")) for name in named.unknown]
    tellable = []
    for person in fresh:
        reason = _why_not(ctx, release, person, is_code=thread is not None)
        if reason:
            untold.append(Untold(person.name, reason))
        else:
            tellable.append(person)
    about = Message("%(path)s, line %(line)s", path=thread.path, line=thread.line) if thread else comment.text
    if tellable:
        notifications.mentioned(ctx, release, tellable, comment, about, actor=actor)
    return Written(comment, tuple(person.name for person in tellable), tuple(untold))


def _why_not(ctx: Context, release: Release, person: Person, *, is_code: bool) -> str:
    if person.name in ctx.settings.service_users:
        return Message("a service user reads nothing")
    if access.sees(ctx, person, release, code=is_code):
        return ""
    return (
        Message("may not see this release")
        if not is_code
        else Message("may not see this release and its code")
    )
