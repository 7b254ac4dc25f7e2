"""DAGs that a release may change by files that joined it in its check, when nobody had run them yet."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_release_plugin.domain.release.checks import ALSO_CHANGES, CheckItem, CheckStatus
from airflow_release_plugin.messages import Message
from airflow_release_plugin.models import Release
from airflow_release_plugin.services.runtime.context import Context
from airflow_release_plugin.services.versions.contents import dag_files_to_parse


def findings(ctx: Context, release: Release, items: Iterable[CheckItem]) -> list[CheckItem]:
    """
    Failed check items for DAG files that depend on what the completed release changes, and were not run.

    What joined stays with its versions, so that the next check knows what to run.

    :param items: what the worker found
    """
    known = {item.path for item in items} | {item.path for item in release.items}
    return [
        CheckItem(
            ALSO_CHANGES,
            CheckStatus.FAILED,
            path,
            Message(
                "%(path)s is not in this release and depends on a file that joined it in this "
                "check; nobody has run it with that yet. Retry the release: the next check runs it, "
                "too.",
                path=path,
            ),
        )
        for path in dag_files_to_parse(ctx, release)
        if path not in known
    ]
