"""Whether the database answers, the settings make sense, and every machine is heard from."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from airflow_release_plugin.domain.release.machines import SilentMachine
from airflow_release_plugin.domain.release.mirror import MirrorState
from airflow_release_plugin.exceptions import DatabaseUnsupportedError, UnavailableError
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.promotion import machines, signing
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.server.health_reasons import (
    DATABASE,
    DRIFT,
    KEYLESS,
    MIRROR_BEHIND,
    MIRROR_MOVED,
    SETTING,
    SILENT,
    UNTESTED,
    HealthReason,
    reasons_of,
)
from airflow_release_plugin.version_compat import untested_version

HARMLESS = frozenset({DRIFT, UNTESTED, MIRROR_BEHIND, MIRROR_MOVED, SILENT})
"""With nothing but these, the product works."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Health:
    """
    What is wrong.

    :param problems: what does not answer, is set to nonsense, or drifted; no names of hosts or paths, since
        everybody may read them
    :param silent: the machines behind :data:`SILENT`, for those who are logged in
    """

    problems: tuple[str, ...]
    silent: tuple[SilentMachine, ...] = ()

    @property
    def reasons(self) -> tuple[HealthReason, ...]:
        """Each problem with what it means and what to do."""
        return reasons_of(self.problems)

    @property
    def status(self) -> str:
        """``healthy``; ``degraded``, if it works and should be looked at; else ``unhealthy``."""
        if not self.problems:
            return "healthy"
        return "degraded" if HARMLESS.issuperset(self.problems) else "unhealthy"


def look() -> Health:
    """Look once; a fixed number of queries. Details are in the log, in the trail and on the page."""
    try:
        with unit_of_work() as (ctx, _):
            return look_in(ctx)
    except DatabaseUnsupportedError as error:
        log.error("%s", error.message)  # noqa: TRY400 (says it all)
        return Health((error.message,))
    except UnavailableError:
        log.exception("The database does not answer")
        return Health((DATABASE,))


def look_in(ctx: Context) -> Health:
    """The same in a transaction, by somebody who knows that the database answers."""
    name = ctx.settings.environment
    silent = machines.silent(ctx, name)
    mirror = standing.alarm(ctx)
    found = {
        **{f"{SETTING}{problem}": True for problem in ctx.settings.problems()},
        KEYLESS: ctx.settings.has_target and signing.is_key_missing(ctx),
        DRIFT: drift.is_alarmed(ctx, name),
        MIRROR_MOVED: mirror is MirrorState.MOVED,
        MIRROR_BEHIND: mirror not in {None, MirrorState.MOVED},
        UNTESTED: bool(untested_version()),
        SILENT: bool(silent),
    }
    return Health(tuple(problem for problem, is_there in found.items() if is_there), silent)
