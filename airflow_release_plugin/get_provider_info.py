"""What Airflow's providers manager reads about us. Plain data, so that every process may ask."""

from __future__ import annotations

from typing import Any

_INTEGRATION = "Airflow Release"
_SINCE = "0.1.0"


def _option(kind: str, default: str | None, description: str, example: str | None = None) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": _SINCE,
        "type": kind,
        "example": example,
        "default": default,
    }


def _installation_options() -> dict[str, Any]:
    return {
        "source_mode": _option(
            "string",
            "dev-prod",
            "``dev-prod``: a submitted version waits in the to-be-released list until a release of it is "
            "approved. ``basic``: it goes to the target at once, after the checks, and nobody approves it. "
            "Anything else counts as ``dev-prod`` and is reported by ``health``.",
        ),
        "role": _option(
            "string",
            "both",
            "What this installation is: ``source`` (people submit and export here), ``target`` (releases are "
            "imported, promoted and rolled back here) or ``both``. Anything else is reported by ``health``, "
            "and neither part works.",
        ),
    }


def _store_options() -> dict[str, Any]:
    return {
        "store_path": _option(
            "string",
            "",
            "Folder of the bare git repository that holds submissions and target branches. Every Airflow "
            "component that serves or runs released DAGs needs it at the same path. Empty means "
            "``$AIRFLOW_HOME/release/store.git``.",
            "/srv/airflow-release/store.git",
        ),
        "source_bundle": _option("string", "dev", "DAG bundle that people edit and submit from."),
        "source_dag_id_prefix": _option(
            "string",
            "dev.",
            "Prefix that DAGs of the source bundle get in this Airflow, so that the same file can live "
            "in the source and in the target at once. Empty where the source is an installation of its own.",
        ),
        "source_schedules": _option(
            "boolean",
            "False",
            "Whether DAGs of the source bundle keep their schedule. If not, they run by hand.",
        ),
        "source_external_dag_ids": _option(
            "string",
            "",
            "DAG ids, or globs of them, that DAGs of the source may refer to without the prefix, as they "
            "have no copy in the source. Separated by commas.",
            "finance_*,master_data",
        ),
        "environment": _option(
            "string",
            "prod",
            "Name of the target environment: the branch of the store that approved releases move, and "
            "the DAG bundle that serves it.",
        ),
        "max_file_bytes": _option("integer", "5242880", "Largest file of a submission, in bytes."),
        "max_unit_files": _option("integer", "2000", "Most files that one submission may consist of."),
    }


def _people_options() -> dict[str, Any]:
    return {
        "admin_roles": _option(
            "string",
            "Admin,admin",
            "Airflow roles whose holders administer releases, separated by commas. The default names the "
            "administrators of the FAB and of the simple auth manager.",
        ),
        "flow_admin_roles": _option(
            "string",
            "",
            "Airflow roles whose holders configure approval flows, separated by commas: a right of its own. "
            "Empty means the roles of ``admin_roles``.",
            "ReleaseGovernance",
        ),
        "default_flow_roles": _option(
            "string",
            "",
            "Airflow roles whose holders approve under the built-in default flow, separated by commas. Empty "
            "means the roles of ``admin_roles``.",
            "Op,Admin",
        ),
        "service_users": _option(
            "string",
            "",
            "Users that pipelines log in as, separated by commas. They may execute what was approved and can "
            "never approve.",
            "release-pipeline",
        ),
        "people_provider": _option(
            "string",
            "",
            "``module:callable`` that lists people, their login names and their roles, for auth managers "
            "that cannot: all but the simple and the FAB auth manager. Without it, nobody is eligible there.",
            "my_company.airflow_people:list_people",
        ),
        "approval_hours": _option(
            "integer",
            "24",
            "Hours that people have to decide under the built-in default flow; then the release is expired.",
        ),
        "execution_hours": _option(
            "integer",
            "24",
            "Hours after the approval in which a release must be executed under the built-in default flow.",
        ),
    }


def _notification_options() -> dict[str, Any]:
    return {
        "notifiers": _option(
            "string",
            "airflow.providers.*",
            "Classpaths of Airflow notifiers that flows may use, or globs of them, separated by commas. "
            "Whoever configures flows can let a process beside the API server import and run these.",
            "airflow.providers.smtp.*,my_company.notifiers.TeamsNotifier",
        ),
        "drift_interval": _option(
            "float",
            "600",
            "Seconds between two looks of this API server at whether what runs is what was approved. Every "
            "served file of its machine, the branch and the audit trail are read. 0 switches it off.",
        ),
        "drift_notifiers": _option(
            "string",
            "",
            "Notifiers that tell of drift and of its end, as a JSON list of what flows have: ``notifier``, "
            "``kwargs``, and ``events`` out of ``drifted`` and ``drift_ended``.",
            '[{"notifier": "airflow.providers.slack.notifications.slack_webhook.SlackWebhookNotifier", '
            '"kwargs": {"text": "{{ notice.summary }}"}}]',
        ),
        "notify_interval": _option(
            "float",
            "15",
            "Seconds between two looks for notifications to send. 0 switches them off in this API server.",
        ),
        "notify_timeout": _option(
            "float", "30", "Seconds that a notifier may take; then it is stopped and tried again later."
        ),
    }


def _pipeline_options() -> dict[str, Any]:
    return {
        "pipeline_dag_id": _option(
            "string",
            "release_pipeline",
            "DAG that runs each release, unless its approval flow names another.",
        ),
        "check_timeout": _option(
            "integer", "120", "Seconds after which the parse check of a release is given up, and has failed."
        ),
        "check_environment": _option(
            "string",
            "",
            "Environment variables of the worker that the parse check hands on to DAG code: names or globs, "
            "separated by commas. Name no secrets: nobody has approved that code yet.",
            "DATA_DIR,TEAM_*",
        ),
        "auto_rollback": _option(
            "boolean",
            "True",
            "Whether a release whose verification or soak fails is taken out of the target at once, by a "
            "release of its own that nobody has to approve. Off: it is failed, and stays until people act.",
        ),
        "verify_timeout": _option(
            "integer",
            "180",
            "Seconds in which Airflow has to serve a further file of a promoted release; without one its "
            "verification has failed.",
        ),
    }


def _transfer_options() -> dict[str, Any]:
    return {
        "keys_path": _option(
            "string",
            "",
            "Folder of the private key that signs exports and of the public keys that imports trust. Only "
            "the user whom the API server runs as may read it (mode 700). Empty means "
            "``$AIRFLOW_HOME/release/keys``.",
            "/etc/airflow-release/keys",
        ),
        "transfer_path": _option(
            "string",
            "",
            "Folder where exports put their bundle files, for three days, and where imports keep theirs "
            "until they are applied. All API servers need it at the same path. Empty means "
            "``$AIRFLOW_HOME/release/transfers``.",
            "/srv/airflow-release/transfers",
        ),
        "exports_enabled": _option(
            "boolean", "True", "Whether administrators and owners of DAGs may export them from here."
        ),
        "import_policy": _option(
            "string",
            "",
            "How much the findings of an import's preflight weigh, where that is not the default: pairs "
            "``reason: weight``, separated by commas, with the weights ``ok``, ``warn`` and ``block``. What "
            "cannot be understood, or would make a firm reason lighter, is reported by ``health``, and the "
            "default counts.",
            "unknown_queue: block, missing_pool: warn",
        ),
        "imports_enabled": _option(
            "boolean",
            "True",
            "Whether administrators may bring bundle files of other installations here. It needs a target "
            "(``role``) and a key that is trusted.",
        ),
        "bundle_days": _option(
            "integer",
            "30",
            "Days after which the importing side refuses a bundle that was exported here: long enough for "
            "the way between the networks, short enough that old code does not come back.",
        ),
        "import_local_approval": _option(
            "string",
            "always",
            "``always``: whatever is imported is approved here. ``unless_approved``: a bundle may be "
            "recorded as released on the ground of the approvals that it carries, if somebody approved each "
            "of its versions and no names were replaced on the way.",
        ),
    }


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's ``provider_info.schema.json`` defines it."""
    return {
        "package-name": "airflow-release-plugin",
        "name": "Airflow Release",
        "description": "DAGs reach production only as reviewed, approved, exact versions.",
        "db-managers": ["airflow_release_plugin.db_manager.ReleaseDBManager"],
        "cli": ["airflow_release_plugin.cli.definition.get_release_cli_commands"],
        "config": {
            "release": {
                "description": "Options of Airflow Release.",
                "options": {
                    **_installation_options(),
                    **_store_options(),
                    **_people_options(),
                    **_notification_options(),
                    **_pipeline_options(),
                    **_transfer_options(),
                },
            }
        },
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["software"]}],
        "connection-types": [
            {
                "connection-type": "airflow_release",
                "hook-class-name": "airflow_release_plugin.hooks.release.ReleaseHook",
                "hook-name": "Airflow Release",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema"],
                    "relabeling": {"host": "Airflow URL", "login": "User name"},
                    "placeholders": {"host": "https://airflow.example.org"},
                },
            }
        ],
        "hooks": [
            {"integration-name": _INTEGRATION, "python-modules": ["airflow_release_plugin.hooks.release"]}
        ],
        "bundles": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    "airflow_release_plugin.bundles.release",
                    "airflow_release_plugin.bundles.pipelines",
                ],
            }
        ],
    }
