"""What ``airflow release mirror`` does: a bare clone, another repository, or the mirror itself, now."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.domain.git_access import GitAccess
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.domain.release.mirror import PushPlan
from airflow_release_plugin.domain.text.phrasing import clauses
from airflow_release_plugin.exceptions import ConflictError, MirrorMovedError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.services.mirror import pushing, standing
from airflow_release_plugin.services.mirror.pushing import Push
from airflow_release_plugin.services.mirror.standing import PushOutcome
from airflow_release_plugin.services.runtime import access
from airflow_release_plugin.services.runtime.background import Work
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.store.bare_repository import create_repository
from airflow_release_plugin.store.mirror_addresses import folder_of

_MOST_NAMED = 3


@dataclass(frozen=True)
class Copied:
    """Numbers of branches and tags that were pushed, and of all there are."""

    pushed: int
    total: int


def copy_to(
    address: str, *, actor: Actor, conn_id: str = "", force: bool = False, work: Work = unit_of_work
) -> Copied:
    """
    Bring a repository up to date that is not the configured mirror; a folder is made if it is not there.

    :param conn_id: connection that lets us in
    :param force: overwrite what somebody else moved there
    :raises MirrorMovedError: somebody else moved something there; nothing was pushed
    :raises MirrorUnavailableError: it cannot be pushed to
    """
    with work() as (ctx, _):
        access.require_admin(ctx, actor, Message("copy the store"))
        environment, refs = ctx.settings.environment, pushing.refs_of(ctx)
        git_access = ctx.airflow.connections.git_access(conn_id) if conn_id else GitAccess()
    folder = folder_of(address)
    if folder is not None and (not folder.exists() or not any(folder.iterdir())):
        create_repository(folder, branch=environment)
    plan = pushing.push_to_mirror(
        Push(address, git_access, refs, pushed={}, overwrite=None if force else {}), work
    )
    _require_ours(plan)
    return Copied(len(plan.updates), len(refs))


def push_now(*, actor: Actor, force: bool = False, work: Work = unit_of_work) -> PushOutcome:
    """
    Push to the configured mirror now.

    :param force: overwrite what somebody else moved there, as it is found
    :raises ConflictError: there is no mirror, or a server pushes at this moment
    :raises MirrorMovedError: somebody else moved something there; nothing was pushed
    """
    with work() as (ctx, _):
        access.require_admin(ctx, actor, Message("push to the mirror"))
        if not standing.is_configured(ctx):
            raise ConflictError(
                "There is no mirror: set [release] mirror_url, or name a folder or an address."
            )
    outcome = _pushed(work)
    if force and outcome.plan is not None and outcome.plan.moved:
        with work() as (ctx, _):
            standing.overwrite(ctx, actor=actor, name=ctx.settings.environment)
        outcome = _pushed(work)
    if outcome.plan is not None:
        _require_ours(outcome.plan)
    return outcome


def _pushed(work: Work) -> PushOutcome:
    outcome = pushing.run_once(work=work, is_asked=True)
    if outcome is None:
        raise ConflictError(
            "An API server looks after the mirror at this moment; see the page of the "
            "environment, or try again in two minutes."
        )
    return outcome


def _require_ours(plan: PushPlan) -> None:
    if plan.moved:
        raise MirrorMovedError(
            "Somebody else moved this mirror, or the database was restored from a backup: "
            "%(moved)s. Nothing was pushed. Look at what is there; then put it back "
            "there by hand, or overwrite it with --force.",
            moved=clauses(plan.moved, _MOST_NAMED),
            refs=[each.to_dict() for each in plan.moved[:20]],
        )
