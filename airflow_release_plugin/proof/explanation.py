"""What people are told about a version that would not be in the target what it is in the source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message
from airflow_release_plugin.proof.comparison import Difference
from airflow_release_plugin.proof.log_lines import names_in
from airflow_release_plugin.proof.observation import Access
from airflow_release_plugin.proof.proving import FileProof

Files = Mapping[str, FileEntry]

_MOST_FILES = 10
_MOST_PLACES = 5
"""So many files and places stand in a text; who has mended those sees the next."""


@dataclass(frozen=True)
class LackingFiles:
    """
    Files of the source that a version looked at and does not hold.

    :param sentence: says where it looked and what is not there
    :param files: paths; with them in its unit, both runs see the same
    """

    sentence: str
    files: tuple[str, ...]


def explain(proof: FileProof, *, source: Files, candidate: Files) -> str:
    """
    Say what differs, why as far as the runs tell, and what to do; empty where both runs made the same.

    :param source: the tree that the version was submitted from
    :param candidate: the tree that the target would have
    """
    if proof.before is None or not (proof.different or proof.logged):
        return ""
    lines = [*_differences(proof), *_logged(proof)]
    if proof.is_equal:
        lines.append(
            Message(
                "Two runs in %(origin)s differ like that, too: it depends on the clock, or on "
                "chance. Airflow makes a new version of such a Dag each time that it parses the "
                "file; use fixed values.",
                origin=_origin(proof),
            )
        )
        return "\n".join(lines)
    causes = _causes(proof, source, candidate)
    lines += [cause.sentence for cause in causes]
    if causes:
        lines.append(_mend(proof, [path for cause in causes for path in cause.files]))
    else:
        guests = list(_guests(proof, source, candidate))
        lines += [*(_nowhere(proof, line) for line in proof.logged), *guests]
        lines.append(
            Message("Give it a folder of its own, or let it list only the names that it needs.")
            if guests
            else Message(
                "All files that it opened are the same in both. So it looks at where it runs: its "
                "own path, an environment variable, the files beside it. Make it independent of "
                "that, and submit it again."
            )
        )
    return "\n".join(filter(None, lines))


def lacking_files(proof: FileProof, *, source: Files, candidate: Files) -> tuple[str, ...]:
    """The files of the source that explain why a version failed: with them, it may be what it is there."""
    if proof.before is None or proof.is_equal:
        return ()
    return tuple(sorted({path for cause in _causes(proof, source, candidate) for path in cause.files}))


def explain_other(other: FileProof) -> tuple[str, bool]:
    """
    Say what becomes of a DAG file that the release does not name, and whether that is harm.

    Empty where it stays what it is, as far as its code is steady. Harm is a DAG that disappears, and a file
    that works now and would not.
    """
    before, after = other.before, other.after
    if before is None or (other.is_equal and not (after.error and not before.error)):
        return "", False
    gone = tuple(dag_id for dag_id in before.dag_ids if dag_id not in after.dag_ids)
    if after.error and not before.error:
        reason = after.error.strip().splitlines()[-1]
        return Message(
            "%(path)s is not in this release and works now; with it, it would fail: %(reason)s",
            path=other.path,
            reason=reason,
        ), True
    if gone:
        text = Message(
            "%(path)s is not in this release; with it, %(listed)s would disappear.",
            path=other.path,
            listed=_listed(gone),
        )
        return Message(
            "%(text)s Take back what it needs, or release its removal together with this.", text=text
        ), True
    places = [_place_in_target(each) for each in other.different[:_MOST_PLACES]]
    logged = [
        Message("Parsing it would log, and does not now: %(line)s", line=line)
        for line in other.logged[:_MOST_PLACES]
    ]
    head = Message("%(path)s is not in this release, but would change with it.", path=other.path)
    return "\n".join([head, *places, *logged]), False


def _place_in_target(each: Difference) -> str:
    if not each.where:
        return Message("Dag %(dag_id)s would be new.", dag_id=each.dag_id)
    first, second = each.first or Message("not there"), each.second or Message("not there")
    return Message(
        "Dag %(dag_id)s, %(where)s: %(first)s now, %(second)s then.",
        dag_id=each.dag_id,
        where=each.where,
        first=first,
        second=second,
    )


def include_rule(dag_file: str, files: list[str]) -> str:
    """The lines of ``release.toml`` that put files into the unit of a DAG file."""
    return f"[[include]]\ndags = {json.dumps(dag_file)}\nfiles = {json.dumps(files, ensure_ascii=False)}"


def _differences(proof: FileProof) -> Iterator[str]:
    if proof.before is not None and any(not each.where for each in proof.different):
        yield (
            Message(
                "In %(origin)s %(path)s makes %(listed)s; in the target it would make %(listed_2)s.",
                origin=_origin(proof),
                path=proof.path,
                listed=_listed(proof.before.dag_ids),
                listed_2=_listed(proof.after.dag_ids),
            )
        )
    changed = [each for each in proof.different if each.where]
    for each in changed[:_MOST_PLACES]:
        yield _place(proof, each)
    if len(changed) > _MOST_PLACES:
        yield Message("%(more)s more places differ.", more=len(changed) - _MOST_PLACES)


def _logged(proof: FileProof) -> Iterator[str]:
    for line in proof.logged[:_MOST_PLACES]:
        yield Message(
            "In the target it logs while it is parsed, and in %(origin)s it does not: %(line)s",
            origin=_origin(proof),
            line=line,
        )
    if len(proof.logged) > _MOST_PLACES:
        yield Message("%(more)s more lines are logged only there.", more=len(proof.logged) - _MOST_PLACES)


def _origin(proof: FileProof) -> str:
    """What a version was made from, in the middle of a sentence."""
    return Message("the bundle") if proof.is_imported else Message("the source")


def _guests(proof: FileProof, source: Files, candidate: Files) -> Iterator[str]:
    """Files of others that a version would meet in a folder that it lists."""
    for access in proof.after.observed.listed:
        if access.path == ".":
            continue
        prefix = f"{access.path}/"
        more = [
            path
            for path in candidate
            if path.startswith(prefix) and "/" not in path[len(prefix) :] and path not in source
        ]
        if more:
            yield Message(
                "It lists %(path)s%(at)s; in the target %(few)s is there, too.",
                path=access.path,
                at=_at(access),
                few=_few(more),
            )


def _nowhere(proof: FileProof, line: str) -> str:
    """That the source has no file that a line may name; empty for a line that names none."""
    names = [name for name in names_in(line) if "/" in name]
    return (
        Message(
            "%(origin)s has no %(names)s.", origin=_origin(proof).capitalize(), names=" and no ".join(names)
        )
        if names
        else ""
    )


def _place(proof: FileProof, each: Difference) -> str:
    first, second = each.first or Message("not there"), each.second or Message("not there")
    return Message(
        "Dag %(dag_id)s, %(where)s: %(first)s in %(origin)s, %(second)s in the target.",
        dag_id=each.dag_id,
        where=each.where,
        first=first,
        origin=_origin(proof),
        second=second,
    )


def _causes(proof: FileProof, source: Files, candidate: Files) -> list[LackingFiles]:
    def is_lacking(path: str) -> bool:
        return path in source and candidate.get(path) != source[path]

    found = [
        LackingFiles(
            Message(
                "It looks for %(path)s%(at)s, which is not in its unit.", path=access.path, at=_at(access)
            ),
            (access.path,),
        )
        for access in proof.after.observed.missing
        if is_lacking(access.path)
    ]
    named = {path for cause in found for path in cause.files}
    for name in dict.fromkeys(name for line in proof.logged for name in names_in(line)):
        paths = [path for path in _meant(name, proof.path, source) if is_lacking(path)]
        if paths and not named.issuperset(paths):
            named.update(paths)
            sentence = Message(
                "It names %(name)s; %(few)s is in %(origin)s, and not in its unit.",
                name=name,
                few=_few(paths),
                origin=_origin(proof),
            )
            found.append(LackingFiles(sentence, tuple(paths)))
    listed = proof.before.observed.listed if proof.before else ()
    # A listing of the root explains the least.
    for access in sorted(listed, key=lambda access: access.path == "."):
        if access.path == "." and found:
            break
        prefix = "" if access.path == "." else f"{access.path}/"
        lacking = [
            path
            for path in source
            if path.startswith(prefix) and "/" not in path[len(prefix) :] and is_lacking(path)
        ]
        if lacking and not named.issuperset(lacking):
            named.update(lacking)
            shown = _few(lacking)
            where = (
                Message("the root of %(origin)s", origin=_origin(proof))
                if access.path == "."
                else access.path
            )
            found.append(
                LackingFiles(
                    Message(
                        "It lists %(where)s%(at)s; %(shown)s would not be there.",
                        where=where,
                        at=_at(access),
                        shown=shown,
                    ),
                    tuple(lacking),
                )
            )
    return found


def _meant(name: str, dag_file: str, source: Files) -> list[str]:
    """The files that a name in a log may mean: below the folder of the DAG file, the root, or anywhere."""
    folder = dag_file.rpartition("/")[0]
    for path in (f"{folder}/{name}" if folder else name, name):
        if path in source:
            return [path]
    return [path for path in source if path.endswith(f"/{name}")] if "/" in name else []


def _mend(proof: FileProof, files: list[str]) -> str:
    wanted = sorted(set(files))[:_MOST_FILES]
    where = Message("release.toml where the bundle comes from") if proof.is_imported else "release.toml"
    again = Message("release and export it there again") if proof.is_imported else Message("submit it again")
    return Message(
        "Add what it needs of that to its unit with these lines in %(where)s, and %(again)s:\n%(path)s",
        where=where,
        again=again,
        path=include_rule(proof.path, wanted),
    )


def _at(access: Access) -> str:
    return f" ({access.place})" if access.place else ""


def _few(paths: list[str]) -> str:
    shown = ", ".join(paths[:_MOST_FILES])
    return (
        shown
        if len(paths) <= _MOST_FILES
        else Message("%(shown)s and %(more)s more", shown=shown, more=len(paths) - _MOST_FILES)
    )


def _listed(ids: tuple[str, ...]) -> str:
    return ", ".join(ids) or "no Dag"
