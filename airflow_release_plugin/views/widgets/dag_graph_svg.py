"""Two versions of a DAG as one picture: SVG that is made here, coloured by the style sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from airflow_release_plugin.analysis.graph_layout import lay_out
from airflow_release_plugin.analysis.structure_diff import DagDiff, PartState
from airflow_release_plugin.languages import said
from airflow_release_plugin.messages import Message as _

_WIDTH, _HEIGHT = 184, 32
_GAP_X, _GAP_Y = 56, 14
_MARGIN = 12
_LETTERS = 22
"""Letters of a task id that fit into its box; the whole id is its tooltip."""

STATE_SIGNS: Mapping[PartState, str] = {
    PartState.ADDED: "+",
    PartState.REMOVED: "−",
    PartState.CHANGED: "~",
    PartState.SAME: "",
}
STATE_WORDS: Mapping[PartState, str] = {
    PartState.ADDED: _("Added"),
    PartState.REMOVED: _("Removed"),
    PartState.CHANGED: _("Changed"),
    PartState.SAME: _("Unchanged"),
}
_ATTRIBUTE_WORDS: Mapping[str, str] = {
    "schedule": _("Schedule"),
    "catchup": _("Catchup"),
    "assets_in": _("Assets it waits for"),
    "assets_out": _("Assets it produces"),
    "tags": _("Tags"),
    "owners": _("Owners"),
    "description": _("Description"),
    "type": _("Operator"),
    "callable": _("Function"),
    "pool": _("Pool"),
    "queue": _("Queue"),
    "retries": _("Retries"),
    "owner": _("Owner"),
    "trigger_rule": _("Trigger rule"),
}


def attribute_word(name: str) -> str:
    """Words for an attribute of a DAG or task."""
    return _ATTRIBUTE_WORDS.get(name, name)


def part_counts(parts: Mapping[Any, PartState]) -> list[tuple[PartState, int]]:
    """How many tasks or dependencies are in each state, those in none left out."""
    states = list(parts.values())
    return [(state, states.count(state)) for state in PartState if state in states]


def dag_picture(diff: DagDiff, name: str) -> Markup:
    """
    Return an inline SVG of the tasks and edges of both versions.

    :param name: unique on the page; names the title for screen readers
    """
    layout = lay_out(diff.tasks, diff.edges)
    corners = {
        task: (_MARGIN + x * (_WIDTH + _GAP_X), _MARGIN + y * (_HEIGHT + _GAP_Y))
        for task, (x, y) in layout.places.items()
    }
    width = 2 * _MARGIN + max(layout.layers * (_WIDTH + _GAP_X) - _GAP_X, 0)
    height = 2 * _MARGIN + max(layout.rows * (_HEIGHT + _GAP_Y) - _GAP_Y, 0)
    counts = [
        _("%(number)s %(state)s", number=number, state=STATE_WORDS[state])
        for state, number in part_counts(diff.tasks)
    ]
    return Markup(
        '<svg class="dag-picture" role="img" width="{width}" height="{height}"'
        ' viewBox="0 0 {width} {height}" aria-labelledby="{name}-title {name}-desc">'
        '<title id="{name}-title">{title}</title><desc id="{name}-desc">{desc}</desc>{edges}{tasks}</svg>'
    ).format(
        width=width,
        height=height,
        name=name,
        title=said(_("Tasks of %(dag_id)s, before and after", dag_id=diff.dag_id)),
        desc=said(_("Tasks: %(counts)s. The table below lists every change.", counts=counts)),
        edges=Markup("").join(_edges(diff, corners)),
        tasks=Markup("").join(_tasks(diff, corners)),
    )


def _edges(diff: DagDiff, corners: Mapping[str, tuple[int, int]]) -> Iterator[Markup]:
    for (upstream, downstream), state in diff.edges.items():
        if upstream not in corners or downstream not in corners:
            continue
        x1, y1 = corners[upstream][0] + _WIDTH, corners[upstream][1] + _HEIGHT // 2
        x2, y2 = corners[downstream][0] - 5, corners[downstream][1] + _HEIGHT // 2
        bend = max((x2 - x1) // 2, 24)
        yield Markup(
            '<path class="edge part-{state}" d="M{x1} {y1}C{c1} {y1} {c2} {y2} {x2} {y2}">'
            "<title>{upstream} → {downstream}: {words}</title></path>"
            '<path class="head part-{state}" d="M{x2} {top}l6 4l-6 4Z"/>'
        ).format(
            state=state.value,
            x1=x1,
            y1=y1,
            c1=x1 + bend,
            c2=x2 - bend,
            x2=x2,
            y2=y2,
            top=y2 - 4,
            upstream=upstream,
            downstream=downstream,
            words=said(STATE_WORDS[state]),
        )


def _tasks(diff: DagDiff, corners: Mapping[str, tuple[int, int]]) -> Iterator[Markup]:
    for task, state in diff.tasks.items():
        x, y = corners[task]
        sign = STATE_SIGNS[state]
        # The end of a task id tells more than its beginning: that is its task group.
        label = task if len(task) <= _LETTERS else f"…{task[1 - _LETTERS :]}"
        yield Markup(
            '<g class="task part-{state}"><title>{task}: {words}</title>'
            '<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
            '<text class="sign" x="{sign_x}" y="{text_y}">{sign}</text>'
            '<text x="{text_x}" y="{text_y}">{label}</text></g>'
        ).format(
            state=state.value,
            task=task,
            words=said(STATE_WORDS[state]),
            x=x,
            y=y,
            width=_WIDTH,
            height=_HEIGHT,
            sign=sign,
            sign_x=x + 10,
            text_x=x + (24 if sign else 10),
            text_y=y + _HEIGHT // 2 + 4,
            label=label,
        )
