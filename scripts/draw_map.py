"""
Draw the packages and their arrows: ``make map``.

Two pictures from the import graph: the parts of the package, and the rooms of ``services``. An arrow leads to
what is imported; one that a longer way implies is left out. The same code gives the same bytes.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import grimp

from airflow_release_plugin.analysis.graph_layout import lay_out

PACKAGE = "airflow_release_plugin"
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
COMMAND = "make map"
MAPS: Mapping[str, str] = {
    "map-packages.svg": PACKAGE,
    "map-services.svg": f"{PACKAGE}.services",
}

BOX, HEIGHT = 140, 30
LANE = 18
"""Width that an arrow takes where it passes a layer."""
GAP_X, GAP_Y, MARGIN = 16, 44, 16
STYLE = (
    "text{font:13px sans-serif;text-anchor:middle;fill:#1f2328}"
    "rect.box{fill:#eef4fb;stroke:#4a78a8}"
    "path{fill:none;stroke:#7a8797;stroke-width:1.2;marker-end:url(#head)}"
)

Edge = tuple[str, str]


def arrows(graph: grimp.ImportGraph, parent: str) -> tuple[list[str], list[Edge]]:
    """The children of a package by their last name, and who of them imports whom, anywhere below."""
    children = sorted(graph.find_children(parent))
    known = {f"{child}."[len(parent) + 1 : -1] for child in children}
    found = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            edge = (_child(module, parent), _child(imported, parent))
            if edge[0] != edge[1] and known.issuperset(edge):
                found.add(edge)
    return sorted(known), sorted(found)


def _child(module: str, parent: str) -> str:
    return module.removeprefix(f"{parent}.").partition(".")[0] if module.startswith(f"{parent}.") else ""


def reduced(edges: Collection[Edge]) -> list[Edge]:
    """The edges without those that a longer way implies; there must be no circle."""
    targets: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        targets[source].add(target)
    below: dict[str, set[str]] = {}

    def reach(node: str) -> set[str]:
        if node not in below:
            below[node] = set().union(*({target, *reach(target)} for target in targets.get(node, ())))
        return below[node]

    return [(a, b) for a, b in sorted(edges) if not any(b in reach(c) for c in targets[a] if c != b)]


@dataclass(frozen=True)
class Drawing:
    """Where boxes and bends are: the middle of each by name; ``ways`` are the edges with their bends."""

    centres: Mapping[str, tuple[float, float]]
    ways: Iterable[tuple[str, ...]]
    width: float
    height: float


def placed(nodes: Collection[str], edges: Collection[Edge]) -> Drawing:
    """Layers from top to bottom; an edge that passes a layer gets a lane there, so that it crosses no box."""
    layer_of = {node: place[0] for node, place in lay_out(nodes, edges).places.items()}
    ways = [(a, *(f"{a}→{b}→{layer}" for layer in range(layer_of[a] + 1, layer_of[b])), b) for a, b in edges]
    lanes = {point for way in ways for point in way} - set(nodes)
    steps = [step for way in ways for step in pairwise(way)]
    layout = lay_out([*sorted(nodes), *sorted(lanes)], steps)
    layers: list[list[str]] = [[] for _ in range(layout.layers)]
    for node, (layer, _) in sorted(layout.places.items(), key=lambda item: item[1]):
        layers[layer].append(node)
    widths = [sum(_width(node, lanes) + GAP_X for node in layer) - GAP_X for layer in layers]
    widest = max(widths)
    centres = {}
    for y, layer in enumerate(layers):
        x = MARGIN + (widest - widths[y]) / 2
        for node in layer:
            centres[node] = (x + _width(node, lanes) / 2, MARGIN + y * (HEIGHT + GAP_Y) + HEIGHT / 2)
            x += _width(node, lanes) + GAP_X
    height = 2 * MARGIN + layout.layers * (HEIGHT + GAP_Y) - GAP_Y
    return Drawing(centres, ways, widest + 2 * MARGIN, height)


def _width(node: str, lanes: Collection[str]) -> int:
    return LANE if node in lanes else BOX


def svg(title: str, nodes: Collection[str], edges: Collection[Edge]) -> str:
    """The picture as text."""
    drawing = placed(nodes, edges)
    size = {"width": f"{drawing.width:g}", "height": f"{drawing.height:g}"}
    root = ET.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox="0 0 {width} {height}".format(**size)
    )
    root.attrib |= {**size, "role": "img"}
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "style").text = STYLE
    marker = ET.SubElement(ET.SubElement(root, "defs"), "marker", id="head", orient="auto")
    marker.attrib |= {"viewBox": "0 0 8 8", "refX": "7", "refY": "4", "markerWidth": "8", "markerHeight": "8"}
    ET.SubElement(marker, "polygon", points="0,0 8,4 0,8", fill="#7a8797")
    ET.SubElement(root, "rect", fill="#ffffff", **size)
    for way in drawing.ways:
        ET.SubElement(root, "path", d=_line([drawing.centres[point] for point in way]))
    for node in sorted(nodes):
        x, y = drawing.centres[node]
        box = {"x": f"{x - BOX / 2:g}", "y": f"{y - HEIGHT / 2:g}", "width": f"{BOX}", "height": f"{HEIGHT}"}
        ET.SubElement(root, "rect", {"class": "box", "rx": "4", **box})
        ET.SubElement(root, "text", x=f"{x:g}", y=f"{y + 5:g}").text = node
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _line(points: list[tuple[float, float]]) -> str:
    """A curve from the bottom of the first box to the top of the last, upright in every lane."""
    (x, y), *rest = points
    y += HEIGHT / 2
    parts = [f"M{x:g} {y:g}"]
    for number, (to_x, centre) in enumerate(rest, start=1):
        top = centre - HEIGHT / 2
        middle = (y + top) / 2
        parts.append(f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {top:g}")
        x, y = to_x, top
        if number < len(rest):
            y += HEIGHT
            parts.append(f"V{y:g}")
    return "".join(parts)


def maps() -> dict[str, str]:
    """Every picture by the name of its file."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    drawn = {}
    for name, parent in MAPS.items():
        nodes, edges = arrows(graph, parent)
        drawn[name] = svg(f"Packages of {parent} and what they import", nodes, reduced(edges))
    return drawn


def main() -> int:
    """Write what has changed, and name it."""
    for name, text in maps().items():
        path = IMAGES / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
