"""What every command does: quiet logs, rows in the asked format, errors as one line and exit code 1."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from functools import wraps
from typing import TYPE_CHECKING, Any

from airflow.cli.simple_table import AirflowConsole
from airflow.utils.cli import action_cli, suppress_logs_and_warning
from airflow.utils.platform import getuser
from airflow.utils.providers_configuration_loader import providers_configuration_loaded

from airflow_release_plugin.domain.identity import Actor, ActorKind
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.models.release import release_id_of

if TYPE_CHECKING:
    from argparse import Namespace

Row = dict[str, Any]


def command(function: Callable[[Namespace], list[Row] | None]) -> Callable[[Namespace], None]:
    """Make a command of a function that returns the rows to print, or ``None`` if it has printed itself."""
    quiet: Callable[[Namespace], None] = suppress_logs_and_warning(_printing(function))
    return quiet


def deed(function: Callable[[Namespace], list[Row] | None]) -> Callable[[Namespace], None]:
    """The same for a command that changes something: Airflow's own log tells who called it."""
    quiet: Callable[[Namespace], None] = suppress_logs_and_warning(action_cli(_printing(function)))
    return quiet


def _printing(function: Callable[[Namespace], list[Row] | None]) -> Callable[[Namespace], None]:
    @wraps(function)
    def run(args: Namespace) -> None:
        try:
            rows = function(args)
        except ReleaseError as error:
            raise SystemExit(error.message) from error
        if rows is not None:
            AirflowConsole().print_as(data=rows, output=args.output)

    loaded: Callable[[Namespace], None] = providers_configuration_loaded(run)
    return loaded


def operator() -> Actor:
    """Who sits at this computer, for the audit trail: whoever may run commands here may do what they do."""
    name = getuser()
    return Actor(id=f"cli:{name}", name=f"{name} (command line)", kind=ActorKind.SYSTEM)


def moment(text: str) -> datetime:
    """A time that somebody typed, in UTC unless it says otherwise. Raises ``InvalidRequestError``."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequestError(
            "%(text)r is no time; write 2027-01-31 or 2027-01-31T18:00:00+01:00.", text=text
        ) from error
    return found.replace(tzinfo=found.tzinfo or timezone.utc).astimezone(timezone.utc)


def release_id(text: str) -> int:
    """Id of the release that somebody named. Raises ``InvalidRequestError``."""
    found = release_id_of(text)
    if found is None:
        raise InvalidRequestError(
            "%(text)r is neither a number (R-000007) nor an id of a release.", text=text
        )
    return found


def fail(args: Namespace, rows: list[Row]) -> None:
    """Print rows that tell of a failure and end with exit code 1."""
    AirflowConsole().print_as(data=rows, output=args.output)
    raise SystemExit(1)
