from __future__ import annotations

import json
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest

import airflow_release_plugin
from airflow_release_plugin import config
from airflow_release_plugin.config.setting import Setting
from airflow_release_plugin.get_provider_info import get_provider_info

ROOT = Path(airflow_release_plugin.__file__).parents[1]
OPTIONS: dict[str, dict[str, Any]] = get_provider_info()["config"]["release"]["options"]


def test_provider_info_has_the_shape_that_airflow_expects() -> None:
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())

    jsonschema.validate(get_provider_info(), schema)


def test_a_setting_is_read_under_the_name_that_it_is_described_by() -> None:
    named = {**vars(config), **vars(config.retention)}
    read = {name: value for name, value in named.items() if isinstance(value, Setting)}

    assert {name: setting.name for name, setting in read.items()} == {name: name for name in OPTIONS}


@pytest.mark.parametrize("key", sorted(OPTIONS))
def test_a_setting_that_nobody_set_has_the_described_default(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = config.SETTINGS[key]
    monkeypatch.delenv(f"AIRFLOW__RELEASE__{key.upper()}", raising=False)
    unset = setting()
    monkeypatch.setenv(f"AIRFLOW__RELEASE__{key.upper()}", OPTIONS[key]["default"])

    assert setting() == unset == setting.read(OPTIONS[key]["default"])


@pytest.mark.parametrize("setting", [s for s in config.SETTINGS.values() if s.choices])
def test_a_setting_with_choices_describes_each(setting: Setting[str]) -> None:
    assert [word for word in setting.choices if f"``{word}``" not in setting.description] == []


def test_options_that_may_hold_secrets_are_masked_by_airflow() -> None:
    assert {name for name, option in OPTIONS.items() if option["sensitive"]} == {
        "drift_notifiers",
        "mirror_url",
        "personal_notifiers",
        "release_notifiers",
    }


@pytest.mark.parametrize("key", sorted(OPTIONS))
def test_a_setting_says_what_it_does(key: str) -> None:
    assert OPTIONS[key]["description"].endswith(".")


def test_the_plugin_is_registered_once() -> None:
    """As an entry point; a ``plugins`` key in the provider info would register it a second time."""
    ours = [
        point for point in entry_points(group="airflow.plugins") if point.value.startswith("airflow_release")
    ]

    assert len(ours) == 1
    assert "plugins" not in get_provider_info()


@pytest.mark.parametrize(
    ("group", "value"),
    [
        ("apache_airflow_provider", "airflow_release_plugin.get_provider_info:get_provider_info"),
        ("airflow.plugins", "airflow_release_plugin.plugin:ReleasePlugin"),
        ("airflow.policy", "airflow_release_plugin.airflow_internals.dag_policy"),
    ],
)
def test_the_entry_point_is_there_and_loads(group: str, value: str) -> None:
    (point,) = [point for point in entry_points(group=group) if point.value == value]

    assert point.load() is not None


def test_the_modules_that_the_provider_names_exist() -> None:
    info = get_provider_info()
    modules = [
        m for part in ("hooks", "bundles", "operators", "sensors", "triggers") for m in _modules(info, part)
    ]
    classes = [*info["db-managers"], *(c["hook-class-name"] for c in info["connection-types"])]
    files = {
        ROOT / f"{name.replace('.', '/')}.py" for name in [*modules, *(c.rpartition(".")[0] for c in classes)]
    }

    assert [str(file) for file in sorted(files) if not file.exists()] == []


def _modules(info: dict[str, Any], part: str) -> list[str]:
    return [module for entry in info.get(part, ()) for module in entry["python-modules"]]


def test_the_installed_version_is_the_one_in_the_source() -> None:
    assert version("airflow-release-plugin") == airflow_release_plugin.__version__


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-3.2.txt"])
def test_constraints_pin_names_and_versions_and_no_addresses(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()

    assert [line for line in lines if "==" not in line or "://" in line or line.startswith("-")] == []
