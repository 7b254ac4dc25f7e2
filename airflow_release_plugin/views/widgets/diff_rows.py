"""Diffs as pages show them: lines in blocks, coloured, with what changed inside of them, the rest folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from flask import request
from markupsafe import Markup, escape

from airflow_release_plugin.analysis.text_decoding import decode_text
from airflow_release_plugin.analysis.text_diff import DiffLine, FileDiff, LineKind, diff_texts
from airflow_release_plugin.domain.kinds import ChangeKind
from airflow_release_plugin.services.versions.file_diffs import ChangedFile, DiffOptions
from airflow_release_plugin.views.web.base import text_arg, whole_number
from airflow_release_plugin.views.widgets.highlight import Piece, coloured_lines

LINES_AT_ONCE = 2000
"""Lines of a file that a page brings; the others are fetched when somebody asks."""
PAGE_LINES = 6000
"""Lines of all files together that a page brings."""
_BLOCK = 100
"""Lines in one block: the browser lays out only blocks that are in sight."""
_ALIKE = 0.3
"""Part of a line that must be equal for the rest to be marked."""
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\x85\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
"""Signs that turn text around, end lines or show nothing: code would read otherwise than it runs."""


@dataclass(frozen=True)
class ShownLine:
    """One line; ``html`` has its colours."""

    kind: str
    old_no: int | None
    new_no: int | None
    html: Markup
    is_crlf: bool
    no_newline: bool


@dataclass(frozen=True)
class Block:
    """
    Lines of one kind of run: unchanged, or deleted ones before added ones.

    :param first: place of the first folded line in the diff with all lines
    :param folded: lines that are not shown here; there are none in ``lines`` then
    """

    lines: tuple[ShownLine, ...] = ()
    first: int = 0
    folded: int = 0


@dataclass(frozen=True)
class ShownFile:
    """A changed file with its blocks."""

    file: ChangedFile
    blocks: tuple[Block, ...]
    is_crlf_changed: bool

    @property
    def diff(self) -> FileDiff:
        """Counts and notes."""
        return self.file.diff


def diff_options() -> DiffOptions:
    """How the address of the page wants diffs."""
    return DiffOptions(ignore_whitespace=text_arg("whitespace") == "ignore", only=text_arg("only"))


def shown_files(files: Iterable[ChangedFile]) -> list[ShownFile]:
    """The files of a page, or the lines of the one file that its address asks for."""
    if text_arg("only"):
        first = max(request.args.get("first", 0, type=whole_number), 0)
        last = max(request.args.get("last", first + LINES_AT_ONCE, type=whole_number), first)
        return [_part(file, first, last) for file in files]
    left = PAGE_LINES
    shown = []
    for file in files:
        shown.append(_whole(file, min(left, LINES_AT_ONCE)))
        left -= sum(len(block.lines) for block in shown[-1].blocks)
    return shown


def _whole(file: ChangedFile, limit: int) -> ShownFile:
    """The hunks of a file with folded blocks between them, up to ``limit`` lines."""
    paint = _Paint(file) if limit else None
    blocks: list[Block] = []
    place = old_end = 0
    for hunk in file.diff.hunks:
        # A side without lines starts at 0, the others at 1.
        hidden = max(hunk.old_start - 1, 0) - old_end if hunk.old_count else 0
        if hidden > 0:
            blocks.append(Block(first=place, folded=hidden))
        place += max(hidden, 0)
        lines = hunk.lines[: limit - sum(len(block.lines) for block in blocks)]
        blocks += _blocks(lines, paint) if paint else ()
        place += len(lines)
        if len(lines) < len(hunk.lines):
            break
        old_end = hunk.old_start - 1 + hunk.old_count if hunk.old_count else old_end
    if place < file.diff.total and file.diff.hunks:
        if blocks and blocks[-1].folded:
            place = blocks.pop().first
        blocks.append(Block(first=place, folded=file.diff.total - place))
    return ShownFile(file, tuple(blocks), _is_crlf_changed(file))


def shown_code(path: str, data: bytes) -> ShownFile:
    """A file on its own: its lines without signs, and how many of them are left out."""
    file = ChangedFile(path, ChangeKind.NEW, diff_texts(None, data), None, data)
    lines = [replace(line, kind=LineKind.CONTEXT) for hunk in file.diff.hunks for line in hunk.lines]
    blocks = [*_blocks(lines[:PAGE_LINES], _Paint(file))]
    if len(lines) > PAGE_LINES:
        blocks.append(Block(first=PAGE_LINES, folded=len(lines) - PAGE_LINES))
    return ShownFile(file, tuple(blocks), is_crlf_changed=False)


def _part(file: ChangedFile, first: int, last: int) -> ShownFile:
    """Lines ``first`` to before ``last`` of a diff with all lines."""
    lines = [line for hunk in file.diff.hunks for line in hunk.lines]
    last = min(last, len(lines))
    end = min(last, first + LINES_AT_ONCE)
    blocks = [*_blocks(lines[first:end], _Paint(file))]
    if end < last:
        blocks.append(Block(first=end, folded=last - end))
    return ShownFile(file, tuple(blocks), _is_crlf_changed(file))


def _is_crlf_changed(file: ChangedFile) -> bool:
    return file.old is not None and file.new is not None and (b"\r\n" in file.old) != (b"\r\n" in file.new)


def _blocks(lines: Sequence[DiffLine], paint: _Paint) -> Iterator[Block]:
    for is_context, run in groupby(lines, key=lambda line: line.kind is LineKind.CONTEXT):
        members = list(run)
        if is_context:
            for start in range(0, len(members), _BLOCK):
                yield Block(tuple(paint.line(line) for line in members[start : start + _BLOCK]))
            continue
        old = [line for line in members if line.kind is LineKind.DELETE]
        new = [line for line in members if line.kind is LineKind.ADD]
        for start in range(0, max(len(old), len(new)), _BLOCK):
            yield Block(tuple(paint.changed(old[start : start + _BLOCK], new[start : start + _BLOCK])))


class _Paint:
    """Makes the lines of one file."""

    def __init__(self, file: ChangedFile) -> None:
        shows = bool(file.diff.hunks)
        old, new = (decode_text(data or b"" if shows else b"")[0] for data in (file.old, file.new))
        self._old = coloured_lines(file.path, old)
        self._new = coloured_lines(file.path, new)

    def line(self, line: DiffLine, mark: tuple[int, int] | None = None) -> ShownLine:
        text = line.text.removesuffix("\r")
        side, number = (self._old, line.old_no) if line.new_no is None else (self._new, line.new_no)
        pieces = side[number - 1] if side is not None and number else [("", line.text)]
        return ShownLine(
            kind=line.kind.value,
            old_no=line.old_no,
            new_no=line.new_no,
            html=_html(pieces, len(text), mark),
            is_crlf=text != line.text,
            no_newline=line.no_newline,
        )

    def changed(self, old: Sequence[DiffLine], new: Sequence[DiffLine]) -> Iterator[ShownLine]:
        marks = [_differing(a.text, b.text) for a, b in zip(old, new, strict=False)]
        marks += [(None, None)] * (max(len(old), len(new)) - len(marks))
        yield from (self.line(line, mark[0]) for line, mark in zip(old, marks, strict=False))
        yield from (self.line(line, mark[1]) for line, mark in zip(new, marks, strict=False))


def _differing(old: str, new: str) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """The stretches in which two versions of a line differ; none where they have too little in common."""
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    end = next((n for n in range(shorter - start) if old[-1 - n] != new[-1 - n]), shorter - start)
    common = len(old[:start].strip()) + len(old[len(old) - end :].strip())
    if common < _ALIKE * max(len(old.strip()), len(new.strip())):
        return None, None
    return (start, len(old) - end), (start, len(new) - end)


def _html(pieces: Sequence[Piece], length: int, mark: tuple[int, int] | None) -> Markup:
    parts: list[str] = []
    at = 0
    low, high = mark or (length, length)
    for name, text in pieces:
        cuts = sorted({0, *(min(max(cut - at, 0), len(text)) for cut in (low, high, length))})
        for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
            if start == end or at + start >= length:
                continue
            html = _HIDDEN.sub(_spelt, str(escape(text[start:end])))
            html = f'<span class="{name}">{html}</span>' if name else html
            parts.append(f"<mark>{html}</mark>" if low <= at + start < high else html)
        at += len(text)
    return Markup("".join(parts))  # noqa: S704 - every text was escaped above


def _spelt(sign: re.Match[str]) -> str:
    return f'<span class="eol">U+{ord(sign[0]):04X}</span>'
