"""
What each problem of health means and what to do, in words for people.

Everybody may read them, logged in or not: no names of hosts, paths or people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_release_plugin.messages import Message

DATABASE = "database"
"""It does not answer."""
DRIFT = "drift"
"""Something runs that nobody approved, or the reverse. The product works all the same."""
KEYLESS = "signing key"
"""The environment's commits are signed, and this server has not the key: it can promote nothing."""
UNTESTED = "airflow version not tested"
"""This Airflow is none that the product was tested on. It may work."""
MIRROR_BEHIND = "mirror behind"
"""The git mirror cannot be pushed to, or nobody does."""
MIRROR_MOVED = "mirror moved by somebody else"
"""Nothing is pushed there until an admin says what counts."""
SILENT = "machines not heard from"
"""A machine is at work and does not ask any more: it serves what it has. The product works elsewhere."""
SETTING = "setting "
"""How the name of a setting that makes no sense begins."""


@dataclass(frozen=True)
class HealthReason:
    """
    One problem in words.

    :param problem: its name, for programs
    """

    problem: str
    reason: str
    next_step: str


_REASONS = (
    HealthReason(
        DATABASE,
        Message("The metadata database does not answer; nothing works."),
        Message("See that it runs, and look into the log of the API server."),
    ),
    HealthReason(
        DRIFT,
        Message("Something runs that nobody approved, or what was approved does not run."),
        Message("The page Environment says what and where: repair it, or adopt the change by a release."),
    ),
    HealthReason(
        KEYLESS,
        Message("Commits of the environment are signed, and this server has no key that can be relied on."),
        Message(
            "Give it the same [release] keys_path as the other API servers; nothing is promoted until then."
        ),
    ),
    HealthReason(
        UNTESTED,
        Message("Airflow Release was not tested with this version of Airflow. It may work."),
        Message("Upgrade Airflow Release, or go back to a version of Airflow that its README names."),
    ),
    HealthReason(
        MIRROR_BEHIND,
        Message("The git mirror lacks what was promoted: it cannot be pushed to, or nobody does."),
        Message("The page Environment says why, to release admins; it is tried again by itself."),
    ),
    HealthReason(
        MIRROR_MOVED,
        Message("Somebody else moved a branch or tag of the git mirror; nothing is pushed there any more."),
        Message("The page Environment says what; a release admin overwrites it there, or it is put back."),
    ),
    HealthReason(
        SILENT,
        Message("A machine is at work and does not ask for versions any more: it serves what it has."),
        Message('Log in to see which, or run "airflow release health"; its own log says why.'),
    ),
)
_BY_PROBLEM = {each.problem: each for each in _REASONS}


def reasons_of(problems: Iterable[str]) -> tuple[HealthReason, ...]:
    """Each problem in words."""
    return tuple(_reason_of(problem) for problem in problems)


def _reason_of(problem: str) -> HealthReason:
    if (known := _BY_PROBLEM.get(problem)) is not None:
        return known
    if problem.startswith(SETTING):
        name = problem.removeprefix(SETTING)
        return HealthReason(
            problem,
            Message("[release] %(name)s has a value that makes no sense.", name=name),
            Message("Set it as the reference of settings says, which has what counts until then."),
        )
    # A database that cannot hold our tables says itself what to do.
    return HealthReason(problem, problem, Message("The log of the API server says more."))
