"""What a bundle that people edit by hand holds today, before an environment takes it over."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_release_plugin.analysis.closure import (
    Closure,
    ClosureFile,
    ClosureOptions,
    FileKind,
    compute_closure,
)
from airflow_release_plugin.analysis.source_files import AnalysisCache, FolderFiles, SourceFiles
from airflow_release_plugin.domain.text.phrasing import reason_of
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.domain.tree.leavings import is_leaving
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError, UnitError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.services.runtime.context import Context

_CACHE = AnalysisCache()


@dataclass(frozen=True)
class Baseline:
    """
    A bundle at one moment.

    :param entries: every file, those of no DAG too; not what editors and Python leave behind
    :param dags: ids by DAG file, as Airflow's dag processor found them
    :param broken: the last line of the import error that Airflow stored, by file
    :param problems: sentences that say why the bundle cannot be taken as it is
    """

    bundle: str
    files: FolderFiles
    root: str
    entries: tuple[FileEntry, ...]
    dags: Mapping[str, tuple[str, ...]]
    broken: Mapping[str, str]
    problems: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """All DAG ids, sorted."""
        return tuple(sorted(dag_id for ids in self.dags.values() for dag_id in ids))


def look(ctx: Context, name_or_path: str) -> Baseline:
    """
    The bundle of that name, or that reads that folder. No DAG is imported: Airflow knows them.

    :raises NotFoundError: no bundle of this Airflow is meant
    :raises InvalidRequestError: it is the source, or serves releases
    """
    folder = ctx.airflow.bundles.folder(name_or_path)
    if folder.name == ctx.settings.source:
        raise InvalidRequestError(
            "Bundle %(bundle)r is the source, where people edit. Name the bundle that "
            "%(environment)r runs today, or give [release] source_bundle another name.",
            bundle=folder.name,
            environment=ctx.settings.environment,
        )
    files = FolderFiles(folder.root, max_file_bytes=ctx.settings.max_file_bytes, cache=_CACHE)
    problems: list[str] = []
    entries = tuple(sorted(_entries(files, problems)))
    taken = {entry.path for entry in entries}
    facts = ctx.airflow.source.facts(folder.name)
    dags = {path: tuple(sorted(f.dag_id for f in facts[path])) for path in sorted(facts) if path in taken}
    problems += [
        Message(
            "%(path)r holds %(dag_ids)s, but is no file that can be released (an archive, or "
            "gone): unpack it, or wait until Airflow has noticed.",
            path=path,
            dag_ids=sorted(f.dag_id for f in facts[path]),
        )
        for path in sorted(facts)
        if path not in taken
    ]
    if not dags:
        problems.append(
            Message(
                "Airflow knows no Dag of bundle %(bundle)r. Wait until its dag processor has parsed it.",
                bundle=folder.name,
            )
        )
    errors = ctx.airflow.source.import_errors(folder.name)
    broken = {path: reason_of(error) for path, error in sorted(errors.items()) if error.strip()}
    return Baseline(
        bundle=folder.name,
        files=files,
        root=str(folder.root),
        entries=entries,
        dags=dags,
        broken=broken,
        problems=tuple(problems),
    )


def _entries(files: FolderFiles, problems: list[str]) -> Iterator[FileEntry]:
    """Every file below the root but leavings; what cannot be taken is added to ``problems``."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            names = files.names(folder)
        except UnitError as error:
            problems.append(error.message)
            continue
        for name, is_folder in names.items():
            path = posixpath.join(folder, name)
            if is_leaving(path):
                continue
            try:
                if not is_folder:
                    yield files.entry(path)
                elif files.may_descend(path):
                    folders.append(path)
                elif path in files.left_out:
                    problems.append(files.left_out[path])
            except UnitError as error:
                problems.append(error.message)


def closure_of(ctx: Context, files: SourceFiles, path: str) -> Closure:
    """What a DAG file needs. It runs today: one that cannot be analysed is taken alone, with a warning."""
    options = ClosureOptions(max_unit_files=ctx.settings.max_unit_files)
    try:
        return compute_closure(files, path, options=options)
    except ReleaseError as error:
        entry = files.entry(path)
        alone = ClosureFile(path, entry.mode, entry.blob, entry.size, FileKind.DAG, "DAG file")
        return Closure(path, (alone,), warnings=(error.message,), gaps=(error.message,))
