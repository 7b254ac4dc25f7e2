"""What people are told about a version that would not be in the target what it is in the source."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.domain.tree.files import FileEntry
from airflow_release_plugin.messages import Message, together
from airflow_release_plugin.proof.comparison import Difference
from airflow_release_plugin.proof.log_lines import names_in
from airflow_release_plugin.proof.observation import Access, shown_place
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
        return together(lines, "\n")
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
    return together(filter(None, lines), "\n")


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
        return Message(
            "%(path)s is not in this release and works now; with it, it would fail: %(reason)s",
            path=other.path,
            reason=after.reason,
        ), True
    if gone:
        return Message(
            "%(path)s is not in this release; with it, %(dag_ids)s would disappear. Take back what it "
            "needs, or release its removal together with this.",
            path=other.path,
            dag_ids=gone,
        ), True
    places = [_place_in_target(each) for each in other.different[:_MOST_PLACES]]
    logged = [
        Message("Parsing it would log, and does not now: %(line)s", line=line)
        for line in other.logged[:_MOST_PLACES]
    ]
    head = Message("%(path)s is not in this release, but would change with it.", path=other.path)
    return together([head, *places, *logged], "\n"), False


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
                "In %(origin)s %(path)s makes %(made)s; in the target it would make %(would_make)s.",
                origin=_origin(proof),
                path=proof.path,
                made=_listed(proof.before.dag_ids),
                would_make=_listed(proof.after.dag_ids),
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
                "It lists %(folder)s; in the target %(files)s is there, too.",
                folder=_placed(access),
                files=_few(more),
            )


def _nowhere(proof: FileProof, line: str) -> str:
    """That the source has no file that a line may name; empty for a line that names none."""
    names = [name for name in names_in(line) if "/" in name]
    if not names:
        return ""
    if proof.is_imported:
        return Message("The bundle has no %(names)s.", names=_none_of(names))
    return Message("The source has no %(names)s.", names=_none_of(names))


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
    lacking = {path for path, file in source.items() if candidate.get(path) != file}
    found = [*_missed(proof, lacking), *_logged_names(proof, source, lacking)]
    return [*found, *_listings(proof, source, lacking, found)]


def _named(causes: Iterable[LackingFiles]) -> set[str]:
    return {path for cause in causes for path in cause.files}


def _missed(proof: FileProof, lacking: set[str]) -> list[LackingFiles]:
    """What it looked for in vain."""
    return [
        LackingFiles(
            Message("It looks for %(path)s, which is not in its unit.", path=_placed(access)),
            (access.path,),
        )
        for access in proof.after.observed.missing
        if access.path in lacking
    ]


def _logged_names(proof: FileProof, source: Files, lacking: set[str]) -> Iterator[LackingFiles]:
    """What the lines name that only the second run logs, and that it did not look for."""
    named = _named(_missed(proof, lacking))
    for name in dict.fromkeys(name for line in proof.logged for name in names_in(line)):
        paths = [path for path in _meant(name, proof.path, source) if path in lacking]
        if not named.issuperset(paths):
            named.update(paths)
            sentence = Message(
                "It names %(name)s; %(files)s is in %(origin)s, and not in its unit.",
                name=name,
                files=_few(paths),
                origin=_origin(proof),
            )
            yield LackingFiles(sentence, tuple(paths))


def _listings(
    proof: FileProof, source: Files, lacking: set[str], found: Collection[LackingFiles]
) -> Iterator[LackingFiles]:
    """What lay in folders that it listed, and is in none of the causes found so far."""
    named = _named(found)
    is_told = bool(found)
    listed = proof.before.observed.listed if proof.before else ()
    # A listing of the root explains the least.
    for access in sorted(listed, key=lambda access: access.path == "."):
        is_root = access.path == "."
        if is_root and is_told:
            break
        prefix = "" if is_root else f"{access.path}/"
        paths = [
            path
            for path in source
            if path.startswith(prefix) and "/" not in path[len(prefix) :] and path in lacking
        ]
        if not named.issuperset(paths):
            named.update(paths)
            is_told = True
            folder = _placed(
                access, Message("the root of %(origin)s", origin=_origin(proof)) if is_root else ""
            )
            sentence = Message(
                "It lists %(folder)s; %(files)s would not be there.", folder=folder, files=_few(paths)
            )
            yield LackingFiles(sentence, tuple(paths))


def _meant(name: str, dag_file: str, source: Files) -> list[str]:
    """The files that a name in a log may mean: below the folder of the DAG file, the root, or anywhere."""
    folder = dag_file.rpartition("/")[0]
    for path in (f"{folder}/{name}" if folder else name, name):
        if path in source:
            return [path]
    return [path for path in source if path.endswith(f"/{name}")] if "/" in name else []


def _mend(proof: FileProof, files: list[str]) -> str:
    rule = include_rule(proof.path, sorted(set(files))[:_MOST_FILES])
    if proof.is_imported:
        mend = Message(
            "Add what it needs of that to its unit with these lines in release.toml where the bundle comes "
            "from, and release and export it there again:"
        )
    else:
        mend = Message(
            "Add what it needs of that to its unit with these lines in release.toml, and submit it again:"
        )
    return together([mend, rule], "\n")


def _placed(access: Access, name: str = "") -> str:
    """What was looked for or listed, and where in the code."""
    path = name or access.path
    if not access.place:
        return path
    return Message("%(path)s (%(place)s)", path=path, place=shown_place(access.place))


def _none_of(names: list[str]) -> str:
    first, *others = names
    return (
        Message("%(names)s and no %(name)s", names=_none_of(names[:-1]), name=names[-1]) if others else first
    )


def _few(paths: list[str]) -> str:
    return first_few(paths, _MOST_FILES)


def _listed(ids: tuple[str, ...]) -> object:
    return ids or Message("no Dag")
