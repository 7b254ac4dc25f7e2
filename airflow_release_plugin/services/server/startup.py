"""When an API server starts: see that it can work, and look after what goes on beside requests."""

from __future__ import annotations

import logging
from threading import Event

from airflow_release_plugin import config
from airflow_release_plugin.exceptions import ReleaseError
from airflow_release_plugin.services.drift import watch as drift_watch
from airflow_release_plugin.services.exports import job as export_job
from airflow_release_plugin.services.imports import cleanup
from airflow_release_plugin.services.imports import job as import_job
from airflow_release_plugin.services.mirror import pushing
from airflow_release_plugin.services.notifications import delivery
from airflow_release_plugin.services.recovery import lost_work
from airflow_release_plugin.services.retention import rounds
from airflow_release_plugin.services.runtime import background
from airflow_release_plugin.services.runtime.background import PeriodicTask
from airflow_release_plugin.services.runtime.unit_of_work import unit_of_work
from airflow_release_plugin.services.server import gauges
from airflow_release_plugin.version_compat import TESTED_VERSIONS, untested_version

_TRANSFER_PAUSE = 2.0
"""Seconds: somebody looks at the page and waits."""

_SWEEP_PAUSE = 60.0

log = logging.getLogger(__name__)


def begin(stop: Event) -> None:
    """Look after what goes on beside requests until ``stop`` is set, and see that this server can work."""
    background.start(periodic_tasks(), stop)
    prepare()


def periodic_tasks() -> tuple[PeriodicTask, ...]:
    """What this server looks after while it runs."""
    watch, clean = config.drift_interval(), config.retention.clean_interval()
    return (
        PeriodicTask("notifications", lambda stop: delivery.run_once(stop=stop), config.notify_interval()),
        PeriodicTask("drift", lambda stop: drift_watch.run_once(interval=watch, stop=stop), watch),
        PeriodicTask("exports", lambda stop: export_job.run_once(stop=stop), _TRANSFER_PAUSE),
        PeriodicTask("imports", lambda stop: import_job.run_once(stop=stop), _TRANSFER_PAUSE),
        PeriodicTask("lost work", lambda stop: lost_work.run_once(stop=stop), lost_work.PAUSE),
        PeriodicTask("the mirror", lambda _: pushing.run_once(), pushing.PAUSE),
        PeriodicTask("uploads", lambda _: cleanup.run_once(), _SWEEP_PAUSE),
        PeriodicTask(
            "retention", lambda stop: rounds.run_once(interval=clean, stop=stop), rounds.pause(clean)
        ),
        PeriodicTask("gauges", lambda _: gauges.run_once(), gauges.PAUSE),
    )


def prepare() -> None:
    """Say in the log what is in the way of working; problems are only logged."""
    try:
        if version := untested_version():
            log.warning(
                "Airflow %s was not tested with this version of Airflow Release; tested are %s. It may work; "
                "health says so too",
                version,
                " and ".join(TESTED_VERSIONS),
            )
        with unit_of_work() as (ctx, _):
            for name in ctx.settings.problems():
                log.error("[release] %s has an unknown value; see the reference of settings", name)
    except ReleaseError as error:
        reason = f" ({error.__cause__})" if error.__cause__ else ""
        log.error("Airflow Release is not ready: %s%s", error.message, reason)  # noqa: TRY400 (says it all)
    except Exception:
        log.exception("Airflow Release is not ready")
