"""What units refer to: found while their files go into a bundle, each content looked through once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from airflow_release_plugin.analysis.file_findings import FileFindings, find_in
from airflow_release_plugin.analysis.likely_secrets import LikelySecret
from airflow_release_plugin.analysis.needed_modules import NeededModules
from airflow_release_plugin.analysis.packages import required_packages, strange_modules
from airflow_release_plugin.analysis.parsed_dag import ParsedTask
from airflow_release_plugin.analysis.references import References
from airflow_release_plugin.analysis.source_files import AnalysisCache
from airflow_release_plugin.domain.bundle.manifest import BundleConnection, BundlePackage, BundleUnit
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.services.exports.contents import UnitContent

_MOST_SECRETS = 200
_KNOWN = AnalysisCache()
"""
Of the process, by path and blob: most files of an export were in an earlier one, and parsing costs many times
what packing does. A file that was changed is another blob.
"""
_DEFAULT_POOL = "default_pool"
_DEFAULT_QUEUES = frozenset({"", "default"})


@dataclass
class Findings:
    """
    What was seen in the files so far.

    :param files: paths of all files; modules of these are no plugins
    """

    files: Collection[str]
    secrets: list[LikelySecret] = field(default_factory=list)
    _references: dict[str, References] = field(default_factory=dict)
    _of_units: dict[str, References] = field(default_factory=dict)
    _modules: dict[str, NeededModules] = field(default_factory=dict)

    def look_at(self, entry: FileEntry, data: bytes) -> None:
        """Note what a file refers to, and what in it may be a secret. The bytes are those of the entry."""
        key = (entry.path, entry.blob)
        found: FileFindings | None = _KNOWN.kept.get(key)
        if found is None:
            found = find_in(entry.path, data)
            _KNOWN.keep(key, found)
        if found.references is not None:
            self._references[entry.path] = found.references
        if found.modules is not None:
            self._modules[entry.path] = found.modules
        room = _MOST_SECRETS - len(self.secrets)
        if room > 0:
            self.secrets.extend(found.secrets[:room])

    def connections(self, units: Iterable[UnitContent]) -> set[str]:
        """Ids of all connections."""
        return {name for unit in units for name in self._connections(unit)}

    def unit(
        self, content: UnitContent, types: Mapping[str, str], plain: Callable[[str], str], renamed_from: str
    ) -> BundleUnit:
        """
        The unit as the manifest has it.

        :param types: of connections, by id
        :param plain: the name in the target of a DAG or an asset of this Airflow
        :param renamed_from: path in the base, if it was another
        """
        references = self._of(content)
        tasks = _tasks(content)
        pools = (
            *references.pools,
            *(task.pool for task in tasks),
            *(p for dag in content.facts for p in dag.pools),
        )
        modules, optional = self._foreign_modules(content)
        return BundleUnit(
            unit_id=content.unit_id,
            path=content.path,
            files=tuple(self._paths(content)),
            dags=content.dags,
            version=content.version,
            digest=content.digest,
            previous_path=renamed_from,
            connections=tuple(
                BundleConnection(name, types.get(name, "")) for name in sorted(self._connections(content))
            ),
            variables=references.variables,
            pools=_sorted(set(pools) - {_DEFAULT_POOL}),
            queues=_sorted({*references.queues, *(task.queue for task in tasks)} - _DEFAULT_QUEUES),
            executors=_sorted((*references.executors, *(task.executor for task in tasks))),
            providers=_packages(modules),
            plugins=_sorted(strange_modules(modules)),
            optional_packages=tuple(
                package for package in _packages(optional) if package not in _packages(modules)
            ),
            optional_modules=_sorted(strange_modules(optional) - strange_modules(modules)),
            evidence=content.evidence,
            **_links(content, references, plain),
        )

    @cached_property
    def _local(self) -> frozenset[str]:
        """Top-level modules that files of the bundle are."""
        return frozenset(path.partition("/")[0].removesuffix(".py") for path in self.files)

    def _paths(self, content: UnitContent) -> list[str]:
        return sorted(entry.path for entry in content.files)

    def _of(self, content: UnitContent) -> References:
        """Of a whole unit, once all of its files were looked at."""
        if content.unit_id not in self._of_units:
            self._of_units[content.unit_id] = self._united(content)
        return self._of_units[content.unit_id]

    def _united(self, content: UnitContent) -> References:
        literal = [self._references[path] for path in self._paths(content) if path in self._references]
        checked = [content.parsed.references] if content.parsed else []
        return References().merged([*literal, *checked])

    def _connections(self, content: UnitContent) -> set[str]:
        named = (name for task in _tasks(content) for name in task.connections)
        return {*self._of(content).connections, *named}

    def _foreign_modules(self, content: UnitContent) -> tuple[set[str], set[str]]:
        """Modules that no file of the bundle is: those that are needed where Airflow runs, and all others."""
        own = [self._modules[path] for path in self._paths(content) if path in self._modules]
        elsewhere = {name for each in own for name in each.elsewhere}
        needed = {name for each in own for name in each.needed_but_for(elsewhere)}
        if content.parsed:
            # What the run before the release had no use for.
            needed -= content.parsed.skipped_imports
        every = {name for each in own for name in each.every}

        def foreign(names: set[str]) -> set[str]:
            return {name for name in names if name.partition(".")[0] not in self._local}

        return foreign(needed), foreign(every - needed)


def _packages(modules: Iterable[str]) -> tuple[BundlePackage, ...]:
    return tuple(BundlePackage(*item) for item in required_packages(modules).items())


def _tasks(content: UnitContent) -> list[ParsedTask]:
    return [task for dag in content.parsed.dags for task in dag.tasks] if content.parsed else []


def _links(
    content: UnitContent, references: References, plain: Callable[[str], str]
) -> dict[str, tuple[str, ...]]:
    """Other DAGs and assets, under the names that the manifest has for them."""
    dags, facts, own = content.parsed.dags if content.parsed else (), content.facts, set(content.dag_ids)
    awaited = {*references.awaited_dags, *(plain(name) for dag in facts for name in dag.awaits)}
    triggered = {*references.triggered_dags, *(plain(name) for dag in facts for name in dag.triggers)}
    taken = {plain(name) for dag in facts for name in dag.assets_in}
    given = {plain(name) for dag in facts for name in dag.assets_out}
    if not dags:
        # Schedules of a source are switched off, so nobody else tells what it waits for.
        taken |= set(references.assets) - given
    return {
        "assets_in": _sorted(taken.union(*(dag.assets_in for dag in dags))),
        "assets_out": _sorted(given.union(*(dag.assets_out for dag in dags))),
        "upstream_dags": _sorted(awaited - own),
        "triggered_dags": _sorted(triggered - own),
    }


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in set(names) if name))
