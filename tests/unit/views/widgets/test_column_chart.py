from __future__ import annotations

from xml.etree import ElementTree

import pytest

from airflow_release_plugin.views.widgets.column_chart import ColumnPoint, column_chart

pytestmark = pytest.mark.req("R78")


def drawn(*points: ColumnPoint, title: str = "Releases") -> ElementTree.Element:
    return ElementTree.fromstring(column_chart(points, name="chart", title=title))


def points(count: int) -> list[ColumnPoint]:
    return [ColumnPoint(f"day {n}", f"day {n}: {n}", float(n), float(n) / 2) for n in range(count)]


def test_without_a_column_there_is_no_picture() -> None:
    assert column_chart([ColumnPoint("a", "a: -", None)], name="chart", title="t") == ""
    assert column_chart([], name="chart", title="t") == ""


def test_columns_and_their_parts_say_what_they_are() -> None:
    svg = drawn(ColumnPoint("a", "a: 4, 1", 4.0, 1.0), ColumnPoint("b", "b: -", None, None))

    whole, part = (svg.findall(f".//g[@class='series {style}']/rect") for style in ("whole", "part"))
    assert [rect.findtext("title") for rect in (*whole, *part)] == ["a: 4, 1", "a: 4, 1"]
    assert float(whole[0].attrib["height"]) == pytest.approx(4 * float(part[0].attrib["height"]), rel=0.01)


@pytest.mark.parametrize("count", [1, 7, 31, 42])
def test_there_are_few_labels_however_many_columns(count: int) -> None:
    svg = drawn(*points(count))

    labels = [text.text for text in svg.findall(".//g[@class='axis bottom']//text")]
    assert labels[0] == "day 0"
    assert len(labels) <= 6


def test_a_column_of_nothing_but_zeros_has_a_scale() -> None:
    svg = drawn(ColumnPoint("a", "a: 0", 0.0, 0.0))

    assert [text.text for text in svg.findall(".//g[@class='axis left']//text") if text.text] == ["1", "0"]


def test_names_are_text_whatever_they_say() -> None:
    svg = drawn(ColumnPoint("<b>", "<i>&", 1.0), title="<script>alert(1)</script>")

    assert svg.findtext("title") == "<script>alert(1)</script>"
    assert svg.find(".//b") is None
    assert svg.find(".//script") is None


def test_it_brings_neither_colours_nor_styles_of_its_own() -> None:
    text = column_chart(points(3), name="chart", title="t")

    for word in ("style=", "<style", "fill=", "stroke=", "font-family", "#"):
        assert word not in text
