from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from scripts import draw_map

SVG = "{http://www.w3.org/2000/svg}"


def test_an_arrow_that_a_longer_way_implies_is_left_out() -> None:
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")]

    assert draw_map.reduced(edges) == [("a", "b"), ("a", "d"), ("b", "c")]


def test_an_arrow_past_a_layer_crosses_no_box() -> None:
    drawing = draw_map.placed(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")])
    bends = [drawing.centres[point] for way in drawing.ways for point in way[1:-1]]
    boxes = [drawing.centres[node] for node in "abcd"]

    assert len(bends) == 1
    assert all(y != box_y or abs(x - box_x) > draw_map.BOX / 2 for x, y in bends for box_x, box_y in boxes)


def test_every_box_and_arrow_is_drawn_and_names_are_text() -> None:
    root = ET.fromstring(draw_map.svg("a & b", ["a", "b"], [("a", "b")]))

    assert [text.text for text in root.iter(f"{SVG}text")] == ["a", "b"]
    assert len(list(root.iter(f"{SVG}path"))) == 1
    assert root.findtext(f"{SVG}title") == "a & b"


@pytest.mark.parametrize("name", draw_map.MAPS)
def test_the_maps_in_the_documentation_are_those_of_the_code(name: str) -> None:
    path = draw_map.IMAGES / name

    assert path.read_text(encoding="utf-8") == draw_map.maps()[name], f"run {draw_map.COMMAND}"
