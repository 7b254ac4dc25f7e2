"""
The release store in Airflow's metadata database, in the transaction of whoever uses it.

New objects wait in the session and are written when it commits, all in one statement: whatever a request
does, they cost one round trip, and two requests that write the same content can only wait for each other at
their very end. What waits counts as stored, since both are there afterwards or neither is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import event

from airflow_release_plugin.exceptions import ConflictError, StoreUnavailableError
from airflow_release_plugin.repositories import objects as queries
from airflow_release_plugin.repositories import refs as ref_queries
from airflow_release_plugin.store.changes import in_the_way, moved
from airflow_release_plugin.store.message import decode_commit
from airflow_release_plugin.store.object_cache import ObjectCache
from airflow_release_plugin.store.objects import GitObject, ObjectKind, checked, folders_of
from airflow_release_plugin.store.release_store import ReleaseStore

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session, SessionTransaction

Clock = Callable[[], datetime]
_Found = TypeVar("_Found")

WAITING_BYTES = 32 * 1024 * 1024
"""What waits for the commit is written before it if it becomes more than this."""
OLD = timedelta(hours=12)
"""What was written longer ago is marked as needed again by whoever counts on it: it may be about to go."""
_LEVEL = 1
"""Of compression: a quarter larger than zlib's usual one, in a third of the time."""
_INFO = "airflow_release_objects"

_CACHES: WeakKeyDictionary[Engine, ObjectCache] = WeakKeyDictionary()


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def database_store(session: Session, clock: Clock = _utc_now) -> ReleaseStore:
    """The store of a session's database, read and written in its transaction."""
    return ReleaseStore(DatabaseObjects(session, clock), DatabaseRefs(session, clock))


@dataclass
class _Unsettled:
    """What one transaction has stored and others cannot see yet."""

    transaction: SessionTransaction
    waiting: dict[str, GitObject] = field(default_factory=dict)
    waiting_bytes: int = 0
    written: set[str] = field(default_factory=set)
    counted_on: set[str] = field(default_factory=set)


class DatabaseObjects:
    """Objects as rows of ``release_object``."""

    def __init__(self, session: Session, clock: Clock = _utc_now) -> None:
        self._session = session
        self._clock = clock
        self._cache = _cache_of(session)

    def load(self, ids: Collection[str], kind: ObjectKind) -> dict[str, GitObject]:
        unsettled = self._unsettled()
        known = {**self._cache.get(ids), **_waiting_among(unsettled, ids)}
        found = {object_id: each for object_id, each in known.items() if each.kind is kind}
        missing = [object_id for object_id in ids if object_id not in known]
        if missing:
            rows = queries.load(self._session, missing, kind.value)
            read = {object_id: _unpacked(object_id, kind, data) for object_id, data in rows}
            self._cache.put(_settled(unsettled, read))
            found.update(read)
        return found

    def sizes(self, blobs: Collection[str]) -> dict[str, int]:
        unsettled = self._unsettled()
        found = self._cache.sizes(blobs)
        waiting = _waiting_among(unsettled, blobs).items()
        found.update({blob: len(each.data) for blob, each in waiting if each.kind is ObjectKind.BLOB})
        missing = [blob for blob in blobs if blob not in found]
        if missing:
            read = queries.sizes(self._session, missing)
            self._cache.put_sizes(_settled(unsettled, read))
            found.update(read)
        return found

    def compressed(self, blobs: Collection[str]) -> dict[str, bytes]:
        waiting = _waiting_among(self._unsettled(), blobs)
        found = {blob: zlib.compress(each.data, _LEVEL) for blob, each in waiting.items()}
        missing = [blob for blob in blobs if blob not in found]
        return found | dict(queries.load(self._session, missing, ObjectKind.BLOB.value))

    def existing(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        waiting = _waiting_among(self._unsettled(), ids)
        found = {object_id for object_id, each in waiting.items() if each.kind is kind}
        missing = [object_id for object_id in ids if object_id not in waiting]
        return found | queries.existing(self._session, missing, kind.value) if missing else found

    def count_on(self, ids: Collection[str], kind: ObjectKind) -> set[str]:
        # Marked as needed at the commit, like what is written: nobody waits for this transaction before
        found = self.existing(ids, kind)
        unsettled = self._unsettled(begin=True)
        if found and unsettled is not None:
            old = queries.written_before(self._session, found, self._clock() - OLD)
            unsettled.counted_on |= old - unsettled.waiting.keys()
        return found

    def add(self, objects: Collection[GitObject]) -> None:
        if not objects:
            return
        unsettled = self._unsettled(begin=True)
        if unsettled is None:
            raise RuntimeError("a session without a transaction was asked to store objects")
        for each in objects:
            if each.id not in unsettled.waiting:
                unsettled.waiting[each.id] = each
                unsettled.waiting_bytes += len(each.data)
        if unsettled.waiting_bytes > WAITING_BYTES:
            self._write_out(unsettled)

    def chain(self, commit: str, limit: int) -> list[GitObject]:
        found: list[GitObject] = []
        following: str | None = commit
        waiting = unsettled.waiting if (unsettled := self._unsettled()) else {}
        while following in waiting and len(found) < limit:
            found.append(waiting[following])
            following = next(iter(decode_commit(found[-1].data).parents), None)
        if following and len(found) < limit:
            rows = queries.chain(self._session, following, limit - len(found))
            read = {object_id: _unpacked(object_id, ObjectKind.COMMIT, data) for object_id, data in rows}
            self._cache.put(_settled(self._unsettled(), read))
            found += read.values()
        return found

    def _unsettled(self, *, begin: bool = False) -> _Unsettled | None:
        """What the present transaction has stored; what another one had is forgotten with it."""
        session = self._session
        if begin:
            session.connection()
        transaction = session.get_transaction()
        noted: _Unsettled | None = session.info.get(_INFO)
        if noted is not None and noted.transaction is transaction:
            return noted
        if transaction is None or not begin:
            return None
        if noted is None:
            event.listen(session, "before_commit", self._before_commit)
        noted = session.info[_INFO] = _Unsettled(transaction)
        return noted

    def _before_commit(self, session: Session) -> None:
        # The end of a savepoint is no commit
        unsettled = None if session.in_nested_transaction() else self._unsettled()
        if unsettled is not None:
            self._write_out(unsettled)
            self._mark_needed(unsettled)

    def _mark_needed(self, unsettled: _Unsettled) -> None:
        ids, unsettled.counted_on = unsettled.counted_on, set()
        if queries.mark_written(self._session, ids, self._clock()) < len(ids):
            raise ConflictError(
                "What had not been needed for long was removed from the store at the same moment. Nothing "
                "was changed; do it again."
            )

    def _write_out(self, unsettled: _Unsettled) -> None:
        waiting, unsettled.waiting, unsettled.waiting_bytes = unsettled.waiting, {}, 0
        unsettled.written.update(waiting)
        queries.add(self._session, map(_packed, waiting.values()), self._clock())


class DatabaseRefs:
    """Refs as rows of ``release_ref``."""

    def __init__(self, session: Session, clock: Clock = _utc_now) -> None:
        self._session = session
        self._clock = clock

    def read(self, name: str) -> str | None:
        return ref_queries.commit_of(self._session, name)

    def with_prefix(self, prefix: str) -> dict[str, str]:
        return ref_queries.with_prefix(self._session, prefix)

    def swap(self, name: str, expected: str | None, new: str) -> None:
        if expected is not None:
            done = ref_queries.move(self._session, name, expected=expected, new=new, now=self._clock())
        else:
            folders = folders_of(name)
            done = ref_queries.create(self._session, name, new, self._clock(), folders=folders)
            if not done and ref_queries.clashing(self._session, name, folders):
                raise in_the_way(name)
        if not done:
            raise moved(name, expected, self.read(name))

    def note_heads(self, commits: Collection[str]) -> None:
        ref_queries.note_heads(self._session, commits, self._clock())

    def was_head(self, commit: str) -> bool:
        return ref_queries.was_head(self._session, commit)


def _cache_of(session: Session) -> ObjectCache:
    engine = session.get_bind().engine
    if engine not in _CACHES:
        _CACHES[engine] = ObjectCache()
    return _CACHES[engine]


def _waiting_among(unsettled: _Unsettled | None, ids: Collection[str]) -> dict[str, GitObject]:
    waiting = unsettled.waiting if unsettled else {}
    return {object_id: waiting[object_id] for object_id in ids if object_id in waiting}


def _settled(unsettled: _Unsettled | None, found: dict[str, _Found]) -> dict[str, _Found]:
    """Without what a rollback would take back: others must not be told that it is there."""
    written = unsettled.written if unsettled else set()
    return {object_id: each for object_id, each in found.items() if object_id not in written}


def _packed(each: GitObject) -> queries.NewObject:
    parents = decode_commit(each.data).parents if each.kind is ObjectKind.COMMIT else ()
    return queries.NewObject(
        id=each.id,
        kind=each.kind.value,
        size=len(each.data),
        data=zlib.compress(each.data, _LEVEL),
        parent=next(iter(parents), None),
    )


def _unpacked(object_id: str, kind: ObjectKind, data: bytes) -> GitObject:
    try:
        content = zlib.decompress(data)
    except zlib.error as error:
        raise StoreUnavailableError(
            "%(kind)s %(object)s of the store is damaged (%(error)s). Restore the database "
            "from a backup, or that object from a mirror.",
            kind=kind.value.capitalize(),
            error=error,
            object=object_id,
        ) from error
    return checked(object_id, GitObject(kind, content))
