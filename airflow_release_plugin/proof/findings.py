"""What was seen while a file ran, in sentences for whoever has to mend it."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_release_plugin.messages import Message
from airflow_release_plugin.proof.observation import (
    NONE_OF_IT,
    TEMPLATE_OF_TASK,
    Access,
    Confinement,
    OutsideAccess,
    shown_place,
)
from airflow_release_plugin.proof.report import FileReport

_MOST = 10
_DEEDS = {
    "opens": Message("%(who)s opens %(path)s"),
    "writes to": Message("%(who)s writes to %(path)s"),
    "lists": Message("%(who)s lists %(path)s"),
    "looks for": Message("%(who)s looks for %(path)s"),
    "looks for modules in": Message("%(who)s looks for modules in %(path)s"),
}
"""What the deeds that were seen are called; any other is that a program runs with the path."""


def refusals(file: FileReport) -> list[str]:
    """Why the file must not be released as it is, whether or not it noticed; the first of each place."""
    return _first([_refusal(file, each) for each in file.observed.outside if each.is_forbidden])


def remarks(file: FileReport, confinement: Confinement) -> list[str]:
    """What people should know, and what the check could not see."""
    seen = file.observed
    found = [_remark(file, each, confinement) for each in seen.outside if not each.is_forbidden]
    is_shut = confinement.network != NONE_OF_IT
    return [
        *_first(found),
        *_first([_connection(file, each, is_shut) for each in seen.connected]),
        *_first([_program(file, each) for each in seen.spawned]),
        *_first(
            [Message("While it was parsed, this was logged: %(line)s", line=line) for line in file.logged]
        ),
        *_unseen(file),
    ]


def _refusal(file: FileReport, access: OutsideAccess) -> str:
    deed = _deed(file, access)
    if not access.path.startswith("/"):
        return Message(
            "%(deed)s, relative to the folder that Airflow was started in; there it lies in %(area)s, of "
            "which a release approves nothing. Build the path from Path(__file__), so that the file comes "
            "along.",
            deed=deed,
            area=access.area,
        )
    return Message(
        "%(deed)s, which lies in %(area)s: what is there can change without an approval. Build the path "
        "from Path(__file__), or import from the top of the source, so that the file comes along with the "
        "release.",
        deed=deed,
        area=access.area,
    )


def _remark(file: FileReport, access: OutsideAccess, confinement: Confinement) -> str:
    deed = _deed(file, access)
    if not access.path.startswith("/"):
        return Message(
            "%(deed)s, relative to the folder that Airflow was started in, which is another one on each "
            "machine. Build the path from Path(__file__).",
            deed=deed,
        )
    if confinement.files:
        return Message(
            "%(deed)s, which is no part of the release: each machine has its own. The check may not read "
            "it. Put it into the source, or let an admin name its folder in [release] check_folders.",
            deed=deed,
        )
    return Message(
        "%(deed)s, which is no part of the release: each machine has its own. Put it into the source, or "
        "let an admin name its folder in [release] check_folders.",
        deed=deed,
    )


def _deed(file: FileReport, access: OutsideAccess) -> Message:
    """Who did what, as the beginning of a sentence."""
    values = {"who": _who(file, access.place), "path": access.path}
    if known := _DEEDS.get(access.deed):
        return Message(known.template, **values)
    program = access.deed.removeprefix("runs ").removesuffix(" with")
    return Message("%(who)s runs %(program)s with %(path)s", program=program, **values)


def _connection(file: FileReport, access: Access, is_shut: bool) -> str:
    values = {"who": _who(file, access.place), "address": access.path}
    if is_shut:
        return Message(
            "%(who)s connects to %(address)s while it is parsed; the check has no network. Move that into a "
            "task.",
            **values,
        )
    return Message("%(who)s connects to %(address)s while it is parsed. Move that into a task.", **values)


def _program(file: FileReport, access: Access) -> str:
    return Message(
        "%(who)s starts %(program)s while it is parsed; what a program reads is not seen, so "
        "it may be missing from the release. Move that into a task.",
        who=_who(file, access.place),
        program=access.path,
    )


def _unseen(file: FileReport) -> Iterator[str]:
    if not file.observed.is_whole:
        yield Message("It touches so many files that not all of them were noted.")


def _who(file: FileReport, place: str) -> str:
    if place.startswith(TEMPLATE_OF_TASK):
        return Message("The %(place)s of %(path)s", place=shown_place(place), path=file.path)
    return shown_place(place) or Message("Airflow, on behalf of %(path)s,", path=file.path)


def _first(sentences: list[str]) -> list[str]:
    if len(sentences) > _MOST:
        return [*sentences[:_MOST], Message("And %(more)s more like this.", more=len(sentences) - _MOST)]
    return sentences
