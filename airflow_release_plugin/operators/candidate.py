"""The tree that the target would have: fetched for a step of a pipeline, and the step's result reported."""

from __future__ import annotations

import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow.sdk import get_current_context

from airflow_release_plugin.domain.release.checks import CheckItem, CheckStatus, ReportKind
from airflow_release_plugin.domain.tree.paths import path_problem
from airflow_release_plugin.exceptions import InvalidRequestError, ReleaseError
from airflow_release_plugin.hooks.release import DEFAULT_CONN_ID, ReleaseHook
from airflow_release_plugin.hooks.task import readable_failures, speak_as
from airflow_release_plugin.schemas.release import MAX_DETAIL, ReportBody

if TYPE_CHECKING:
    from airflow_release_plugin.client.release import ReleaseClient


@contextmanager
def candidate_tree(release_id: int, *, release_conn_id: str = DEFAULT_CONN_ID) -> Iterator[Path]:
    """
    Give a folder with the tree that the target would have after release ``release_id``; removed afterwards.

    For tasks between check and approval. Run its code in a process of its own, never in the task's.
    """
    with (
        readable_failures(),
        ReleaseHook(release_conn_id).get_conn() as client,
        fetched_tree(client, release_id) as tree,
    ):
        yield tree


def report_test(
    release_id: int, *, name: str, passed: bool, detail: str = "", release_conn_id: str = DEFAULT_CONN_ID
) -> None:
    """
    Store the result of a test with the release, for its reviewers. A failed one fails the release.

    To be called in a task of the run that works on the release: nobody else may report on it.
    """
    status = CheckStatus.PASSED if passed else CheckStatus.FAILED
    item = CheckItem(name, status, detail=detail[-MAX_DETAIL:])
    with readable_failures(), ReleaseHook(release_conn_id).get_conn() as client:
        speak_as(client, release_id, get_current_context()["ti"])
        attempt = client.get_release(release_id).attempt
        body = ReportBody(kind=ReportKind.TEST, attempt=attempt, items=[item], request_approval=False)
        client.report(release_id, body)


@contextmanager
def fetched_tree(client: ReleaseClient, release_id: int) -> Iterator[Path]:
    """Give a folder with the candidate tree of a release, fetched through ``client``."""
    with (
        tempfile.TemporaryDirectory(prefix="airflow-release-") as folder,
        tempfile.TemporaryFile() as archive,
    ):
        client.download_tree(release_id, archive)
        tree = Path(folder, "tree")
        extract(archive, tree)
        yield tree


def extract(archive: IO[bytes], into: Path) -> None:
    """
    Unpack a zip into the new folder ``into``, file by file, keeping the executable bit.

    :raises InvalidRequestError: an entry is a link, has a name that cannot travel, or comes twice
    :raises ReleaseError: the archive is damaged
    """
    into.mkdir()
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if not entry.is_dir():
                    _extract_file(opened, entry, into)
    except zipfile.BadZipFile as error:
        raise ReleaseError(f"The candidate tree arrived damaged ({error}); run the task again.") from error


def _extract_file(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path) -> None:
    mode = entry.external_attr >> 16
    problem = "it is a link" if stat.S_ISLNK(mode) else path_problem(entry.filename)
    if problem:
        raise InvalidRequestError(
            f"Entry {entry.filename!r} of the candidate tree cannot be unpacked: {problem}."
        )
    target = into / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("xb") as file, opened.open(entry) as content:
            while chunk := content.read(1 << 16):
                file.write(chunk)
    except FileExistsError:
        raise InvalidRequestError(f"Entry {entry.filename!r} of the candidate tree comes twice.") from None
    target.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
