"""What people do past the product."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from airflow_release_plugin.domain.tree.files import TreeChange
from airflow_release_plugin.store.base import CommitMessage, environment_ref
from airflow_release_plugin.store.release_store import ReleaseStore


def push_by_hand(store: ReleaseStore, path: str, text: str, *, branch: str = "prod") -> str:
    """Move the branch of the target, or another one, past the product; return where it is now."""
    head = store.head(branch)
    (entry,) = store.write_files({path: (0o100644, text.encode())})
    commit = store.commit(
        parent=head,
        changes=[TreeChange(path, entry)],
        message=CommitMessage("by hand"),
        author="somebody",
        time=datetime(2026, 3, 2, tzinfo=timezone.utc),
    )
    store.move_ref(environment_ref(branch), expected=head, new=commit)
    return commit


def through_the_link(file: Path, text: str) -> None:
    """Edit a file in place, as root can: everything that shares its bytes changes, the cache too."""
    file.chmod(0o644)
    file.write_text(text)
    file.chmod(0o444)


def beside(file: Path, text: str) -> None:
    """Edit a file as editors do: write another one and rename it."""
    other = file.with_name("other")
    other.write_text(text)
    other.replace(file)
