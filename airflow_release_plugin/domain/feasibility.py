"""Whether the people there are can complete the nodes of a level."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_release_plugin.domain.approval import Node


def unmet_nodes(nodes: Sequence[Node], *, counts_twice: bool = False) -> list[Node]:
    """
    The nodes that cannot be completed by their eligible people, who count once over all nodes.

    Each node needs :attr:`Node.needed` different people. Finding them is a bipartite matching, done by
    augmenting paths (Kuhn's algorithm).
    """
    if counts_twice:
        return [node for node in nodes if len(node.eligible) < node.needed]
    seats = [(index, node) for index, node in enumerate(nodes) for _ in range(node.needed)]
    holder: dict[str, int] = {}
    unmet: dict[int, Node] = {}
    for seat, (index, node) in enumerate(seats):
        if not _place(seat, seats, holder, set()):
            unmet[index] = node
    return list(unmet.values())


def _place(seat: int, seats: Sequence[tuple[int, Node]], holder: dict[str, int], tried: set[str]) -> bool:
    """Give ``seat`` to somebody, moving others to further seats where that helps."""
    for person in seats[seat][1].eligible:
        if person.id in tried:
            continue
        tried.add(person.id)
        taken = holder.get(person.id)
        if taken is None or _place(taken, seats, holder, tried):
            holder[person.id] = seat
            return True
    return False
