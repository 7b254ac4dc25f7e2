"""What changed, in the words that an author might use: a suggestion for the field that reviewers read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.domain.text.phrasing import first_few
from airflow_release_plugin.languages import said
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted, together
from airflow_release_plugin.services.submissions.change_outline import ChangeOutline, OutlinedFile

MOST_LETTERS = 2000
"""What the field takes."""
_MOST_FILES = 5
_MOST_NAMES = 10
_MOST_UNITS = 20


def suggestion(outlines: Sequence[tuple[str, ChangeOutline]]) -> str:
    """
    One sentence for each change of a unit, or one line for each of several units.

    :param outlines: by the name of the unit
    """
    if len(outlines) == 1:
        lines = list(_sentences(*outlines[0]))
    else:
        shown = outlines[:_MOST_UNITS]
        lines = [
            _("%(name)s: %(changes)s", name=name, changes=together(_sentences(name, outline)))
            for name, outline in shown
        ]
        left = len(outlines) - len(shown)
        if left:
            lines.append(counted("And %(num)s more file.", "And %(num)s more files.", left))
    return _fitting(lines)


def _fitting(lines: Sequence[str]) -> str:
    """As many whole lines as the field takes."""
    text = ""
    for line in map(said, lines):
        longer = f"{text}\n{line}" if text else line
        if len(longer) > MOST_LETTERS:
            break
        text = longer
    return text


def _sentences(name: str, outline: ChangeOutline) -> Iterator[str]:
    if outline.change is ChangeKind.DELETED:
        yield _("%(name)s is removed.", name=name)
        return
    if outline.renamed_from:
        yield _("Moved from %(path)s.", path=outline.renamed_from)
    if outline.tasks_added:
        yield counted(
            "%(num)s task added: %(names)s.",
            "%(num)s tasks added: %(names)s.",
            len(outline.tasks_added),
            names=first_few(outline.tasks_added, _MOST_NAMES),
        )
    if outline.tasks_removed:
        yield counted(
            "%(num)s task removed: %(names)s.",
            "%(num)s tasks removed: %(names)s.",
            len(outline.tasks_removed),
            names=first_few(outline.tasks_removed, _MOST_NAMES),
        )
    for change in outline.schedules:
        yield _(
            "Schedule of %(dag)s: %(old)s → %(new)s.",
            dag=change.dag_id,
            old=change.old or _("none"),
            new=change.new or _("none"),
        )
    if outline.change is ChangeKind.NEW and all(f.change is ChangeKind.NEW for f in outline.files):
        yield counted(
            "New: %(num)s file with %(lines)s lines.",
            "New: %(num)s files with %(lines)s lines.",
            len(outline.files),
            lines=sum(file.added for file in outline.files),
        )
        return
    yield from _file_sentences(outline.files)


def _file_sentences(files: Sequence[OutlinedFile]) -> Iterator[str]:
    for file in files[:_MOST_FILES]:
        if file.change is ChangeKind.DELETED:
            yield _("%(path)s is removed.", path=file.path)
        elif file.change is ChangeKind.NEW:
            yield counted(
                "%(path)s is new, %(num)s line.",
                "%(path)s is new, %(num)s lines.",
                file.added,
                path=file.path,
            )
        elif file.added or file.removed:
            yield _(
                "%(path)s: +%(added)s −%(removed)s lines.",
                path=file.path,
                added=file.added,
                removed=file.removed,
            )
        else:
            yield _("%(path)s changed.", path=file.path)
    left = len(files) - _MOST_FILES
    if left > 0:
        yield counted("%(num)s more file changed.", "%(num)s more files changed.", left)
