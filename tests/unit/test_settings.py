"""What counts where an option was set to something that is no value of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from airflow_release_plugin import config
from airflow_release_plugin.config.setting import Setting
from airflow_release_plugin.services.runtime.context import Settings

NO_NUMBERS = ("5k", "10m", "seven", "1,000", "0x10", "1e", "--3", "nan?", "${LIMIT}", "9" * 5000, "五百万")
NO_SPANS = (
    "inf",
    "-inf",
    "nan",
    "1e300",
    str(threading.TIMEOUT_MAX * 2),
    "10m",
    "600 s",
    "1:30",
    "None",
    "x",
)
NO_FLAGS = ("maybe", "2", "-1", "enabled", "truee", "yes please", "None", "null", "ja", "是", "True;")
NOBODYS_HOMES = ("~nobody-has-this-name", "~nobody-has-this-name/keys")
MORE_CAREFUL = {
    "break_glass_confirm_minutes": 30,
    "exports_enabled": False,
    "imports_enabled": False,
    "require_confinement": True,
    **{name: 0 for name in config.SETTINGS if name.startswith("keep_")},
}
NONSENSE = {"integer": NO_NUMBERS, "float": NO_SPANS, "boolean": NO_FLAGS}
NUMBERS_AND_FLAGS = [setting for setting in config.SETTINGS.values() if setting.kind in NONSENSE]


def set_to(monkeypatch: pytest.MonkeyPatch, setting: Setting[object], value: str) -> None:
    monkeypatch.setenv(f"AIRFLOW__RELEASE__{setting.name.upper()}", value)


@pytest.mark.parametrize("setting", NUMBERS_AND_FLAGS, ids=lambda setting: setting.name)
def test_what_is_no_value_counts_as_the_default_or_as_something_more_careful_and_is_named(
    monkeypatch: pytest.MonkeyPatch, setting: Setting[object]
) -> None:
    expected = MORE_CAREFUL.get(setting.name, setting.read(setting.default))

    for nonsense in NONSENSE[setting.kind]:
        set_to(monkeypatch, setting, nonsense)
        assert setting() == expected, nonsense
        assert Settings().problems() == [setting.name], nonsense


@pytest.mark.parametrize("setting", NUMBERS_AND_FLAGS, ids=lambda setting: setting.name)
def test_what_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch, setting: Setting[object]) -> None:
    set_to(monkeypatch, setting, " ")

    assert setting() == setting.read(setting.default)
    assert Settings().problems() == []


@pytest.mark.parametrize("home", NOBODYS_HOMES)
def test_the_home_of_nobody_counts_as_the_default_folder(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    default = config.keys_path()
    monkeypatch.setenv("AIRFLOW__RELEASE__KEYS_PATH", home)

    assert config.keys_path() == default != Path(home)
    assert Settings().problems() == ["keys_path"]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, True) for word in ("on", "Y", "yes", "TRUE", "t", "1")),
        *((w, False) for w in ("off", "N", "0")),
    ],
)
def test_flags_know_the_usual_words(monkeypatch: pytest.MonkeyPatch, word: str, value: bool) -> None:
    monkeypatch.setenv("AIRFLOW__RELEASE__REQUIRE_CONFINEMENT", word)

    assert config.require_confinement() is value
    assert Settings().problems() == []
