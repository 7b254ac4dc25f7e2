"""
The options of the ``[release]`` section of ``airflow.cfg``, each declared once and read by calling it.

The reference, Airflow's own list of options and the settings of a use case are made from them. Nothing here
imports Airflow before an option is read, so every process may ask.
"""

from __future__ import annotations

from typing import Any

from airflow_release_plugin.config import retention
from airflow_release_plugin.config.setting import (
    Setting,
    choice,
    flag,
    folder,
    names,
    seconds,
    text,
    whole,
)

# What this installation is.

source_mode = choice(
    "source_mode",
    ("dev-prod", "basic"),
    "``dev-prod``: a submitted version waits in the to-be-released list until a release of it is "
    "approved. ``basic``: it goes to the target at once, after the checks, and nobody approves it. "
    "Anything else counts as ``dev-prod`` and is reported by ``health``.",
)
role = choice(
    "role",
    ("both", "source", "target"),
    "What this installation is: ``source`` (people submit and export here), ``target`` (releases are "
    "imported, promoted and rolled back here) or ``both``. Anything else is reported by ``health``, and "
    "neither part works.",
)

# Source and target.

source_bundle = text("source_bundle", "dev", "DAG bundle that people edit and submit from.")
source_dag_id_prefix = text(
    "source_dag_id_prefix",
    "dev.",
    "Prefix that DAGs of the source bundle get in this Airflow, so that the same file can live in the "
    "source and in the target at once. Empty where the source is an installation of its own.",
)
source_schedules = flag(
    "source_schedules",
    False,
    "Whether DAGs of the source bundle keep their schedule. If not, they run by hand.",
)
source_external_dag_ids = names(
    "source_external_dag_ids",
    "",
    "DAG ids, or globs of them, that DAGs of the source may refer to without the prefix, as they have no "
    "copy in the source. Separated by commas.",
    example="finance_*,master_data",
)
environment = text(
    "environment",
    "prod",
    "Name of the target environment: the branch of the store that approved releases move, and the DAG "
    "bundle that serves it.",
)
max_file_bytes = whole(
    "max_file_bytes",
    5 * 1024 * 1024,
    "Largest file of a submission, in bytes.",
)
max_unit_files = whole(
    "max_unit_files",
    2000,
    "Most files that one submission may consist of.",
)
snapshot_ignore = names(
    "snapshot_ignore",
    "node_modules,.tox,.nox,.mypy_cache,.ruff_cache,.pytest_cache,.terraform",
    "Globs of files and folders of the source that its snapshot leaves out, separated by commas: a name at "
    "any depth, or with a slash a path from the root (``data/**``). What editors and Python leave behind "
    "(``*~``, ``.DS_Store``, ``.git`` …) and virtual environments are left out anyway. A file that a unit "
    "needs is never left out.",
    example="node_modules,*.parquet,data/raw/**",
)
max_snapshot_bytes = whole(
    "max_snapshot_bytes",
    100 * 1024 * 1024,
    "Bytes that a snapshot of the source may have in all. The largest files are left out until it fits.",
)

# What tasks read.

observe_dev_runs = flag(
    "observe_dev_runs",
    True,
    "Whether tasks of dev copies tell which files of the source they read, in an XCom of their own "
    "(``airflow_release_reads``). Submitting adds these files, and a release shows which dev run tried "
    "exactly its files.",
)
source_reads = choice(
    "source_reads",
    ("warn", "fail", "off"),
    "What happens when a task of a released DAG opens a file below the folder of the source, which nobody "
    "approved: its log tells (``warn``), the task fails (``fail``), or nothing (``off``). Anything else "
    "counts as ``warn`` and is reported by ``health``.",
)

# Who may do what, and how long they have.

admin_roles = names(
    "admin_roles",
    "Admin,admin",
    "Airflow roles whose holders administer releases, separated by commas. The default names the "
    "administrators of the FAB and of the simple auth manager.",
)
flow_admin_roles = names(
    "flow_admin_roles",
    "",
    "Airflow roles whose holders configure approval flows, separated by commas: a right of its own. "
    "Empty means the roles of ``admin_roles``.",
    example="ReleaseGovernance",
    or_else=admin_roles,
)
default_flow_roles = names(
    "default_flow_roles",
    "",
    "Airflow roles whose holders approve under the built-in default flow, separated by commas. Empty "
    "means the roles of ``admin_roles``.",
    example="Op,Admin",
    or_else=admin_roles,
)
service_users = names(
    "service_users",
    "",
    "Users that pipelines log in as, separated by commas. They may execute what was approved and can "
    "never approve.",
    example="release-pipeline",
)
people_provider = text(
    "people_provider",
    "",
    "``module:callable`` that lists people, their login names and their roles, for auth managers that "
    "cannot: all but the simple and the FAB auth manager. Without it, nobody is eligible there.",
    example="my_company.airflow_people:list_people",
)
approval_hours = whole(
    "approval_hours",
    24,
    "Hours that people have to decide under the built-in default flow; then the release is expired.",
)
execution_hours = whole(
    "execution_hours",
    24,
    "Hours after the approval in which a release must be executed under the built-in default flow.",
)
break_glass_confirm_minutes = whole(
    "break_glass_confirm_minutes",
    0,
    "Minutes within which a second person must confirm that the glass is broken under the built-in default "
    "flow; 0 means that one person suffices. 30 if it makes no sense.",
    instead=30,
)

# Telling people.

notifiers = names(
    "notifiers",
    "airflow.providers.*,airflow_release_plugin.notifications.*",
    "Classpaths of Airflow notifiers that flows may use, or globs of them, separated by commas. Whoever "
    "configures flows can let a process beside the API server import and run these.",
    example="airflow.providers.smtp.*,my_company.notifiers.TeamsNotifier",
)
release_notifiers = text(
    "release_notifiers",
    "",
    "Notifiers that tell of every release and gate, whatever its flow says, as a JSON list of what flows "
    "have: ``notifier``, ``kwargs`` and ``events``.",
    example='[{"notifier": "airflow_release_plugin.notifications.webhook.WebhookNotifier", '
    '"kwargs": {"webhook_conn_id": "release_board"}, "events": ["requested", "released"]}]',
    is_secret=True,
)
personal_notifiers = text(
    "personal_notifiers",
    "",
    "Notifiers that tell one person what concerns them, in the way that each chose, as a JSON list of what "
    "flows have. Their templates find the login name as ``notice.person``. Without any, people are told "
    "on the page *Notifications* alone.",
    example='[{"notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier", '
    '"kwargs": {"to": "{{ notice.person }}@example.org", "subject": "{{ notice.summary }}", '
    '"html_content": "{{ notice.text | e }}"}}]',
    is_secret=True,
)
digest_hour = whole(
    "digest_hour",
    7,
    "Hour of the day, in UTC, at which people get what they wanted to be told together: 0 to 23.",
)
drift_interval = seconds(
    "drift_interval",
    600,
    "Seconds between two looks of this API server at whether what runs is what was approved. Every "
    "served file of its machine, the branch and the audit trail are read. 0 switches it off.",
)
drift_notifiers = text(
    "drift_notifiers",
    "",
    "Notifiers that tell of drift and of its end, as a JSON list of what flows have: ``notifier``, "
    "``kwargs``, and ``events`` out of ``drifted`` and ``drift_ended``.",
    example='[{"notifier": "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier", '
    '"kwargs": {"text": "{{ notice.summary }}"}}]',
    is_secret=True,
)
notify_interval = seconds(
    "notify_interval",
    15,
    "Seconds between two looks for notifications to send. 0 switches them off in this API server.",
)
notify_timeout = seconds(
    "notify_timeout",
    30,
    "Seconds that a notifier may take; then it is stopped and tried again later.",
)

# Checking, promoting, verifying.

pipeline_dag_id = text(
    "pipeline_dag_id",
    "release_pipeline",
    "DAG that runs each release, unless its approval flow names another.",
)
check_timeout = whole(
    "check_timeout",
    600,
    "Seconds after which the check of a release runs no further file. It is then tried again, and in the end "
    "the release is errored. Here and below, time that other processes take of the worker does not count.",
)
check_start_timeout = whole(
    "check_start_timeout",
    120,
    "Seconds in which Airflow has to be loaded for a check, before its other limits begin. Taking longer, it "
    "is tried again, and in the end the release is errored.",
)
check_file_timeout = whole(
    "check_file_timeout",
    60,
    "Seconds of processor time that one DAG file may use in a check; four times as long if it mostly waits. "
    "Taking longer, it has failed.",
)
check_memory_mb = whole(
    "check_memory_mb",
    4096,
    "MiB of memory that DAG files may use in a check, beside what Airflow takes itself.",
)
check_folders = names(
    "check_folders",
    "",
    "Folders and files of the worker that DAG files may read in a check, besides their own tree and what is "
    "installed: absolute, separated by commas. What lies in a DAG bundle is never read.",
    example="/etc/our-company,/opt/data/calendars",
)
require_confinement = flag(
    "require_confinement",
    False,
    "Whether a check must shut its DAG files off from other files and the network (Linux with Landlock). If "
    "so, a worker that cannot makes the release errored; if not, its report says that it could not. "
    "Anything but yes or no counts as yes.",
    instead=True,
)
check_environment = names(
    "check_environment",
    "",
    "Environment variables of the worker that the parse check hands on to DAG code: names or globs, "
    "separated by commas. Name no secrets: nobody has approved that code yet.",
    example="DATA_DIR,TEAM_*",
)
auto_rollback = flag(
    "auto_rollback",
    True,
    "Whether a release whose verification or soak fails is taken out of the target at once, by a release "
    "of its own that nobody has to approve. Off: it is failed, and stays until people act.",
)
pipeline_patience = whole(
    "pipeline_patience",
    900,
    "Seconds after which a release becomes errored whose pipeline run Airflow cannot go on with: its DAG is "
    "paused or gone, or no scheduler or triggerer gives a sign. A run that has ended or was deleted is found "
    "within a minute; one that is queued in an Airflow that works is waited for.",
)
verify_timeout = whole(
    "verify_timeout",
    180,
    "Seconds in which Airflow has to serve a further file of a promoted release; without one its "
    "verification has failed.",
)

# A copy for people, and for those who serve it without this product.

mirror_url = text(
    "mirror_url",
    "",
    "Git repository that branches of environments and tags of releases are pushed to after each promotion: "
    "``https://``, ``ssh://``, ``git@host:path`` or the path of a bare repository on the API servers. Empty: "
    "the one that the connection ``mirror_conn_id`` names, or none.",
    example="https://git.example.org/team/released-dags.git",
    is_secret=True,
)
mirror_conn_id = text(
    "mirror_conn_id",
    "",
    "Airflow connection of type ``git`` that lets the API server push to the mirror: login and token, or a "
    "private key, as for Airflow's ``GitDagBundle``.",
    example="git_mirror",
)

# Bundles for other installations and from them.

keys_path = folder(
    "keys_path",
    "keys",
    "Folder of the private key that signs exports and commits, and of the public keys that imports trust. "
    "Only the user whom the API server runs as may read it (mode 700). Empty means "
    "``$AIRFLOW_HOME/release/keys``.",
    example="/etc/airflow-release/keys",
)
exports_enabled = flag(
    "exports_enabled",
    True,
    "Whether administrators and owners of DAGs may export them from here. Anything but yes or no counts as "
    "no.",
    instead=False,
)
import_policy = text(
    "import_policy",
    "",
    "How much the findings of an import's preflight weigh, where that is not the default: pairs "
    "``reason: weight``, separated by commas, with the weights ``ok``, ``warn`` and ``block``. What "
    "cannot be understood, or would make a firm reason lighter, is reported by ``health``, and the "
    "default counts.",
    example="unknown_queue: block, missing_pool: warn",
)
imports_enabled = flag(
    "imports_enabled",
    True,
    "Whether administrators may bring bundle files of other installations here. It needs a target "
    "(``role``) and a key that is trusted. Anything but yes or no counts as no.",
    instead=False,
)
bundle_days = whole(
    "bundle_days",
    30,
    "Days after which the importing side refuses a bundle that was exported here: long enough for the "
    "way between the networks, short enough that old code does not come back.",
)
import_local_approval = choice(
    "import_local_approval",
    ("always", "unless_approved"),
    "``always``: whatever is imported is approved here. ``unless_approved``: a bundle may be recorded as "
    "released on the ground of the approvals that it carries, if somebody approved each of its versions "
    "and no names were replaced on the way.",
)

SETTINGS: dict[str, Setting[Any]] = {
    setting.name: setting
    for setting in [*vars().values(), *vars(retention).values()]
    if isinstance(setting, Setting)
}
"""All of them by name, in the order of the reference."""


def base_url() -> str:
    """Address under which people reach Airflow, without a slash at its end; empty if none is set."""
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
