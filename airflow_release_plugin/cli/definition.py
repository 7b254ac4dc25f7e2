"""The commands of ``airflow release``; nothing is imported for them until one runs."""

from __future__ import annotations

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ActionCommand,
    Arg,
    GroupCommand,
    lazy_load_command,
)

from airflow_release_plugin.domain.states import ReleaseState

_ARG_RELEASE = Arg(("release",), help="Number (R-000007) or id of the release")
_ARG_STATE = Arg(
    ("--state",), help="Only releases in this state", choices=[state.value for state in ReleaseState]
)
_ARG_LIMIT = Arg(("--limit",), help="Most rows (default: 50)", type=int, default=50)


def _command(name: str, function: str, summary: str, *arguments: Arg) -> ActionCommand:
    return ActionCommand(
        name=name,
        help=summary,
        func=lazy_load_command(f"airflow_release_plugin.cli.{function}"),
        args=(*arguments, ARG_OUTPUT, ARG_VERBOSE),
    )


def get_release_cli_commands() -> list[GroupCommand]:
    """Return the command group, as Airflow's provider manager asks for it."""
    return [
        GroupCommand(
            name="release",
            help="Manage releases, on a server with access to the metadata database and the store",
            subcommands=(
                _command(
                    "health",
                    "health_command.health",
                    "Say whether database and store answer; exit code 1 if not",
                ),
                _command(
                    "list",
                    "list_command.list_releases",
                    "List releases, newest first",
                    _ARG_STATE,
                    _ARG_LIMIT,
                ),
                _command("show", "show_command.show", "Show one release", _ARG_RELEASE),
                _command(
                    "reconcile", "reconcile_command.reconcile", "Finish promotions that a crash interrupted"
                ),
                _command(
                    "verify-audit",
                    "verify_audit_command.verify_audit",
                    "Recompute the audit trail's hash chain; exit code 1 where it is broken",
                ),
            ),
        )
    ]
