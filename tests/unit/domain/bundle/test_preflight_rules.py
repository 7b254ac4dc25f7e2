"""Each reason that a manifest and an inventory can give, and when they give none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from airflow_release_plugin.domain.bundle.inventory import Availability, Inventory, Wanted
from airflow_release_plugin.domain.bundle.manifest import (
    BundleBase,
    BundleConnection,
    BundleDag,
    BundlePackage,
    BundleUnit,
    Manifest,
)
from airflow_release_plugin.domain.bundle.preflight import DEFAULT_WEIGHTS, Item, Reason, Severity
from airflow_release_plugin.domain.bundle.preflight_rules import ImportContext, Needs, findings, is_older
from tests.harness.bundles import CONTENT, EVIDENCE, bundle_files, manifest_of

pytestmark = pytest.mark.req("R53")
HERE = Inventory(airflow_version="3.3.2", python_version="3.12.1")
GROUND = ImportContext(HERE, environment="prod")


def manifest(*units: BundleUnit, **changes: Any) -> Manifest:
    """A sound manifest; without units, one of the single DAG ``etl``."""
    made = manifest_of(bundle_files(CONTENT), **changes)
    return replace(made, units=units) if units else made


def unit(dag_id: str = "etl", **named: Any) -> BundleUnit:
    (made,) = manifest().units
    return replace(made, unit_id=f"unit-{dag_id}", path=f"{dag_id}.py", dags=(BundleDag(dag_id),), **named)


def found(
    bundle: Manifest,
    context: ImportContext = GROUND,
    names: Mapping[str, Mapping[str, str]] | None = None,
    **here: Any,
) -> dict[Reason, list[Item]]:
    """Items by reason; ``here`` are fields of the inventory."""

    def rename(kind: str, there: str) -> str:
        return (names or {}).get(kind, {}).get(there, there)

    rows: dict[Reason, list[Item]] = {}
    met = replace(context, inventory=replace(context.inventory, **here))
    for reason, item in findings(Needs(bundle, rename), met):
        rows.setdefault(reason, []).append(item)
    return rows


def test_a_bundle_that_needs_nothing_gives_no_reason() -> None:
    assert found(manifest()) == {}


class TestNamedThings:
    def test_a_connection_that_is_not_here_is_named_with_its_type_and_dags(self) -> None:
        etl = unit("etl", connections=(BundleConnection("warehouse", "postgres"),))
        report = unit("report", connections=(BundleConnection("warehouse"),))

        assert found(manifest(etl, report)) == {
            Reason.MISSING_CONNECTION: [Item("warehouse", "Type 'postgres'.", ("etl", "report"))]
        }

    def test_a_variable_and_a_pool_that_are_not_here_are_named(self) -> None:
        assert found(manifest(unit(variables=("region",), pools=("crm",)))) == {
            Reason.MISSING_VARIABLE: [Item("region", "", ("etl",))],
            Reason.MISSING_POOL: [Item("crm", "", ("etl",))],
        }

    def test_what_is_here_is_no_reason(self) -> None:
        ready = {"x": Availability.READY}
        named = unit(connections=(BundleConnection("x"),), variables=("x",), pools=("x",))

        assert found(manifest(named), connections=ready, variables=ready, pools=ready) == {}

    def test_a_stub_is_incomplete_whatever_its_kind(self) -> None:
        placeholder = {"x": Availability.PLACEHOLDER}
        named = unit(connections=(BundleConnection("x"),), variables=("x",), pools=("x",))

        rows = found(manifest(named), connections=placeholder, variables=placeholder, pools=placeholder)

        assert [item.detail for item in rows.pop(Reason.INCOMPLETE_STUB)] == [
            "A connection.",
            "A variable.",
            "A pool.",
        ]
        assert rows == {}

    def test_a_backend_that_does_not_answer_counts_as_one_that_has_nothing(self) -> None:
        rows = found(manifest(unit(variables=("region",))), variables={"region": Availability.UNKNOWN})

        (item,) = rows[Reason.MISSING_VARIABLE]
        assert item.detail == "A secrets backend did not answer."

    @pytest.mark.req("R59")
    def test_a_mapped_name_is_looked_up_under_its_name_here(self) -> None:
        named = unit(connections=(BundleConnection("crm"),), pools=("crm",), queues=("fast",))
        names = {"connection": {"crm": "crm_b"}, "pool": {"crm": "crm_p"}, "queue": {"fast": "slow"}}

        assert (
            found(
                manifest(named),
                names=names,
                connections={"crm_b": Availability.READY},
                pools={"crm_p": Availability.READY},
                queues=frozenset({"slow"}),
            )
            == {}
        )
        assert found(manifest(named), names=names, pools={"crm": Availability.READY}) == {
            Reason.MISSING_CONNECTION: [Item("crm", "Mapped to 'crm_b'.", ("etl",))],
            Reason.MISSING_POOL: [Item("crm", "Mapped to 'crm_p'.", ("etl",))],
            Reason.UNKNOWN_QUEUE: [Item("fast", "Mapped to 'slow'.", ("etl",))],
        }

    @pytest.mark.req("R59")
    def test_the_inventory_is_asked_for_the_names_here(self) -> None:
        named = unit(
            connections=(BundleConnection("crm"),),
            variables=("region",),
            providers=(BundlePackage("pandas", "2.1"),),
            plugins=("shop_timetables.working_days",),
        )

        assert Needs(manifest(named), lambda kind, there: f"{there}_{kind[0]}").wanted == Wanted(
            connections=frozenset({"crm_c"}),
            variables=frozenset({"region_v"}),
            packages=frozenset({"pandas"}),
            modules=frozenset({"shop_timetables"}),
            dag_ids=frozenset({"etl"}),
        )


@pytest.mark.parametrize(
    ("field", "here", "reason"),
    [
        ("queues", "queues", Reason.UNKNOWN_QUEUE),
        ("executors", "executors", Reason.MISSING_EXECUTOR),
        ("teams", "teams", Reason.MISSING_TEAM),
        ("plugins", "modules", Reason.MISSING_PLUGIN),
        ("assets_in", "produced", Reason.MISSING_ASSET_PRODUCER),
        ("upstream_dags", "served", Reason.MISSING_UPSTREAM_DAG),
        ("triggered_dags", "served", Reason.MISSING_TRIGGERED_DAG),
    ],
)
class TestNames:
    def test_that_are_not_here_are_a_reason(self, field: str, here: str, reason: Reason) -> None:
        assert found(manifest(unit(**{field: ("x",)}))) == {reason: [Item("x", "", ("etl",))]}

    def test_that_are_here_are_none(self, field: str, here: str, reason: Reason) -> None:
        there = {"x": "team_bundle"} if here == "served" else frozenset({"x"})

        assert found(manifest(unit(**{field: ("x",)})), **{here: there}) == {}


@pytest.mark.req("R55")
class TestUpstream:
    def test_dags_and_assets_of_the_bundle_itself_are_there(self) -> None:
        first = unit("first", assets_out=("orders",))
        second = unit("second", upstream_dags=("first",), triggered_dags=("first",), assets_in=("orders",))

        assert found(manifest(second, first)) == {}

    def test_a_dag_in_the_target_that_nobody_has_parsed_yet_is_there(self) -> None:
        context = replace(GROUND, released=frozenset({"first"}))

        assert found(manifest(unit(upstream_dags=("first",))), context) == {}

    def test_a_dag_that_the_bundle_takes_away_is_not_there(self) -> None:
        context = replace(GROUND, leaving=frozenset({"first"}))

        assert found(manifest(unit(upstream_dags=("first",))), context, served={"first": "prod"}) == {
            Reason.MISSING_UPSTREAM_DAG: [Item("first", "The bundle removes it.", ("etl",))]
        }


class TestPackages:
    PANDAS = unit(providers=(BundlePackage("Pandas", "2.10.0"),))

    def test_one_that_is_not_installed_is_missing(self) -> None:
        assert found(manifest(self.PANDAS)) == {
            Reason.MISSING_PROVIDER: [Item("Pandas", "2.10.0 there.", ("etl",))]
        }

    @pytest.mark.parametrize("version", ["2.9.9", "1.0", "2.10.0rc1", "not a version"])
    def test_one_that_is_older_is_named_with_both_versions(self, version: str) -> None:
        assert found(manifest(self.PANDAS), packages={"Pandas": version}) == {
            Reason.OLDER_PROVIDER: [Item("Pandas", f"2.10.0 there, {version} here.", ("etl",))]
        }

    @pytest.mark.parametrize("version", ["2.10", "2.10.0.post1", "3.0"])
    def test_one_that_is_as_new_is_no_reason_however_its_name_is_spelled(self, version: str) -> None:
        assert found(manifest(self.PANDAS), packages={"pandas": version}) == {}

    def test_the_newest_of_several_versions_counts(self) -> None:
        older = unit("older", providers=(BundlePackage("Pandas", "2.9"),))

        rows = found(manifest(older, self.PANDAS, older), packages={"Pandas": "2.9.5"})

        assert rows == {
            Reason.OLDER_PROVIDER: [Item("Pandas", "2.10.0 there, 2.9.5 here.", ("etl", "older"))]
        }


class TestOptionalImports:
    NUMPY = unit(optional_packages=(BundlePackage("numpy", "2.0"),), optional_modules=("shop_fast.c",))

    def test_that_are_not_here_are_told_by_themselves(self) -> None:
        assert found(manifest(self.NUMPY)) == {
            Reason.OPTIONAL_IMPORT: [
                Item("numpy", "A package.", ("etl",)),
                Item("shop_fast", "A module.", ("etl",)),
            ]
        }

    def test_that_are_here_in_any_version_are_no_reason(self) -> None:
        here = {"packages": {"NumPy": "1.0"}, "modules": frozenset({"shop_fast"})}
        assert found(manifest(self.NUMPY), **here) == {}

    def test_they_do_not_block(self) -> None:
        assert DEFAULT_WEIGHTS[Reason.OPTIONAL_IMPORT] is Severity.WARN

    def test_what_another_dag_needs_is_told_once_as_missing(self) -> None:
        other = unit("other", providers=(BundlePackage("numpy", "2.0"),), plugins=("shop_fast",))
        assert set(found(manifest(other, self.NUMPY))) == {Reason.MISSING_PROVIDER, Reason.MISSING_PLUGIN}


class TestDagIds:
    def test_one_that_airflow_refuses_is_illegal_and_says_why(self) -> None:
        rows = found(manifest(unit("a b")), illegal_ids={"a b": "The key 'a b' has a blank"})

        assert rows == {Reason.ILLEGAL_DAG_ID: [Item("a b", "The key 'a b' has a blank", ("a b",))]}

    def test_one_that_looks_like_the_copy_of_a_source_is_illegal(self) -> None:
        context = replace(GROUND, source_prefix="dev.")

        (item,) = found(manifest(unit("dev.etl")), context)[Reason.ILLEGAL_DAG_ID]
        assert item.detail == "'dev.' marks the copies of the source here."
        assert found(manifest(unit("dev.etl"))) == {}

    def test_one_that_another_bundle_serves_clashes(self) -> None:
        assert found(manifest(), served={"etl": "by_hand"}) == {
            Reason.DAG_ID_IN_OTHER_BUNDLE: [Item("etl", "The bundle 'by_hand' serves it.", ("etl",))]
        }

    def test_one_that_the_target_serves_does_not_clash(self) -> None:
        assert found(manifest(), served={"etl": "prod"}) == {}


class TestVersions:
    def test_an_older_minor_version_of_airflow_is_a_reason(self) -> None:
        assert found(manifest(), airflow_version="3.2.9") == {
            Reason.OLDER_AIRFLOW: [Item("Airflow 3.3.2", "3.2.9 here.")]
        }

    def test_an_older_minor_version_of_python_is_a_reason(self) -> None:
        assert found(manifest(), python_version="3.11.9") == {
            Reason.OLDER_PYTHON: [Item("Python 3.12.1", "3.11.9 here.")]
        }

    def test_an_older_patch_is_none(self) -> None:
        assert found(manifest(), airflow_version="3.3.0", python_version="3.12.0") == {}

    def test_what_cannot_be_compared_is_older(self) -> None:
        assert is_older("3.3.2", "three")
        assert not is_older("three", "three")


class TestOrigin:
    def test_a_bundle_that_was_applied_is_not_applied_again(self) -> None:
        context = replace(GROUND, applied=frozenset({"bundle-1"}))

        assert found(manifest(), context) == {Reason.APPLIED_BEFORE: [Item("bundle-1")]}

    def test_a_bundle_needs_the_one_that_it_builds_on(self) -> None:
        bundle = manifest(base=BundleBase("bundle-0", "b" * 40))

        assert found(bundle) == {Reason.MISSING_BASE: [Item("bundle-0")]}
        assert found(bundle, replace(GROUND, applied=frozenset({"bundle-0"}))) == {}

    def test_what_comes_from_a_source_was_not_approved(self) -> None:
        assert found(manifest(unit(evidence=None))) == {
            Reason.NOT_APPROVED_THERE: [Item("etl.py", "It comes from a source.", ("etl",))]
        }

    @pytest.mark.parametrize(
        ("glass_broken", "how"), [(True, "in an emergency"), (False, "under a flow that asks nobody")]
    )
    def test_what_was_released_without_anybody_s_approval_was_not_either(
        self, glass_broken: bool, how: str
    ) -> None:
        rows = found(manifest(unit(evidence=replace(EVIDENCE, decisions=(), glass_broken=glass_broken))))

        assert rows == {Reason.NOT_APPROVED_THERE: [Item("etl.py", f"Released as R-000007 {how}.", ("etl",))]}
