"""Columns over time as one picture: leather draws, the style sheet colours (docs/decisions/0031)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leather.axis import Axis
from leather.chart import Chart
from leather.scales.linear import Linear
from leather.scales.ordinal import Ordinal
from leather.series.base import Series
from leather.shapes.columns import Columns
from markupsafe import Markup

from airflow_release_plugin.languages import said

_WIDTH, _HEIGHT = 400, 210
_EMPTY_TOP = {1: 14, 2: 32}
"""What leather leaves free above the columns, by the number of series: a margin, and room for its legend."""
_LABELS = 6
"""Most labels below the columns."""
_SIZES = frozenset({"x", "y", "x1", "x2", "y1", "y2", "width", "height"})


@dataclass(frozen=True)
class ColumnPoint:
    """
    A column, and its part in front of it.

    :param label: below it; unique in its chart
    :param title: all that there is to say of it
    :param whole: its height; ``None`` for no column
    """

    label: str
    title: str
    whole: float | None
    part: float | None = None


class _StyledColumns:
    """Columns that the style sheet colours by the class of their group, each with what it says."""

    def __init__(self, style: str) -> None:
        self._columns = Columns()
        self._style = style

    def validate_series(self, series: Series) -> None:
        self._columns.validate_series(series)

    def to_svg(
        self, width: Any, height: Any, x_scale: Any, y_scale: Any, series: Series, palette: Any
    ) -> ET.Element:
        group: ET.Element = self._columns.to_svg(width, height, x_scale, y_scale, series, palette)
        group.set("class", f"series {self._style}")
        shown = [point.row for point in series.data() if point.y is not None]
        for column, (_label, _value, title) in zip(group, shown, strict=True):
            ET.SubElement(column, "title").text = said(title)
        return group

    def legend_to_svg(self, _series: Series, _palette: Any) -> list[Any]:
        return []


def whole_number(value: Decimal) -> str:
    """Text of a tick of a scale that counts things."""
    return str(int(value)) if value == int(value) else ""


def column_chart(
    points: Sequence[ColumnPoint], *, name: str, title: str, unit: Callable[[Decimal], str] = whole_number
) -> Markup:
    """
    Return an inline SVG; empty if no point has a column.

    :param name: unique on the page; names the title for screen readers
    :param unit: text of a tick of the scale
    """
    top = max((point.whole for point in points if point.whole is not None), default=None)
    if top is None:
        return Markup("")
    chart = Chart()
    for style, values in (("whole", [p.whole for p in points]), ("part", [p.part for p in points])):
        if any(value is not None for value in values):
            rows = [(p.label, value, p.title) for p, value in zip(points, values, strict=True)]
            chart.add_series(Series(rows), _StyledColumns(style))
    chart.set_x_scale(Ordinal([point.label for point in points]))
    chart.set_y_scale(Linear(0, max(top, 1)))
    step = -(-len(points) // _LABELS)
    labels = [point.label for point in points][::step]
    chart.set_x_axis(Axis(ticks=labels, tick_formatter=lambda label, _index, _count: label))
    chart.set_y_axis(Axis(tick_formatter=lambda value, _index, _count: said(unit(value))))
    is_split = any(point.part is not None for point in points)
    return _inline(chart.to_svg_group(_WIDTH, _HEIGHT), name, title, _EMPTY_TOP[1 + is_split])


def _inline(group: ET.Element, name: str, title: str, top: int) -> Markup:
    """The drawing as a part of a page: named, as wide as its place, in the colours and type of the page."""
    svg = ET.Element(
        "svg",
        {
            "class": "chart",
            "role": "img",
            "viewBox": f"0 {top} {_WIDTH} {_HEIGHT - top}",
            "aria-labelledby": f"{name}-title",
        },
    )
    ET.SubElement(svg, "title", {"id": f"{name}-title"}).text = said(title)
    svg.append(group)
    group.remove(group[0])  # the background: that of the page shows
    for element in group.iter():
        for attribute in ("font-family", "font-size", "fill", "stroke"):
            element.attrib.pop(attribute, None)
        for attribute in _SIZES & element.attrib.keys():
            element.set(attribute, f"{float(element.attrib[attribute]):.1f}")
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 - ElementTree escapes what it writes
