"""Places for the tasks of a DAG on a plane: layers from left to right, few crossings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

_SWEEPS = 4
"""Passes that put each node near the middle of its neighbours; more than a few change little."""

Edge = tuple[str, str]


@dataclass(frozen=True)
class Layout:
    """
    Where everything is.

    :param places: ``(layer, row)`` by node, both from 0
    :param layers: number of layers
    :param rows: number of rows of the longest layer
    """

    places: Mapping[str, tuple[int, int]]
    layers: int
    rows: int


def lay_out(nodes: Collection[str], edges: Iterable[Edge]) -> Layout:
    """
    Place the nodes: each in a layer after all of its upstream nodes, ordered within it by its neighbours.

    Two versions of a DAG drawn together may have a cycle; an edge that closes one does not count.
    """
    known = set(nodes)
    kept = _without_cycles(known, sorted({e for e in edges if known.issuperset(e) and e[0] != e[1]}))
    layer_of = _longest_paths(known, kept)
    layers = _initial(layer_of)
    upstream, downstream = _neighbours(kept)
    for sweep in range(_SWEEPS):
        is_forward = sweep % 2 == 0
        near = upstream if is_forward else downstream
        order = {node: row for layer in layers for row, node in enumerate(layer)}
        for layer in layers if is_forward else reversed(layers):
            layer.sort(key=lambda node: (_middle(node, near, order), order[node]))
            order.update({node: row for row, node in enumerate(layer)})
    places = {node: (x, y) for x, layer in enumerate(layers) for y, node in enumerate(layer)}
    return Layout(places, len(layers), max(map(len, layers), default=0))


def _middle(node: str, near: Mapping[str, Sequence[str]], order: Mapping[str, int]) -> float:
    others = near.get(node)
    return sum(order[other] for other in others) / len(others) if others else float(order[node])


def _neighbours(edges: Sequence[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    upstream: dict[str, list[str]] = defaultdict(list)
    downstream: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        downstream[source].append(target)
        upstream[target].append(source)
    return upstream, downstream


def _without_cycles(nodes: Collection[str], edges: Sequence[Edge]) -> list[Edge]:
    """The edges without those that lead back to a node on the way from the start of a walk."""
    _, downstream = _neighbours(edges)
    back: set[Edge] = set()
    done: set[str] = set()
    for start in sorted(nodes):
        if start in done:
            continue
        on_way = {start}
        stack = [(start, iter(downstream.get(start, ())))]
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                on_way.discard(node)
                done.add(node)
            elif following in on_way:
                back.add((node, following))
            elif following not in done:
                on_way.add(following)
                stack.append((following, iter(downstream.get(following, ()))))
    return [edge for edge in edges if edge not in back]


def _longest_paths(nodes: Collection[str], edges: Sequence[Edge]) -> dict[str, int]:
    _, downstream = _neighbours(edges)
    waits = dict.fromkeys(nodes, 0)
    for _, target in edges:
        waits[target] += 1
    layer = dict.fromkeys(sorted(nodes), 0)
    ready = [node for node in sorted(nodes) if not waits[node]]
    while ready:
        node = ready.pop()
        for target in downstream.get(node, ()):
            layer[target] = max(layer[target], layer[node] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return layer


def _initial(layer_of: Mapping[str, int]) -> list[list[str]]:
    layers: list[list[str]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for node, layer in layer_of.items():
        layers[layer].append(node)
    return layers
