"""
When the run that works on a release is lost: decided by what Airflow says of it, never by our clock alone.

Three kinds of answers:

- *It is over.* The run was deleted, it has ended, or every task of it has, and the release is still open.
  However slow a scheduler is, nothing of that run will move the release any more.
- *It cannot go on.* The run has not ended, and Airflow cannot go on with it: its DAG is paused or unknown, no
  scheduler gives a sign, or it waits in a triggerer and none gives a sign. Somebody may be mending that, so
  it counts only once it has lasted for ``patience``. That is measured from the last time that anything
  happened in the run or in that component, as Airflow wrote it down.
- *It goes on.* Everything else, for as long as it takes: a run that is queued in an Airflow that lives may be
  behind ``max_active_runs``, a pool, or a thousand others; a task that is queued or runs is Airflow's to give
  up (``task_queued_timeout``, heartbeats), and then the run ends.

A :class:`Loss` has a ``witness``: what would differ if anything had moved. Who acts on it sees the same
witness twice, some time apart. So a wrong clock cannot make a scheduler dead that beats meanwhile, and a task
that failed has the time to say why itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.messages import Message

SCHEDULER = "scheduler"
TRIGGERER = "triggerer"
_DEFERRED = "deferred"
_MOST_NAMED = 3

Beats = Mapping[str, "datetime | None"]
"""The newest sign of life of each component; ``None`` for one that never gave any."""


@dataclass(frozen=True)
class EndedTask:
    """A task that ended otherwise than well; ``state`` as Airflow names it."""

    task_id: str
    state: str
    try_number: int

    def __str__(self) -> str:
        return Message(
            "%(task_id)r is %(state)r (try %(try_number)s)",
            task_id=self.task_id,
            state=self.state,
            try_number=self.try_number,
        )


@dataclass(frozen=True)
class PipelineRun:
    """
    What Airflow says of the run that works on a release.

    :param state: as Airflow names it; empty where there is no such run
    :param last_sign: when a scheduler last looked at it, or anything happened in it
    :param is_dag_known: ``False`` once the DAG is not served any more
    :param troubled: tasks that failed, were removed, or had to be given up because of others
    :param open_states: states of the tasks that have not ended, ``none`` for those whose turn has not come
    :param tasks: number of all tasks of the run
    """

    dag_id: str
    run_id: str
    state: str = ""
    has_ended: bool = False
    last_sign: datetime | None = None
    is_dag_known: bool = True
    is_dag_paused: bool = False
    troubled: tuple[EndedTask, ...] = ()
    open_states: frozenset[str] = frozenset()
    tasks: int = 0


class Cause(Enum):
    """How a run was lost; the value says whether it may yet go on, and is waited for."""

    DELETED = ("deleted", False)
    ENDED = ("ended", False)
    NOTHING_LEFT = ("nothing left to do", False)
    DAG_GONE = ("dag gone", True)
    DAG_PAUSED = ("dag paused", True)
    NO_SCHEDULER = ("no scheduler", True)
    NO_TRIGGERER = ("no triggerer", True)

    @property
    def may_mend(self) -> bool:
        """Whether the run would go on if somebody mended it."""
        return self.value[1]


@dataclass(frozen=True)
class Loss:
    """A lost run. ``text``: what died, for people; ``witness``: see the module."""

    cause: Cause
    text: str
    witness: str


def find_loss(run: PipelineRun, beats: Beats, *, now: datetime, patience: timedelta) -> Loss | None:
    """How the run was lost; ``None`` while it goes on, or may."""
    return _over(run) or _stuck(run, beats, now, patience)


def _over(run: PipelineRun) -> Loss | None:
    name = _name(run)
    if not run.state:
        return Loss(
            Cause.DELETED,
            Message("%(name)s, which worked on it, is not in Airflow: it was deleted.", name=name),
            "deleted",
        )
    if run.has_ended:
        text = Message(
            "%(name)s has ended, %(state)r, and left it open: %(trouble)s",
            name=name,
            state=run.state,
            trouble=_trouble(run),
        )
        return Loss(Cause.ENDED, text, f"ended {run.state} {_trouble(run)}")
    if run.tasks and not run.open_states:
        text = Message(
            "%(name)s is %(state)r, but all of its tasks have ended and left it open: %(trouble)s",
            name=name,
            state=run.state,
            trouble=_trouble(run),
        )
        return Loss(Cause.NOTHING_LEFT, text, f"nothing left {_trouble(run)}")
    return None


def _trouble(run: PipelineRun) -> str:
    if not run.troubled:
        return Message("no task failed, so its Dag lacks a task that goes on with the release.")
    tasks = [str(task) for task in run.troubled]
    return Message("task %(tasks)s. Its log in Airflow says why.", tasks=first_few(tasks, _MOST_NAMED))


def _stuck(run: PipelineRun, beats: Beats, now: datetime, patience: timedelta) -> Loss | None:
    name, sign = (
        Message("%(name)s is %(state)r and does not go on", name=_name(run), state=run.state),
        run.last_sign,
    )
    witness = f"{run.state} {sign}"
    if _is_past(sign, now, patience):
        if not run.is_dag_known:
            text = Message(
                "%(name)s: Airflow does not know that Dag any more. Look at its import errors.", name=name
            )
            return Loss(Cause.DAG_GONE, text, f"dag gone {witness}")
        if run.is_dag_paused:
            return Loss(
                Cause.DAG_PAUSED,
                Message("%(name)s: that Dag is paused. Unpause it in Airflow.", name=name),
                f"paused {witness}",
            )
    for cause, component in ((Cause.NO_SCHEDULER, SCHEDULER), (Cause.NO_TRIGGERER, TRIGGERER)):
        is_needed = component == SCHEDULER or _DEFERRED in run.open_states
        if is_needed and component in beats and _is_past(beats[component], now, patience):
            text = Message(
                "%(name)s: no %(component)s of Airflow gives a sign%(since)s. Start one.",
                name=name,
                component=component,
                since=_since(beats[component]),
            )
            return Loss(cause, text, f"no {component} {beats[component]} {run.state}")
    return None


def _is_past(moment: datetime | None, now: datetime, patience: timedelta) -> bool:
    return moment is None or now - moment > patience


def _since(moment: datetime | None) -> str:
    return Message(" since %(moment)s UTC", moment=f"{moment:%Y-%m-%d %H:%M}") if moment else ""


def _name(run: PipelineRun) -> str:
    return (
        Message("The run %(run_id)r of the Dag %(dag_id)r", run_id=run.run_id, dag_id=run.dag_id)
        if run.run_id
        else Message("A run of %(dag_id)r", dag_id=run.dag_id)
    )
