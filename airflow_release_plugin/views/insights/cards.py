"""What the figures and charts of insights say, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from babel.dates import format_skeleton

from airflow_release_plugin.domain.insights.distribution import DAY, HOUR, MINUTE, Distribution
from airflow_release_plugin.domain.insights.figures import Figures, Trend, trend
from airflow_release_plugin.domain.insights.period import BucketSize
from airflow_release_plugin.domain.insights.tally import TrendPoint
from airflow_release_plugin.languages import language, locale_of
from airflow_release_plugin.messages import Message as _
from airflow_release_plugin.messages import counted, together
from airflow_release_plugin.services.insights.insights import InsightDetail
from airflow_release_plugin.views.widgets.column_chart import ColumnPoint, column_chart, whole_number
from airflow_release_plugin.views.widgets.durations import duration

if TYPE_CHECKING:
    from markupsafe import Markup

# What a date shows; each language has it in an order of its own.
_SKELETONS = {
    BucketSize.DAY: "MMMd",
    BucketSize.WEEK: "MMMd",
    BucketSize.MONTH: "yMMM",
    BucketSize.QUARTER: "yQQQ",
}


@dataclass(frozen=True)
class FigureCard:
    """
    One figure of a period.

    :param note: what stands behind it
    :param before: the same of the period before; empty where there is none
    """

    label: str
    value: str
    note: str = ""
    before: str = ""
    trend: Trend = Trend.UNKNOWN


@dataclass(frozen=True)
class ChartCard:
    """
    A chart with its table.

    :param picture: empty where there is nothing to draw
    :param legend: style of a column, and what it stands for
    :param columns: of the table, without the one of the bucket
    :param rows: first day of each bucket, and what it says in each column
    """

    name: str
    title: str
    picture: Markup
    legend: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def percent(rate: float | None) -> str:
    """``7.5 %``; empty for none."""
    return "" if rate is None else f"{number(rate * 100)} %"


def number(value: float) -> str:
    """At most one digit behind the point."""
    return f"{round(value, 1):g}"


def figure_cards(found: InsightDetail) -> list[FigureCard]:
    """DORA's four and breaking the glass, each with the period before."""
    now, before = found.now, found.before
    return [
        FigureCard(
            _("Release frequency"),
            _("%(number)s a week", number=number(now.per_week)),
            counted("%(num)s release in the period", "%(num)s releases in the period", now.released),
            _("%(number)s a week", number=number(before.per_week)),
            trend(now.per_week, before.per_week, more_is_better=True),
        ),
        _durations(_("Lead time"), now.lead, before.lead),
        FigureCard(
            _("Change failure rate"),
            percent(now.failure_rate),
            _("%(failed)s of %(released)s releases", failed=now.failed, released=now.released),
            percent(before.failure_rate),
            trend(now.failure_rate, before.failure_rate),
        ),
        _durations(_("Time to restore"), now.restore, before.restore, _unrestored(now)),
        FigureCard(
            _("Emergencies"),
            str(now.glass_broken),
            _("released by breaking the glass"),
            str(before.glass_broken),
            trend(now.glass_broken, before.glass_broken),
        ),
    ]


def _unrestored(figures: Figures) -> str:
    if not figures.unrestored:
        return ""
    return counted("%(num)s is not put right yet", "%(num)s are not put right yet", figures.unrestored)


def _durations(label: str, now: Distribution, before: Distribution, note: str = "") -> FigureCard:
    most = _("nine of ten within %(time)s", time=duration(now.p90)) if now.total else ""
    notes = [text for text in (most, note) if text]
    return FigureCard(
        label,
        duration(now.median),
        together(notes, " · ") if notes else "",
        duration(before.median),
        trend(now.median, before.median),
    )


def bucket_label(first: date, size: BucketSize) -> str:
    """Short words for a bucket: its first day, month or quarter."""
    return str(format_skeleton(_SKELETONS[size], first, locale=locale_of(language())))


def chart_cards(found: InsightDetail) -> list[ChartCard]:
    """The four figures over time, each with its table."""
    size = found.question.period.bucket_size
    points = [(bucket_label(point.first, size), point) for point in found.trend]
    middle = _("Median")
    most = _("Nine of ten within")
    return [
        _chart("frequency", _("Releases"), points, (_("Released"), _("Failed")), _counts, whole_number),
        _chart("lead", _("Lead time"), points, (most, middle), lambda f: _spread(f.lead), None),
        _chart("rate", _("Change failure rate"), points, (_("Failed"),), _rate, lambda v: f"{v:g} %"),
        _chart("restore", _("Time to restore"), points, (most, middle), lambda f: _spread(f.restore), None),
    ]


@dataclass(frozen=True)
class _Shown:
    """What one bucket shows in one chart: heights of the column and of its part, and their words."""

    heights: tuple[float | None, ...]
    words: tuple[str, ...]


def _counts(figures: Figures) -> _Shown:
    heights = (float(figures.released), float(figures.failed))
    return _Shown(heights, (str(figures.released), str(figures.failed)))


def _rate(figures: Figures) -> _Shown:
    rate = figures.failure_rate
    return _Shown((None if rate is None else rate * 100,), (percent(rate),))


def _spread(found: Distribution) -> _Shown:
    return _Shown((found.p90, found.median), (duration(found.p90), duration(found.median)))


def _chart(
    name: str,
    title: str,
    points: list[tuple[str, TrendPoint]],
    columns: tuple[str, ...],
    show: Callable[[Figures], _Shown],
    ticks: Callable[[Decimal], str] | None,
) -> ChartCard:
    shown = [(label, show(point.figures)) for label, point in points]
    unit, divisor = _unit(shown) if ticks is None else (ticks, 1)
    drawn = [
        ColumnPoint(
            label,
            _("%(bucket)s: %(values)s", bucket=label, values=_values(columns, each.words)),
            *(None if height is None else height / divisor for height in each.heights),
        )
        for label, each in shown
    ]
    return ChartCard(
        name,
        title,
        column_chart(drawn, name=f"chart-{name}", title=title, unit=unit),
        tuple(zip(("whole", "part"), columns, strict=False)) if len(columns) > 1 else (),
        columns,
        tuple((label, each.words) for label, each in shown),
    )


def _values(columns: tuple[str, ...], words: tuple[str, ...]) -> list[str]:
    return [
        _("%(column)s %(value)s", column=column, value=value or "-")
        for column, value in zip(columns, words, strict=True)
    ]


def _unit(shown: list[tuple[str, _Shown]]) -> tuple[Callable[[Decimal], str], int]:
    """How ticks of durations are written, and the seconds of one of their units."""
    top = max((each.heights[0] or 0 for _label, each in shown), default=0)
    if top >= 2 * DAY:
        return lambda value: _("%(number)s d", number=f"{value:g}"), DAY
    if top >= 2 * HOUR:
        return lambda value: _("%(number)s h", number=f"{value:g}"), HOUR
    return lambda value: _("%(number)s min", number=f"{value:g}"), MINUTE
