"""Typed, lazy reads of the ``[release]`` section of ``airflow.cfg``, as ``get_provider_info.py`` has it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

SECTION = "release"
_PARSING_SECTIONS = ("core", "operators", "scheduler", SECTION)
_PARSING_FOLDERS = ("dags_folder", "plugins_folder")
_SECRET = re.compile(r"secret|password|token|key|conn|_cmd$")


def _get(key: str, fallback: str) -> str:
    from airflow.configuration import conf

    return str(conf.get(SECTION, key, fallback=fallback)).strip()


def _names(key: str, fallback: str) -> frozenset[str]:
    return frozenset(part.strip() for part in _get(key, fallback).split(",") if part.strip())


def _folder(configured: str, name: str) -> Path:
    if configured:
        return Path(configured).expanduser()
    from airflow.configuration import AIRFLOW_HOME

    return Path(AIRFLOW_HOME) / "release" / name


def store_path() -> Path:
    """Folder of the bare git repository that holds submissions and target branches."""
    return _folder(_get("store_path", ""), "store.git")


def keys_path() -> Path:
    """Folder of the key that signs exports and of the keys that imports trust."""
    return _folder(_get("keys_path", ""), "keys")


def transfer_path() -> Path:
    """Folder of the bundle files that exports made, and of those that are uploaded to be imported."""
    return _folder(_get("transfer_path", ""), "transfers")


def exports_enabled() -> bool:
    """Whether DAGs may leave this installation as bundle files."""
    return _get("exports_enabled", "True").lower() in {"true", "1", "yes", "t"}


def import_policy() -> str:
    """How much the findings of an import's preflight weigh, where that is not the default."""
    return _get("import_policy", "")


def imports_enabled() -> bool:
    """Whether bundle files of other installations may be brought here."""
    return _get("imports_enabled", "True").lower() in {"true", "1", "yes", "t"}


def bundle_days() -> int:
    """Days after which importers refuse a bundle that was made here."""
    return int(_get("bundle_days", "30"))


def import_local_approval() -> str:
    """``always``: imports are approved here; ``unless_approved``: approvals that a bundle carries may do."""
    return _get("import_local_approval", "always").lower()


def source_bundle() -> str:
    """Name of the DAG bundle that people edit."""
    return _get("source_bundle", "dev")


def source_dag_id_prefix() -> str:
    """Prefix that DAGs of the source bundle get here; empty where dev is an installation of its own."""
    return _get("source_dag_id_prefix", "dev.")


def source_schedules() -> bool:
    """Whether DAGs of the source bundle keep their schedule."""
    return _get("source_schedules", "False").lower() in {"true", "1", "yes", "t"}


def source_external_dag_ids() -> frozenset[str]:
    """Ids or globs of DAGs that source DAGs may reference without the prefix, because no dev copy exists."""
    return _names("source_external_dag_ids", "")


def source_mode() -> str:
    """``dev-prod``: submitted versions wait for a release; ``basic``: they go to the target at once."""
    return _get("source_mode", "dev-prod").lower()


def role() -> str:
    """What this installation is: ``source``, ``target`` or ``both``."""
    return _get("role", "both").lower()


def environment() -> str:
    """Name of the target environment: a branch of the store and the name of the bundle that serves it."""
    return _get("environment", "prod")


def pipeline_dag_id() -> str:
    """DAG that runs each release unless its flow names another."""
    return _get("pipeline_dag_id", "release_pipeline")


def admin_roles() -> frozenset[str]:
    """Names of Airflow roles whose holders administer releases."""
    return _names("admin_roles", "Admin,admin")


def flow_admin_roles() -> frozenset[str]:
    """Names of Airflow roles whose holders configure approval flows; the admin roles if unset."""
    return _names("flow_admin_roles", "") or admin_roles()


def default_flow_roles() -> frozenset[str]:
    """Airflow roles whose holders approve under the built-in default flow; the admin roles if unset."""
    return _names("default_flow_roles", "") or admin_roles()


def service_users() -> frozenset[str]:
    """Names of the users that pipelines log in as. They may execute what was approved and never approve."""
    return _names("service_users", "")


def people_provider() -> str:
    """``module:callable`` that lists people where the auth manager cannot; empty for none."""
    return _get("people_provider", "")


def notifiers() -> frozenset[str]:
    """Globs of classpaths that flows may name as notifiers."""
    return _names("notifiers", "airflow.providers.*")


def notify_interval() -> float:
    """Seconds between two looks for notifications to send; 0 switches them off in this API server."""
    return float(_get("notify_interval", "15"))


def drift_interval() -> float:
    """Seconds between two looks for drift of this API server; 0 switches them off."""
    return float(_get("drift_interval", "600"))


def drift_notifiers() -> str:
    """JSON list of notifiers, as a flow has them, that tell of drift."""
    return _get("drift_notifiers", "")


def notify_timeout() -> float:
    """Seconds that a notifier may take."""
    return float(_get("notify_timeout", "30"))


def base_url() -> str:
    """Address under which people reach Airflow, without a slash at its end; empty if none is set."""
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def approval_hours() -> int:
    """Hours that people have to decide under the built-in default flow."""
    return int(_get("approval_hours", "24"))


def execution_hours() -> int:
    """Hours after the approval in which the release must be executed under the built-in default flow."""
    return int(_get("execution_hours", "24"))


def max_file_bytes() -> int:
    """Largest file that a unit may contain, in bytes."""
    return int(_get("max_file_bytes", str(5 * 1024 * 1024)))


def max_unit_files() -> int:
    """Most files that a unit may consist of."""
    return int(_get("max_unit_files", "2000"))


def check_timeout() -> int:
    """Seconds after which the parse check of a release is given up."""
    return int(_get("check_timeout", "120"))


def check_environment() -> dict[str, str]:
    """
    What a process that parses DAG files nobody approved yet is told, as environment variables: no secrets.

    Airflow's options that decide how a file is parsed, and what ``[release] check_environment`` names.
    """
    named = _names("check_environment", "")
    chosen = {
        name: text for name, text in os.environ.items() if any(fnmatchcase(name, glob) for glob in named)
    }
    return {name: text for section in _PARSING_SECTIONS for name, text in _told(section)} | chosen


def _told(section: str) -> Iterator[tuple[str, str]]:
    """Options of a section that are set, and folders; asked one by one, since others may run commands."""
    from airflow.configuration import conf

    prefix = f"AIRFLOW__{section.upper()}__"
    keys = {name.removeprefix(prefix).lower() for name in os.environ if name.startswith(prefix)}
    keys.update(conf.options(section) if conf.has_section(section) else ())
    keys.update(_PARSING_FOLDERS if section == "core" else ())
    for key in sorted(keys):
        if (section, key) not in conf.sensitive_config_values and not _SECRET.search(key):
            yield prefix + key.upper(), conf.get(section, key, fallback="")


def auto_rollback() -> bool:
    """Whether a release that fails after its promotion is taken out of the target at once."""
    return _get("auto_rollback", "True").lower() in {"true", "1", "yes", "t"}


def verify_timeout() -> int:
    """Seconds that Airflow has to parse a promoted release before its verification fails."""
    return int(_get("verify_timeout", "180"))
