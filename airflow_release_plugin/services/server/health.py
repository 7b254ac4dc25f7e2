"""Whether the database answers, and the settings make sense."""

from __future__ import annotations

import logging

from airflow_release_plugin.domain.release.mirror import MirrorState
from airflow_release_plugin.exceptions import DatabaseUnsupportedError, UnavailableError
from airflow_release_plugin.services.drift import drift
from airflow_release_plugin.services.mirror import standing
from airflow_release_plugin.services.promotion import signing
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.version_compat import untested_version

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
HARMLESS = frozenset({DRIFT, UNTESTED, MIRROR_BEHIND, MIRROR_MOVED})
"""With nothing but these, the product works."""

log = logging.getLogger(__name__)


def problems() -> list[str]:
    """What does not answer, is set to nonsense, or drifted; details are in the log and in the trail."""
    try:
        with unit_of_work() as (ctx, _):
            drifted = [DRIFT] if drift.is_alarmed(ctx, ctx.settings.environment) else []
            untested = [UNTESTED] if untested_version() else []
            keyless = [KEYLESS] if ctx.settings.has_target and signing.is_key_missing(ctx) else []
            mirror = standing.alarm(ctx)
            mirrored = [MIRROR_MOVED if mirror is MirrorState.MOVED else MIRROR_BEHIND] if mirror else []
            found = [*keyless, *drifted, *mirrored, *untested]
            return [*(f"setting {name}" for name in ctx.settings.problems()), *found]
    except DatabaseUnsupportedError as error:
        log.error("%s", error.message)  # noqa: TRY400 (says it all)
        return [error.message]
    except UnavailableError:
        log.exception("The database does not answer")
        return ["database"]
