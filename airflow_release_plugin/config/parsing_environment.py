"""What a process that parses DAG files nobody approved yet is told about this installation."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from airflow_release_plugin import config
from airflow_release_plugin.config.setting import SECTION

_SECTIONS = ("core", "operators", "scheduler", SECTION)
_FOLDERS = ("dags_folder", "plugins_folder")
_SECRET = re.compile(r"secret|password|token|key|conn|_cmd$")


def parsing_environment() -> dict[str, str]:
    """
    The environment variables of such a process: no secrets.

    Airflow's options that decide how a file is parsed, and what ``[release] check_environment`` names.
    """
    named = config.check_environment()
    chosen = {
        name: text for name, text in os.environ.items() if any(fnmatchcase(name, glob) for glob in named)
    }
    return {name: text for section in _SECTIONS for name, text in _told(section)} | chosen


def _told(section: str) -> Iterator[tuple[str, str]]:
    """Options of a section that are set, and folders; asked one by one, since others may run commands."""
    from airflow.configuration import conf

    prefix = f"AIRFLOW__{section.upper()}__"
    keys = {name.removeprefix(prefix).lower() for name in os.environ if name.startswith(prefix)}
    keys.update(conf.options(section) if conf.has_section(section) else ())
    keys.update(_FOLDERS if section == "core" else ())
    own = {name for name, setting in config.SETTINGS.items() if setting.is_secret}
    for key in sorted(keys):
        is_secret = (section, key) in conf.sensitive_config_values or _SECRET.search(key)
        if not is_secret and not (section == SECTION and key in own):
            yield prefix + key.upper(), conf.get(section, key, fallback="")
