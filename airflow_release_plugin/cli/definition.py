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

from airflow_release_plugin.domain.bundle.import_mode import ImportMode
from airflow_release_plugin.domain.kinds import KINDS_THAT_ASK, ReleaseKind
from airflow_release_plugin.domain.release.risk import ChangeFact
from airflow_release_plugin.domain.states import ReleaseState

_ARG_RELEASE = Arg(("release",), help="Number (R-000007) or id of the release")
_ARG_REASON = Arg(("--reason",), help="Why; everybody who waits reads it", required=True)
_ARG_HELD_UNTIL = Arg(("--until",), help="Ends by itself then (UTC unless said)")
_ARG_EXCEPT = Arg(
    ("--except",),
    dest="excepted",
    help="Number or id of a release that may go out all the same; may be given several times",
    action="append",
    default=[],
)
_ARG_STATE = Arg(
    ("--state",), help="Only releases in this state", choices=[state.value for state in ReleaseState]
)
_ARGS_NARROW = (
    Arg(("--search",), help="Words of title or number; typing errors are forgiven"),
    Arg(("--requested-by",), help="Login name of who asked for it"),
    Arg(("--released-by",), help="Login name of who gave the last approval"),
    Arg(("--requested-after",), help="From this time on (UTC unless said)"),
    Arg(("--requested-before",), help="Before this time (UTC unless said)"),
    Arg(("--released-after",), help="Released from this time on (UTC unless said)"),
    Arg(("--released-before",), help="Released before this time (UTC unless said)"),
)
_ARG_LIMIT = Arg(("--limit",), help="Most rows (default: 50)", type=int, default=50)

_ARG_EXPORT_FILE = Arg(("--file",), help="Write to this file instead of the standard output")
_ARG_ARCHIVES = Arg(
    ("--archive",),
    dest="archives",
    help="Files of archived events that are verified as well",
    nargs="+",
    default=[],
    metavar="FILE",
)
_ARG_FLOW_FILE = Arg(("flow_file",), help="YAML file, as export writes it", metavar="FILE")
_ARG_STORE = Arg(("path",), help="Folder of the bare git repository")
_ARG_MIRROR = Arg(
    ("target",),
    help="Folder of a bare repository, made if need be, or an address (default: [release] mirror_url)",
    nargs="?",
    metavar="PATH|URL",
)
_ARG_MIRROR_CONN = Arg(("--conn-id",), help="Airflow connection of type git that lets us in", default="")
_ARG_FORCE = Arg(("--force",), help="Overwrite what somebody else moved there", action="store_true")
_ARG_DRY_RUN = Arg(("--dry-run",), help="Only say what would change", action="store_true")
_ARG_FOLDER = Arg(("folder",), help="Bundle that runs today, or the folder that it reads", nargs="?")
_ARG_VERIFY = Arg(
    ("--verify",),
    help="Compare Dags, runs, paused states and schedules with the time of the adoption",
    action="store_true",
)
_ARG_REPAIR = Arg(("--repair",), help="Put branch and served trees back", action="store_true")
_ARG_ADOPT = Arg(
    ("--adopt",),
    help="Request what was changed by hand as an import that people approve, and repair",
    action="store_true",
)
_ARG_REVIEWER = Arg(
    ("--reviewer",), help="With --adopt: who is asked; once or several times", action="append"
)
_ARG_TITLE = Arg(("--title",), help="With --adopt: title of the release", default="")
_ARG_DRY_ADOPT = Arg(("--dry-run",), help="With --adopt: only say what it would take", action="store_true")
_ARG_PRUNE = Arg(("--prune",), help="Delete flows that the file does not name", action="store_true")
_ARG_DAG = Arg(("--dag",), help="Id of the DAG in the target", required=True)
_ARG_KIND = Arg(
    ("--kind",),
    help="What is asked for (default: promotion)",
    choices=[kind.value for kind in KINDS_THAT_ASK],
    default=ReleaseKind.PROMOTION.value,
)
_ARG_CHANGE = Arg(
    ("--change",),
    help="What the change does, once or several times (default: modified)",
    choices=[fact.value for fact in ChangeFact],
    action="append",
)
_ARG_LINES = Arg(("--lines",), help="Lines that it changes (default: 0)", type=int, default=0)

_ARG_REPLACE = Arg(("--replace",), help="Give up the present signing key", action="store_true")
_ARG_NAME = Arg(("name",), help="What the other installation is called here")
_ARG_PUBLIC_KEY = Arg(("public_key",), help="Its public key, as 'keys show' prints it there")
_ARG_FROM = Arg(("--valid-from",), help="Trust it from this time on (UTC unless said; default: now)")
_ARG_UNTIL = Arg(("--valid-until",), help="Trust it until this time (default: until it is revoked)")
_ARG_KEY = Arg(("key",), help="Name of a trusted key, or the first 8 or more digits of its id")
_ARG_OPTIONAL_KEY = Arg(
    ("key",), help="Name of a trusted key, or the start of its id (default: this installation's)", nargs="?"
)


_ARG_NAMES = Arg(("names",), help="Ids of the DAGs in the target", nargs="*", metavar="NAME")
_ARG_TAG = Arg(("--tag",), help="Every DAG that has this tag")
_ARG_SINCE = Arg(("--since",), help="Only what has changed since this bundle", metavar="BUNDLE")
_ARG_UPSTREAM = Arg(("--upstream",), help="Also the DAGs that these wait for or start", action="store_true")
_ARG_FROM_SOURCE = Arg(
    ("--from-source",), help="The source as it is now, which nobody approved", action="store_true"
)
_ARG_BUNDLE_FILE = Arg(("--file",), help="Where to write the bundle (default: here, under a name of its own)")


_ARG_IMPORT_FILE = Arg(("file",), help="The bundle file", metavar="FILE")
_ARG_IMPORT_FOLDER = Arg(("--folder",), help="Where DAG files go that were never here", default="")
_ARG_MAP = Arg(
    ("--map",),
    help="What something is called here, like connection:warehouse=dwh; kinds are connection, variable, pool "
    "and queue. Once or several times; added to what is remembered of the last import from there",
    action="append",
    metavar="KIND:THERE=HERE",
)
_ARG_MODE = Arg(
    ("--mode",),
    help="submit: its versions wait in the to-be-released list (default); release: people are asked to "
    "approve them at once; record: the approvals that it carries count, where that is configured",
    choices=[mode.value for mode in ImportMode],
    default=ImportMode.SUBMIT.value,
)
_ARG_REVIEWER = Arg(("--reviewer",), help="Who is asked to approve, once or several times", action="append")
_ARG_TITLE = Arg(("--title",), help="Title of the release", default="")
_ARG_TAKE_OVER = Arg(
    ("--take-over",), help="DAGs that were made here may become those of the bundle", action="store_true"
)
_ARG_STUBS = Arg(
    ("--placeholders",),
    help="Make placeholders for missing connections, variables and pools, without secrets",
    action="store_true",
)
_ARG_CHECK_ONLY = Arg(
    ("--check-only",), help="Only say what stands in the way; exit code 1 if it blocks", action="store_true"
)


_ARG_ENVIRONMENT = Arg(("environment",), help="Name of the environment", metavar="ENV")
_ARG_ALL = Arg(("--all",), help="Every DAG that it serves", action="store_true")
_ARG_DAG_IDS = Arg(("--dag-id",), help="Only this DAG, once or several times", action="append")
_ARG_JOBS = Arg(("--jobs",), help="Processes at a time (default: one on each processor)", type=int, default=0)


def _command(name: str, function: str, summary: str, *arguments: Arg) -> ActionCommand:
    return ActionCommand(
        name=name,
        help=summary,
        func=lazy_load_command(f"airflow_release_plugin.cli.{function}"),
        args=(*arguments, ARG_OUTPUT, ARG_VERBOSE),
    )


def _flow_commands() -> GroupCommand:
    return GroupCommand(
        name="flows",
        help="Approval flows as code",
        subcommands=(
            _command("export", "flows_command.export", "Write all flows as YAML", _ARG_EXPORT_FILE),
            _command(
                "apply",
                "flows_command.apply",
                "Make the flows of a file the configured ones, all or none",
                _ARG_FLOW_FILE,
                _ARG_DRY_RUN,
                _ARG_PRUNE,
            ),
            _command(
                "simulate",
                "flows_command.simulate",
                "Say which flow would apply to a change of a DAG",
                _ARG_DAG,
                _ARG_KIND,
                _ARG_CHANGE,
                _ARG_LINES,
            ),
        ),
    )


def _key_commands() -> GroupCommand:
    return GroupCommand(
        name="keys",
        help="Keys that sign bundles and commits, and keys of other installations that are trusted here",
        subcommands=(
            _command(
                "generate",
                "keys_command.generate",
                "Make the key that signs exports and commits",
                _ARG_REPLACE,
            ),
            _command("list", "keys_command.list_keys", "List trusted keys, expired and revoked ones too"),
            _command(
                "trust",
                "keys_command.trust",
                "Accept bundles that another installation signs",
                _ARG_NAME,
                _ARG_PUBLIC_KEY,
                _ARG_FROM,
                _ARG_UNTIL,
            ),
            _command("revoke", "keys_command.revoke", "Refuse whatever a key signed, for good", _ARG_KEY),
            _command(
                "show",
                "keys_command.show",
                "Show a trusted key, or what others need to trust this installation",
                _ARG_OPTIONAL_KEY,
            ),
            _command(
                "allowed-signers",
                "keys_command.allowed_signers",
                "Print the lines with which git verifies commits of this installation",
            ),
        ),
    )


def _verify_command() -> ActionCommand:
    return _command(
        "verify",
        "verify_command.verify",
        "Compare what this machine serves with what was approved; exit code 1 if it differs",
        _ARG_REPAIR,
        _ARG_ADOPT,
        _ARG_REVIEWER,
        _ARG_TITLE,
        _ARG_DRY_ADOPT,
    )


def _prove_command() -> ActionCommand:
    return _command(
        "prove",
        "prove_command.prove",
        "Run what an environment serves, and compare; exit code 1 if Airflow serves something else",
        _ARG_ENVIRONMENT,
        _ARG_ALL,
        _ARG_DAG_IDS,
        _ARG_JOBS,
    )


def _export_command() -> ActionCommand:
    return _command(
        "export",
        "export_command.export",
        "Write DAGs, what they need and who approved them into a signed bundle file",
        _ARG_NAMES,
        _ARG_TAG,
        _ARG_SINCE,
        _ARG_UPSTREAM,
        _ARG_FROM_SOURCE,
        _ARG_BUNDLE_FILE,
    )


def _import_command() -> ActionCommand:
    return _command(
        "import",
        "import_command.import_bundle",
        "Bring a bundle file of another installation here, check it, and apply it",
        _ARG_IMPORT_FILE,
        _ARG_IMPORT_FOLDER,
        _ARG_MAP,
        _ARG_MODE,
        _ARG_REVIEWER,
        _ARG_TITLE,
        _ARG_TAKE_OVER,
        _ARG_STUBS,
        _ARG_CHECK_ONLY,
    )


def _import_store_command() -> ActionCommand:
    return _command(
        "import-store",
        "import_store_command.import_store",
        "Take in branches, tags and versions from the bare repository of an earlier version",
        _ARG_STORE,
    )


def _retry_command() -> ActionCommand:
    return _command(
        "retry",
        "retry_command.retry",
        "Start another attempt of a release that failed, errored or is stale",
        _ARG_RELEASE,
    )


def _hold_commands() -> tuple[ActionCommand, ...]:
    return (
        _command(
            "hold",
            "hold_command.hold",
            "Let nothing but rollbacks go to an environment",
            _ARG_ENVIRONMENT,
            _ARG_REASON,
            _ARG_HELD_UNTIL,
            _ARG_EXCEPT,
        ),
        _command("unhold", "hold_command.unhold", "Let releases to an environment go on", _ARG_ENVIRONMENT),
    )


def _clean_command() -> ActionCommand:
    return _command(
        "clean",
        "clean_command.clean",
        "Remove what the settings keep no longer, as an API server does once a day",
        Arg(("--dry-run",), help="Only say what would go", action="store_true"),
    )


def _mirror_command() -> ActionCommand:
    return _command(
        "mirror",
        "mirror_command.mirror",
        "Push branches and tags to a git repository, or make a bare clone",
        _ARG_MIRROR,
        _ARG_MIRROR_CONN,
        _ARG_FORCE,
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
                    "Say whether the database answers and all is as it should be; exit code 1 if not",
                ),
                _command(
                    "list",
                    "list_command.list_releases",
                    "List releases, newest first",
                    _ARG_STATE,
                    *_ARGS_NARROW,
                    _ARG_LIMIT,
                ),
                _command("show", "show_command.show", "Show one release", _ARG_RELEASE),
                _retry_command(),
                *_hold_commands(),
                _command(
                    "verify-audit",
                    "verify_audit_command.verify_audit",
                    "Recompute the audit trail's hash chain; exit code 1 where it is broken",
                    _ARG_ARCHIVES,
                ),
                _verify_command(),
                _prove_command(),
                _command(
                    "adopt",
                    "adopt_command.adopt",
                    "Make what runs today the first commit of the environment",
                    _ARG_FOLDER,
                    _ARG_DRY_RUN,
                    _ARG_VERIFY,
                ),
                _export_command(),
                _import_command(),
                _import_store_command(),
                _mirror_command(),
                _clean_command(),
                _flow_commands(),
                _key_commands(),
            ),
        )
    ]
