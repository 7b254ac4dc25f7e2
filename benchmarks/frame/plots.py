"""Bars of how many times cheaper than the peer we are; leather draws them (docs/decisions/0031)."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from leather.axis import Axis
from leather.chart import Chart
from leather.scales.linear import Linear
from leather.scales.ordinal import Ordinal
from leather.series.base import Series
from leather.shapes.bars import Bars

_WIDTH, _ROW, _REST = 900, 26, 70
_MARK = 3
_ROOM_FOR_WORDS = 0.35
"""Part of a power of ten that is left free beside the longest bar for its number."""


@dataclass(frozen=True)
class Theme:
    """Colours of a picture on a page; its own background is transparent."""

    text: str
    line: str
    met: str
    missed: str
    goal: str


LIGHT = Theme(text="#1f2328", line="#d1d9e0", met="#0969da", missed="#bc4c00", goal="#1f2328")
DARK = Theme(text="#e6edf3", line="#3d444d", met="#4493f8", missed="#db6d28", goal="#e6edf3")


@dataclass(frozen=True)
class Bar:
    """
    A row that has a peer.

    :param ratio: what the peer takes, divided by what we take
    :param goal: what that is to reach; ``None`` where something else is asked
    """

    name: str
    ratio: float
    goal: float | None
    is_met: bool


class _RatioBars:
    """Bars from 1 ×, with their number beside them and a mark where the goal is."""

    def __init__(self, bars: Sequence[Bar], theme: Theme) -> None:
        self._bars = {bar.name: bar for bar in bars}
        self._theme = theme
        self._shape = Bars(fill_color=self._colour)

    def _colour(self, point: Any) -> str:
        return self._theme.met if self._bars[point.y].is_met else self._theme.missed

    def validate_series(self, series: Series) -> None:
        self._shape.validate_series(series)

    def legend_to_svg(self, _series: Series, _palette: Any) -> list[Any]:
        return []

    def to_svg(
        self, width: Any, height: Any, x_scale: Any, y_scale: Any, series: Series, palette: Any
    ) -> ET.Element:
        group: ET.Element = self._shape.to_svg(width, height, x_scale, y_scale, series, palette)
        for bar, rect in zip(self._bars.values(), list(group), strict=True):
            top, tall = float(rect.attrib["y"]), float(rect.attrib["height"])
            ends = [float(rect.attrib["x"]) + float(rect.attrib["width"])]
            if bar.goal is not None:
                mark = float(x_scale.project(_power(bar.goal), 0, width))
                place = {"x": f"{mark - _MARK / 2}", "y": f"{top}", "height": f"{tall}", "width": f"{_MARK}"}
                ET.SubElement(group, "rect", fill=self._theme.goal, **place)
                ends += [mark] if abs(mark - ends[0]) < 60 else []
            words = {"x": f"{max(ends) + 6}", "y": f"{top + tall / 2}", "dy": "0.32em"}
            ET.SubElement(group, "text", words).text = f"{_said(bar.ratio)} ×"
        return group


def ratio_plot(title: str, bars: Sequence[Bar], theme: Theme) -> str:
    """Return an SVG document; the first bar is on top, ratios are on a scale of powers of ten."""
    powers = [_power(value) for bar in bars for value in (bar.ratio, bar.goal) if value is not None]
    low, high = min(0, math.floor(min(powers))), max(1, math.ceil(max(powers) + _ROOM_FOR_WORDS))
    chart = Chart()
    chart.add_series(Series([(_power(bar.ratio), bar.name) for bar in bars]), _RatioBars(bars, theme))
    chart.set_x_scale(Linear(low, high))
    chart.set_y_scale(Ordinal([bar.name for bar in reversed(bars)]))
    chart.set_x_axis(Axis(ticks=list(range(low, high + 1)), tick_formatter=_power_words))
    chart.set_y_axis(Axis())
    height = _REST + _ROW * len(bars)
    return _document(chart.to_svg_group(_WIDTH, height), height, title, theme)


def _power(value: float) -> float:
    return math.log10(max(value, 1e-4))


def _power_words(value: Decimal | int, _index: int, _count: int) -> str:
    return f"{_said(10.0 ** int(value))} ×"


def _said(value: float) -> str:
    return f"{value:,.0f}" if value >= 99.95 else f"{float(f'{value:.2g}'):g}"


def _document(group: ET.Element, height: int, title: str, theme: Theme) -> str:
    """The drawing in the colours of a theme, in the type of whoever looks."""
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "width": str(_WIDTH),
            "height": str(height),
            "role": "img",
        },
    )
    ET.SubElement(svg, "title").text = title
    svg.append(group)
    group.remove(group[0])  # the background: that of the page shows
    for element in group.iter():
        if element.tag == "text":
            element.attrib.update({"fill": theme.text, "font-family": "sans-serif", "font-size": "13"})
        elif element.tag == "line":
            element.set("stroke", theme.line)
        for name in {"x", "y", "x1", "x2", "y1", "y2", "width", "height"} & element.attrib.keys():
            element.set(name, f"{float(element.attrib[name]):.1f}")
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"
