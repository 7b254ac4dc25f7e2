"""The only place that asks which Airflow this is."""

from __future__ import annotations

from importlib.metadata import version

AIRFLOW_VERSION: str = version("apache-airflow-core")


def _airflow_version() -> tuple[int, int]:
    major, minor, *_ = AIRFLOW_VERSION.split(".")
    return int(major), int(minor)


AIRFLOW_V_3_3_PLUS: bool = _airflow_version() >= (3, 3)
"""``BundleVersion`` exists from 3.3 on; drop the plain-string branches when the minimum is 3.3."""

TESTED_VERSIONS: tuple[str, ...] = ("3.2", "3.3")
"""Minor versions of Airflow on which every test of this version of the product was run."""


def untested_version() -> str:
    """Return the version of this Airflow where it is none that the product was tested on; else empty."""
    minor = ".".join(map(str, _airflow_version()))
    return "" if minor in TESTED_VERSIONS else AIRFLOW_VERSION
