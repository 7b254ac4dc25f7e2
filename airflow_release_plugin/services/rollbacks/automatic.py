"""
When a release turns out bad after its promotion: out of the target again, without waiting for anybody.

The rollback is a release of its own by the system, exempt from approval with the reason. It is made and
promoted in one transaction, which may be repeated after a crash at any point: the release that failed is the
marker, since it leaves ``released`` in that transaction.
"""

from __future__ import annotations

from http import HTTPStatus

from airflow_release_plugin.domain.identity import SYSTEM
from airflow_release_plugin.domain.kinds import ReleaseKind
from airflow_release_plugin.domain.release.request import ReleaseRequest
from airflow_release_plugin.domain.release.rollback_scope import UndoRelease
from airflow_release_plugin.domain.states import ReleaseState
from airflow_release_plugin.domain.text.phrasing import as_sentence
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.promotion import promotions
from airflow_release_plugin.services.releases import checks, lifecycle, releases
from airflow_release_plugin.services.rollbacks import planning, rollbacks
from airflow_release_plugin.services.runtime.context import Context


def undo(ctx: Context, release_id: int, reason: str) -> Release:
    """
    Take a release out of the target, or say in its state why that has to be done by people.

    Commits what the caller has written down before that.

    :param reason: what was wrong, as a sentence
    """
    # The verdict is stored whatever becomes of the rollback. And locks are taken in the order of promotions:
    # the environment first.
    ctx.session.commit()
    name = releases.get(ctx, actor=SYSTEM, release_id=release_id).environment
    environment = promotions.lock_environment(ctx, name)
    release = releases.get_locked(ctx, actor=SYSTEM, release_id=release_id)
    if release.state is not ReleaseState.RELEASED:
        return release
    why_not = _why_not(ctx, release)
    if why_not:
        return _give_up(ctx, release, reason, why_not)
    try:
        promotions.head_of(ctx, environment)
        with ctx.session.begin_nested():
            rollback = _open(ctx, release, reason)
    except ReleaseError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return _give_up(ctx, release, reason, error.message)
    promotions.promote(ctx, actor=SYSTEM, release_id=rollback.id)
    return releases.get(ctx, actor=SYSTEM, release_id=release_id)


def _why_not(ctx: Context, release: Release) -> str:
    if release.is_automatic:
        return Message("it is a rollback itself")
    if release.kind is ReleaseKind.IMPORT and release.exempt_reason:
        return Message("it is the baseline that was adopted, and nothing was before it")
    return "" if ctx.settings.auto_rollback else Message("[release] auto_rollback is off")


def _open(ctx: Context, release: Release, reason: str) -> Release:
    """The rollback, approved because nobody has to: what it brings back was approved and served before."""
    made = planning.plan(ctx, actor=SYSTEM, scope=UndoRelease(release.id))
    rollbacks.require_whole(made)
    release_request = ReleaseRequest(
        f"Automatic rollback of {release.number}: {release.title}"[:200], description=reason
    )
    rollback = rollbacks.open_planned(
        ctx, made, release_request, actor=SYSTEM, exempt_reason=reason, by_pipeline=False
    )
    lifecycle.move(ctx, rollback, ReleaseState.AWAITING_APPROVAL, actor=SYSTEM)
    checks.grant_exempt(ctx, rollback, actor=SYSTEM)
    return rollback


def _give_up(ctx: Context, release: Release, reason: str, why: str) -> Release:
    """Failed and still in the target: somebody has to act."""
    text = Message(
        "%(reason)s STILL IN %(environment)r, not rolled back: %(why)s Roll it back on its "
        "page, or release a fix.",
        reason=reason,
        environment=release.environment,
        why=as_sentence(why),
    )
    lifecycle.move(ctx, release, ReleaseState.FAILED, actor=SYSTEM, reason=text)
    return release
