from __future__ import annotations

from importlib import metadata

import pytest

from airflow_release_plugin.analysis.packages import required_packages, strange_modules

pytestmark = pytest.mark.req("R52")


class TestRequiredPackages:
    def test_are_named_with_the_installed_version(self) -> None:
        found = required_packages(["sqlalchemy.orm", "yaml"])

        assert {name.lower(): version for name, version in found.items()} == {
            "pyyaml": metadata.version("pyyaml"),
            "sqlalchemy": metadata.version("sqlalchemy"),
        }

    def test_a_provider_is_found_by_the_longest_name_that_is_installed(self) -> None:
        modules = ["airflow.providers.standard.operators.bash", "airflow.providers.fab"]

        assert list(required_packages(modules)) == [
            "apache-airflow-providers-fab",
            "apache-airflow-providers-standard",
        ]

    @pytest.mark.parametrize(
        "module",
        ["airflow.sdk", "airflow_release_plugin.hooks", "json", "no_such_module", "airflow.providers.nope"],
    )
    def test_airflow_itself_python_s_own_and_unknown_modules_need_none(self, module: str) -> None:
        assert required_packages([module]) == {}


class TestStrangeModules:
    def test_are_those_of_no_package(self) -> None:
        modules = ["shop_timetables.rules", "json", "yaml", "airflow.sdk", "airflow_release_plugin"]

        assert strange_modules(modules) == {"shop_timetables"}
