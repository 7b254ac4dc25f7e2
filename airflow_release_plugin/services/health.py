"""Whether database and store answer, and the settings make sense."""

from __future__ import annotations

import logging

from airflow_release_plugin.exceptions import StoreUnavailableError, UnavailableError
from airflow_release_plugin.services.unit_of_work import unit_of_work
from airflow_release_plugin.store.base import environment_ref

log = logging.getLogger(__name__)


def problems() -> list[str]:
    """What does not answer or is set to nonsense, without details; those are in the log."""
    try:
        with unit_of_work() as (ctx, _):
            ctx.store.ref(environment_ref(ctx.settings.environment))
            return [f"setting {name}" for name in ctx.settings.problems()]
    except StoreUnavailableError:
        log.exception("The store does not answer")
        return ["store"]
    except UnavailableError:
        log.exception("The database does not answer")
        return ["database"]
