"""
Git repositories elsewhere that branches and tags are pushed to: a folder, or over HTTPS or SSH.

A ref moves only from where it was seen, so whatever somebody pushes meanwhile is not overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dulwich.client import GitClient, HTTPProxyUnauthorized, HTTPUnauthorized, StrangeHostname
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.pack import UnpackedObject
from dulwich.refs import Ref
from urllib3.exceptions import HTTPError, MaxRetryError

from airflow_release_plugin.exceptions import MirrorUnavailableError, ReleaseError
from airflow_release_plugin.messages import Message
from airflow_release_plugin.store.bare_repository import open_repository
from airflow_release_plugin.store.base import HEADS, MIRRORED
from airflow_release_plugin.store.copies import bring
from airflow_release_plugin.store.missing import MissingObjects, ObjectSource, missing_objects
from airflow_release_plugin.store.objects import ObjectKind, load_all

_LONGEST_HISTORY = 1_000_000
_NUMBERS = {
    ObjectKind.BLOB: Blob.type_num,
    ObjectKind.TREE: Tree.type_num,
    ObjectKind.COMMIT: Commit.type_num,
}

Decide = Callable[[Mapping[str, str]], Mapping[str, str]]
"""From refs that are there to those that shall move, and whither."""


class Mirror(Protocol):
    """A repository that is pushed to."""

    def push(self, source: ObjectSource, decide: Decide) -> None:
        """
        Move refs, after what they reach was brought.

        :raises MirrorUnavailableError: it does not answer, lets us not in, or refuses
        """
        ...


@dataclass(frozen=True)
class FolderMirror:
    """A bare repository in a folder of this machine."""

    path: Path

    def push(self, source: ObjectSource, decide: Decide) -> None:
        try:
            store = open_repository(self.path)
            there = {ref: commit for prefix in MIRRORED for ref, commit in store.refs(prefix).items()}
            updates = decide(there)
            bring(source, store.objects, _newest_first(updates))
            for ref, commit in updates.items():
                store.move_ref(ref, expected=there.get(ref), new=commit)
        except ReleaseError as error:
            raise MirrorUnavailableError(error.message) from error


@dataclass(frozen=True)
class NetworkMirror:
    """
    A repository that a client of dulwich reaches.

    :param open_client: makes one for each push, with what belongs to it, say a file with a key
    :param path: of the repository on its server
    """

    open_client: Callable[[], AbstractContextManager[GitClient]]
    path: str

    def push(self, source: ObjectSource, decide: Decide) -> None:
        there: dict[str, str] = {}
        updates: dict[str, str] = {}

        def update_refs(found: dict[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            there.update({ref.decode(errors="replace"): commit.decode() for ref, commit in found.items()})
            updates.update(decide({ref: commit for ref, commit in there.items() if ref.startswith(MIRRORED)}))
            return {Ref(ref.encode()): ObjectID(commit.encode()) for ref, commit in updates.items()}

        def pack(
            have: object, want: object, *, ofs_delta: bool = False, progress: object = None
        ) -> tuple[int, Iterator[UnpackedObject]]:
            del have, want, ofs_delta, progress  # whole objects, and we know better what is there
            missing = missing_objects(source, _known_there(source, there), _newest_first(updates))
            return len(missing), _records(source, missing)

        with _errors(), self.open_client() as client:
            result = client.send_pack(self.path.encode(), update_refs, pack)
        refused = {ref: reason for ref, reason in (result.ref_status or {}).items() if reason}
        if refused:
            ref, reason = next(iter(refused.items()))
            raise MirrorUnavailableError(
                "The mirror refuses %(ref)s: %(reason)s.", ref=ref.decode(), reason=reason
            )


def _newest_first(updates: Mapping[str, str]) -> list[str]:
    """Commits of branches before those of tags, which lie behind them: each is then read once."""
    return [updates[ref] for ref in sorted(updates)]


def _known_there(source: ObjectSource, there: Mapping[str, str]) -> Callable[[Collection[str]], set[str]]:
    """Which commits the mirror has, told from its refs; those behind them are looked for when it matters."""
    tips = set(there.values())
    behind: set[str] = set()

    def has(commits: Collection[str]) -> set[str]:
        found = tips.intersection(commits)
        if not found and not behind:
            heads = {commit for ref, commit in there.items() if ref.startswith(HEADS)}
            known = source.load(sorted(heads), ObjectKind.COMMIT)
            behind.update(each.id for head in known for each in source.chain(head, _LONGEST_HISTORY))
        return found | behind.intersection(commits)

    return has


def _records(source: ObjectSource, missing: MissingObjects) -> Iterator[UnpackedObject]:
    for kind, batch in missing.batches(source):
        found = load_all(source, batch, kind)
        for object_id in batch:
            yield UnpackedObject(
                _NUMBERS[kind], decomp_chunks=[found[object_id].data], sha=bytes.fromhex(object_id)
            )


@contextmanager
def _errors() -> Iterator[None]:
    """What a push may end in, as one error that people can act on."""
    try:
        yield
    except HTTPUnauthorized as error:
        raise MirrorUnavailableError("The mirror refuses the login or token.") from error
    except HTTPProxyUnauthorized as error:
        raise MirrorUnavailableError("The proxy on the way to the mirror wants a login.") from error
    except NotGitRepository as error:
        raise MirrorUnavailableError(
            "There is no repository at that address, or the login may not see it."
        ) from error
    except NotImplementedError as error:
        raise MirrorUnavailableError("What answers at that address is no git server.") from error
    except HangupException as error:
        lines = b"; ".join(error.stderr_lines or []).decode(errors="replace").strip()
        raise MirrorUnavailableError(
            "The mirror hung up: %(words)s", words=lines or Message("it said nothing")
        ) from error
    except FileNotFoundError as error:
        raise MirrorUnavailableError(
            "%(program)s is not installed on this server.", program=error.filename
        ) from error
    except StrangeHostname as error:
        raise MirrorUnavailableError("%(host)s is no name of a host.", host=error) from error
    except (GitProtocolError, HTTPError, OSError, ValueError) as error:
        raise MirrorUnavailableError(
            "The mirror does not answer as it should: %(words)s", words=_words(error)
        ) from error


def _words(error: Exception) -> str:
    """Why, without the addresses of objects in memory that libraries put before it."""
    cause = error.__cause__ if isinstance(error.__cause__, MaxRetryError) else error
    text = str(cause.reason if isinstance(cause, MaxRetryError) else cause)
    return re.sub(r"^<?[\w.]+ object at 0x\w+>: |^\w+\(.*\): (?=Failed)", "", text) or type(error).__name__
