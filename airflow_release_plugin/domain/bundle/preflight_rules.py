"""What is wrong with a bundle here, as far as its manifest and an inventory tell. None of it is executed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from airflow_release_plugin.domain.bundle.inventory import Availability, Inventory, Kind, Wanted
from airflow_release_plugin.domain.bundle.manifest import BundleUnit, Manifest
from airflow_release_plugin.domain.bundle.name_table import KINDS
from airflow_release_plugin.domain.bundle.preflight import MISSING, Finding, Item, Reason
from airflow_release_plugin.messages import Message, shortened, together

Rename = Callable[[str, str], str]
"""The name here of what has a kind (connection, variable, pool, queue) and a name in the bundle."""

_MOST_DETAIL = 300
_PLACEHOLDERS: Mapping[str, str] = {
    Kind.CONNECTION.value: Message("A connection."),
    Kind.VARIABLE.value: Message("A variable."),
    Kind.POOL.value: Message("A pool."),
}


@dataclass(frozen=True)
class Needs:
    """
    What the units of a bundle name, each with the ids of the DAGs that are concerned.

    :param rename: names here of what the bundle names
    """

    manifest: Manifest
    rename: Rename

    def of(self, names: Callable[[BundleUnit], Iterable[str]]) -> dict[str, tuple[str, ...]]:
        """Sorted ids of DAGs by each of the names that a unit may have, sorted."""
        dag_ids_by_name: dict[str, set[str]] = defaultdict(set)
        for unit in self.manifest.units:
            for name in names(unit):
                dag_ids_by_name[name].update(unit.dag_ids)
        return {name: tuple(sorted(dag_ids_by_name[name])) for name in sorted(dag_ids_by_name)}

    @cached_property
    def named(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """By kind, names there of what may be called otherwise here."""
        return {kind: self._named(kind) for kind in KINDS}

    def _named(self, kind: str) -> dict[str, tuple[str, ...]]:
        return self.of(lambda unit: unit.named[kind])

    def type_of(self, kind: str, there: str) -> str:
        """Type of a connection; empty where nobody could tell, and for everything else."""
        return self._types.get(there, "") if kind == Kind.CONNECTION.value else ""

    @cached_property
    def _types(self) -> dict[str, str]:
        return {c.id: c.type for unit in self.manifest.units for c in unit.connections if c.type}

    @cached_property
    def packages(self) -> dict[str, tuple[str, ...]]:
        return self.of(lambda unit: (package.name for package in unit.providers))

    @cached_property
    def optional_packages(self) -> dict[str, tuple[str, ...]]:
        return self.of(lambda unit: (package.name for package in unit.optional_packages))

    @cached_property
    def optional_modules(self) -> dict[str, tuple[str, ...]]:
        return self.of(lambda unit: (name.partition(".")[0] for name in unit.optional_modules))

    @cached_property
    def modules(self) -> dict[str, tuple[str, ...]]:
        """Top-level ones: whether a module below is there cannot be said without an import."""
        return self.of(lambda unit: (name.partition(".")[0] for name in unit.plugins))

    @cached_property
    def dag_ids(self) -> frozenset[str]:
        return frozenset(dag_id for unit in self.manifest.units for dag_id in unit.dag_ids)

    @property
    def wanted(self) -> Wanted:
        """What an inventory has to look for."""
        return Wanted(
            connections=self._here(Kind.CONNECTION),
            variables=self._here(Kind.VARIABLE),
            packages=frozenset({*self.packages, *self.optional_packages}),
            modules=frozenset({*self.modules, *self.optional_modules}),
            dag_ids=self.dag_ids,
        )

    def _here(self, kind: Kind) -> frozenset[str]:
        return frozenset(self.rename(kind.value, name) for name in self.named[kind.value])


@dataclass(frozen=True)
class ImportContext:
    """
    What the bundle meets here.

    :param environment: bundle that serves the target
    :param released: ids of the DAGs in the target
    :param leaving: ids of DAGs that the bundle takes away here
    :param applied: bundles that were applied here, or are about to be
    :param source_prefix: marks the source's copies of DAGs; empty where there are none
    """

    inventory: Inventory
    environment: str
    released: frozenset[str] = frozenset()
    leaving: frozenset[str] = frozenset()
    applied: frozenset[str] = frozenset()
    source_prefix: str = ""

    @cached_property
    def dag_ids(self) -> frozenset[str]:
        """Ids of the DAGs that are here, in whatever bundle, and stay."""
        return (self.released | self.inventory.served.keys()) - self.leaving


def findings(needs: Needs, context: ImportContext) -> Iterator[Finding]:
    """Everything that these rules find, unweighed."""
    yield from _named_things(needs, context.inventory)
    yield from _queues_and_executors(needs, context.inventory)
    yield from _packages(needs, context.inventory)
    yield from _other_dags(needs, context)
    yield from _dag_ids(needs, context)
    yield from _versions(needs.manifest, context.inventory)
    yield from _origin(needs.manifest, context.applied)


def _named_things(needs: Needs, inventory: Inventory) -> Iterator[Finding]:
    for kind, here in inventory.standings.items():
        for there, dag_ids in needs.named[kind.value].items():
            name = needs.rename(kind.value, there)
            stands = here.get(name)
            of_type = needs.type_of(kind.value, there)
            about = Message("Type %(of_type)r.", of_type=of_type) if of_type else ""
            if stands in {None, Availability.UNKNOWN}:
                unsure = Message("A secrets backend did not answer.") if stands else ""
                yield MISSING[kind.value], Item(there, _detail(about, _mapped(there, name), unsure), dag_ids)
            elif stands is Availability.PLACEHOLDER:
                detail = _detail(_PLACEHOLDERS[kind.value], about, _mapped(there, name))
                yield Reason.INCOMPLETE_STUB, Item(there, detail, dag_ids)


def _queues_and_executors(needs: Needs, inventory: Inventory) -> Iterator[Finding]:
    for there, dag_ids in needs.named["queue"].items():
        name = needs.rename("queue", there)
        if name not in inventory.queues:
            yield MISSING["queue"], Item(there, _mapped(there, name), dag_ids)
    for name, dag_ids in needs.of(lambda unit: unit.executors).items():
        if name not in inventory.executors:
            yield Reason.MISSING_EXECUTOR, Item(name, dag_ids=dag_ids)
    for name, dag_ids in needs.of(lambda unit: unit.teams).items():
        if name not in inventory.teams:
            yield Reason.MISSING_TEAM, Item(name, dag_ids=dag_ids)


def _packages(needs: Needs, inventory: Inventory) -> Iterator[Finding]:
    here = {canonicalize_name(name): version for name, version in inventory.packages.items()}
    for name, there in _newest(needs.manifest).items():
        version, dag_ids = here.get(canonicalize_name(name)), needs.packages[name]
        if version is None:
            yield Reason.MISSING_PROVIDER, Item(name, Message("%(there)s there.", there=there), dag_ids)
        elif is_older(version, there):
            yield (
                Reason.OLDER_PROVIDER,
                Item(
                    name, Message("%(there)s there, %(version)s here.", there=there, version=version), dag_ids
                ),
            )
    for name, dag_ids in needs.modules.items():
        if name not in inventory.modules:
            yield Reason.MISSING_PLUGIN, Item(name, dag_ids=dag_ids)
    for name, dag_ids in needs.optional_packages.items():
        if canonicalize_name(name) not in here and name not in needs.packages:
            yield Reason.OPTIONAL_IMPORT, Item(name, Message("A package."), dag_ids)
    for name, dag_ids in needs.optional_modules.items():
        if name not in inventory.modules and name not in needs.modules:
            yield Reason.OPTIONAL_IMPORT, Item(name, Message("A module."), dag_ids)


def _newest(manifest: Manifest) -> dict[str, str]:
    versions: dict[str, str] = {}
    for package in (package for unit in manifest.units for package in unit.providers):
        if package.name not in versions or is_older(versions[package.name], package.version):
            versions[package.name] = package.version
    return dict(sorted(versions.items()))


def _other_dags(needs: Needs, context: ImportContext) -> Iterator[Finding]:
    known = context.dag_ids | needs.dag_ids
    for reason, linked in (
        (Reason.MISSING_UPSTREAM_DAG, needs.of(lambda unit: unit.upstream_dags)),
        (Reason.MISSING_TRIGGERED_DAG, needs.of(lambda unit: unit.triggered_dags)),
    ):
        for name, dag_ids in linked.items():
            if name not in known:
                gone = Message("The bundle removes it.") if name in context.leaving else ""
                yield reason, Item(name, gone, dag_ids)
    outlets = {name for unit in needs.manifest.units for name in unit.assets_out}
    for name, dag_ids in needs.of(lambda unit: unit.assets_in).items():
        if name not in outlets and name not in context.inventory.produced:
            yield Reason.MISSING_ASSET_PRODUCER, Item(name, dag_ids=dag_ids)


def _dag_ids(needs: Needs, context: ImportContext) -> Iterator[Finding]:
    for dag_id in sorted(needs.dag_ids):
        why = context.inventory.illegal_ids.get(dag_id)
        if why is None and context.source_prefix and dag_id.startswith(context.source_prefix):
            why = Message(
                "%(source_prefix)r marks the copies of the source here.", source_prefix=context.source_prefix
            )
        if why is not None:
            yield Reason.ILLEGAL_DAG_ID, Item(dag_id, _detail(why), (dag_id,))
        bundle = context.inventory.served.get(dag_id, context.environment)
        if bundle != context.environment:
            yield (
                Reason.DAG_ID_IN_OTHER_BUNDLE,
                Item(dag_id, Message("The bundle %(bundle)r serves it.", bundle=bundle), (dag_id,)),
            )


def _versions(manifest: Manifest, inventory: Inventory) -> Iterator[Finding]:
    for reason, what, there, here in (
        (Reason.OLDER_AIRFLOW, "Airflow", manifest.airflow_version, inventory.airflow_version),
        (Reason.OLDER_PYTHON, "Python", manifest.python_version, inventory.python_version),
    ):
        if is_older(here, there, by_minor=True):
            yield reason, Item(f"{what} {there[:100]}", Message("%(here)s here.", here=here))


def _origin(manifest: Manifest, applied: frozenset[str]) -> Iterator[Finding]:
    if manifest.bundle_id in applied:
        yield Reason.APPLIED_BEFORE, Item(manifest.bundle_id)
    if manifest.base is not None and manifest.base.bundle_id not in applied:
        yield Reason.MISSING_BASE, Item(manifest.base.bundle_id)
    for unit in manifest.units:
        evidence = unit.evidence
        if evidence is None:
            yield Reason.NOT_APPROVED_THERE, Item(unit.path, Message("It comes from a source."), unit.dag_ids)
        elif not evidence.has_approval:
            how = (
                Message("in an emergency")
                if evidence.glass_broken
                else Message("under a flow that asks nobody")
            )
            detail = Message("Released as %(release)s %(how)s.", release=evidence.release, how=how)
            yield Reason.NOT_APPROVED_THERE, Item(unit.path, detail, unit.dag_ids)


def is_older(here: str, there: str, *, by_minor: bool = False) -> bool:
    """Whether a version is older than another; one that cannot be compared is, unless it is equal."""
    try:
        mine, other = Version(here), Version(there)
    except InvalidVersion:
        return here != there
    return mine.release[:2] < other.release[:2] if by_minor else mine < other


def _mapped(there: str, here: str) -> str:
    return "" if there == here else Message("Mapped to %(here)r.", here=here)


def _detail(*parts: str) -> str:
    known = [part for part in parts if part]
    return shortened(together(known), _MOST_DETAIL) if known else ""
