"""The source as use cases see it: its DAG files, and the closure of each."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.analysis.closure import Closure, ClosureOptions
from airflow_release_plugin.analysis.closure_memo import ClosureMemo
from airflow_release_plugin.analysis.source_files import AnalysisCache, FolderFiles
from airflow_release_plugin.domain.bundle_folders import SourceSnapshot
from airflow_release_plugin.domain.tree.files import blob_id
from airflow_release_plugin.exceptions import ConflictError, NotFoundError, UnitError
from airflow_release_plugin.services.runtime.context import Context

# One of each for the process: what a file contains is remembered by its stat, and a closure by what it was
# made from, so that a list over thousands of files looks only at those that changed.
_CACHE = AnalysisCache()
_CLOSURES = ClosureMemo()


@dataclass(frozen=True)
class Source:
    """The source bundle at one moment."""

    snapshot: SourceSnapshot
    files: FolderFiles
    options: ClosureOptions

    def closure(self, path: str) -> Closure:
        """What one DAG file needs. Raises ``UnitError``, ``TooLargeError``."""
        return _CLOSURES.closure(self.files, path, options=self.options)

    def require(self, path: str) -> None:
        """Raise ``NotFoundError`` unless ``path`` is a DAG file of the source now."""
        if path not in self.snapshot.dag_files:
            raise NotFoundError(
                "%(path)r is not a Dag file of the source any more (deleted, renamed or excluded by "
                ".airflowignore). Reload the list.",
                path=path,
            )

    def read(self, closure: Closure) -> dict[str, tuple[int, bytes]]:
        """
        The bytes of a closure by path, with modes: exactly those that its digest covers.

        :raises ConflictError: a file changed since the closure was computed, or before all were read
        """
        contents: dict[str, tuple[int, bytes]] = {}
        for file in closure.files:
            try:
                data = self.files.read(file.path)
            except UnitError as error:
                raise changed_meanwhile(closure, file.path) from error
            if blob_id(data) != file.blob:
                raise changed_meanwhile(closure, file.path)
            contents[file.path] = (file.mode, data)
        again = self._looked_at_again()
        for file in closure.files:
            if not again.is_file(file.path) or again.entry(file.path).blob != file.blob:
                raise changed_meanwhile(closure, file.path)
        return contents

    def _looked_at_again(self) -> FolderFiles:
        """The folder as it is now: what was read one file after another was there together if it still is."""
        return FolderFiles(
            self.snapshot.root, max_file_bytes=self.files.max_file_bytes, cache=self.files.cache
        )


def changed_meanwhile(closure: Closure, path: str) -> ConflictError:
    """Return the error for a file of a unit that is not what it was when the unit was put together."""
    return ConflictError(
        "%(path)r changed while %(entry)r was being submitted, perhaps because the source "
        "was brought up to date. Submit again.",
        path=path,
        entry=closure.entry,
    )


def open_source(ctx: Context) -> Source:
    """Refresh the source bundle and look at it. Raises ``SourceUnavailableError``."""
    snapshot = ctx.airflow.source.snapshot()
    most = ctx.settings.max_file_bytes
    files = FolderFiles(snapshot.root, max_file_bytes=most, cache=_CACHE, stats=snapshot.stats)
    return Source(snapshot, files, ClosureOptions(max_unit_files=ctx.settings.max_unit_files))
