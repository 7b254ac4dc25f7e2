"""From one store into another: commits with all that they hold, and the refs that name them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from airflow_release_plugin.exceptions import StoreConflictError
from airflow_release_plugin.store.missing import ObjectSource, missing_objects
from airflow_release_plugin.store.objects import ObjectKind, Objects, load_all
from airflow_release_plugin.store.paths import check_ref
from airflow_release_plugin.store.release_store import ReleaseStore


@dataclass(frozen=True)
class CopiedRefs:
    """What a copy did: names of the refs that are new, and of those that were there already."""

    new: tuple[str, ...]
    known: tuple[str, ...]


def copy_refs(source: ReleaseStore, target: ReleaseStore, prefixes: Iterable[str]) -> CopiedRefs:
    """
    Bring all refs with some prefixes, and what they reach. Doing it again changes nothing.

    :raises StoreConflictError: a ref is elsewhere in the target; nothing was copied
    """
    wanted = {name: commit for prefix in prefixes for name, commit in source.refs(prefix).items()}
    there = {name: target.ref(check_ref(name)) for name in wanted}
    differing = [name for name, commit in there.items() if commit not in {None, wanted[name]}]
    if differing:
        raise StoreConflictError(
            "%(number)s refs are elsewhere already, %(ref)r among them: there it is "
            "%(wanted)s, here %(found)s. Nothing was changed; only an empty or an equal store "
            "can take it in.",
            number=len(differing),
            ref=differing[0],
            wanted=wanted[differing[0]],
            found=there[differing[0]],
            refs=differing[:50],
        )
    new = [name for name in sorted(wanted) if there[name] is None]
    copy_commits(source, target, [wanted[name] for name in new])
    for name in new:
        target.move_ref(name, expected=None, new=wanted[name])
    return CopiedRefs(tuple(new), tuple(sorted(wanted.keys() - set(new))))


def copy_commits(source: ReleaseStore, target: ReleaseStore, commits: Collection[str]) -> None:
    """
    Bring commits, their ancestors, and everything in them, as far as the target lacks it.

    What holds others is written after them: a copy that is cut off leaves nothing that lacks a part.
    """
    bring(source.objects, target.objects, commits)


def bring(source: ObjectSource, target: Objects, commits: Collection[str]) -> None:
    """The same for what stores are built on."""
    missing = missing_objects(source, lambda ids: target.existing(ids, ObjectKind.COMMIT), commits)
    for kind, batch in missing.batches(source):
        lacking = set(batch) - target.existing(batch, kind)
        ordered = [object_id for object_id in batch if object_id in lacking]
        found = load_all(source, ordered, kind)
        target.add([found[object_id] for object_id in ordered])
