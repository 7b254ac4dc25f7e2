"""What ``docs/benchmarks.md`` shows of ``benchmarks/results.json``: tables, pictures, missed goals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.frame.plots import DARK, LIGHT, Bar, ratio_plot
from benchmarks.frame.results import MACHINE, read_results
from benchmarks.frame.rows import FLOOR, OURS, PEER, Row, RowGroup, Unit, quantity
from benchmarks.groups import ALL

_OF = {Unit.CPU: "CPU", Unit.WALL: "wall", Unit.SIZE: "size", Unit.COUNT: "count"}
_NOT_YET = "not measured yet"
_HEAD = ("what we do", "of", "ours", "beside", "ratio", "floor", "of floor", "goal", "met")


def benchmark_tables() -> str:
    """A section for each group: picture, table, notes."""
    results = read_results()
    return "\n".join([_machine(results), *(_section(group, results) for group in ALL)])


def missed_goals() -> str:
    """Every row that was measured and does not reach its goal, with the reason."""
    results = read_results()
    lines = [
        f"- **{row.name}**: {_standing(row, results[row.name])}. {row.note}".rstrip()
        for row in _rows()
        if row.name in results and not row.goal.is_met(results[row.name])
    ]
    return "".join(f"{line}\n" for line in lines) or "None.\n"


def plots() -> dict[str, str]:
    """Pictures by the name of their file: one for each group that has peers, for both themes."""
    results = read_results()
    return {
        _picture(group, theme): ratio_plot(f"Ratios: {group.title}", bars, colours)
        for group in ALL
        if (bars := _bars(group, results))
        for theme, colours in (("light", LIGHT), ("dark", DARK))
    }


def _rows() -> Iterator[Row]:
    for group in ALL:
        yield from group.rows


def _machine(results: Mapping[str, Any]) -> str:
    told = results.get(MACHINE)
    if not told:
        return "Nothing was measured yet.\n"
    words = [
        f"{told['processors']} processors",
        f"{told['memory_gb']} GB",
        f"{told['system']} {told['architecture']}",
        f"Python {told['python']}",
        f"Airflow {told['airflow']}",
        f"git provider {told['git_provider']}",
    ]
    return f"Measured on: {', '.join(words)}.\n"


def _section(group: RowGroup, results: Mapping[str, Any]) -> str:
    parts = [f"### {group.name}\n\n{group.title[0].upper()}{group.title[1:]}.\n"]
    if _bars(group, results):
        light, dark = (f"images/{_picture(group, theme)}" for theme in ("light", "dark"))
        parts.append(
            f'<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="{dark}">\n'
            f'  <img alt="How many times cheaper than what it stands beside each row of {group.name} is; '
            f'the table below has the numbers" src="{light}">\n</picture>\n'
        )
    parts.append(_table([_HEAD, ["---"] * len(_HEAD), *(_cells(row, results) for row in group.rows)]))
    if notes := _notes(group):
        parts.append("".join(f"- {note}\n" for note in notes))
    return "\n".join(parts)


def _picture(group: RowGroup, theme: str) -> str:
    return f"bench-{group.name}{'-dark' if theme == 'dark' else ''}.svg"


def _bars(group: RowGroup, results: Mapping[str, Any]) -> list[Bar]:
    found = ((row, results.get(row.name, {})) for row in group.rows)
    return [
        Bar(row.name, contest["ratio"], row.goal.ratio, row.goal.is_met(contest))
        for row, contest in found
        if contest.get("ratio")
    ]


def _cells(row: Row, results: Mapping[str, Any]) -> list[str]:
    contest = results.get(row.name)
    if contest is None:
        return [row.name, _OF[row.unit], _NOT_YET, row.peer, "", row.floor, "", row.goal.words(row.unit), ""]
    ours, peer, floor = (
        "" if contest.get(each) is None else quantity(contest[each], row.unit) for each in (OURS, PEER, FLOOR)
    )
    return [
        row.name,
        _OF[row.unit],
        ours,
        f"{peer} {row.peer}".strip(),
        _times(contest.get("ratio")),
        f"{floor} {row.floor}".strip(),
        _times(contest.get("to_floor")),
        row.goal.words(row.unit),
        "yes" if row.goal.is_met(contest) else "**no**",
    ]


def _standing(row: Row, contest: Mapping[str, Any]) -> str:
    told = [f"{quantity(contest[OURS], row.unit)}"]
    if contest.get("ratio") is not None:
        told.append(f"{_times(contest['ratio'])} as cheap as {row.peer}")
    if contest.get("to_floor") is not None:
        told.append(f"{_times(contest['to_floor'])} of {row.floor}")
    return f"{', '.join(told)}; the goal is {row.goal.words(row.unit)}"


def _times(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f} ×" if value >= 99.95 else f"{float(f'{value:.3g}'):g} ×"


def _notes(group: RowGroup) -> list[str]:
    """What readers have to know of rows, once for those of all sizes."""
    notes = [f"{_subject(row)}: {row.note}" for row in group.rows if row.note]
    few = [
        f"{_subject(row)}: {row.rounds} {'round' if row.rounds == 1 else 'rounds'}, since {row.why_few}."
        for row in group.rows
        if row.why_few
    ]
    return list(dict.fromkeys([*notes, *few]))


def _subject(row: Row) -> str:
    """The name of a row without the size, which comes last."""
    return f"**{row.name.rpartition(':')[0] or row.name}**"


def _table(rows: list[Any]) -> str:
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
