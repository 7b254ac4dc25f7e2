"""What was seen while a file ran, in sentences for whoever has to mend it."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_release_plugin.proof.observation import (
    NONE_OF_IT,
    TEMPLATE_OF_TASK,
    Access,
    Confinement,
    OutsideAccess,
)
from airflow_release_plugin.proof.report import FileReport

_MOST = 10


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
        *_first([f"While it was parsed, this was logged: {line}" for line in file.logged]),
        *_unseen(file),
    ]


def _refusal(file: FileReport, access: OutsideAccess) -> str:
    if not access.path.startswith("/"):
        return (
            f"{_who(file, access.place)} {access.deed} {access.path}, relative to the folder that Airflow "
            f"was started in; there it lies in {access.area}, of which a release approves nothing. Build the "
            "path from Path(__file__), so that the file comes along."
        )
    return (
        f"{_who(file, access.place)} {access.deed} {access.path}, which lies in {access.area}: what is there "
        "can change without an approval. Build the path from Path(__file__), or import from the top of the "
        "source, so that the file comes along with the release."
    )


def _remark(file: FileReport, access: OutsideAccess, confinement: Confinement) -> str:
    who = _who(file, access.place)
    if not access.path.startswith("/"):
        return (
            f"{who} {access.deed} {access.path}, relative to the folder that Airflow was started in, which "
            "is another one on each machine. Build the path from Path(__file__)."
        )
    denied = " The check may not read it." if confinement.files else ""
    return (
        f"{who} {access.deed} {access.path}, which is no part of the release: each machine has its "
        f"own.{denied} Put it into the source, or let an admin name its folder in [release] check_folders."
    )


def _connection(file: FileReport, access: Access, is_shut: bool) -> str:
    denied = "; the check has no network" if is_shut else ""
    who = _who(file, access.place)
    return f"{who} connects to {access.path} while it is parsed{denied}. Move that into a task."


def _program(file: FileReport, access: Access) -> str:
    return (
        f"{_who(file, access.place)} starts {access.path} while it is parsed; what a program reads is not "
        "seen, so it may be missing from the release. Move that into a task."
    )


def _unseen(file: FileReport) -> Iterator[str]:
    if not file.observed.is_whole:
        yield "It touches so many files that not all of them were noted."


def _who(file: FileReport, place: str) -> str:
    if place.startswith(TEMPLATE_OF_TASK):
        return f"The {place} of {file.path}"
    return place or f"Airflow, on behalf of {file.path},"


def _first(sentences: list[str]) -> list[str]:
    if len(sentences) > _MOST:
        return [*sentences[:_MOST], f"And {len(sentences) - _MOST} more like this."]
    return sentences
