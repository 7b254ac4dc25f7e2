"""Whether the people there are can complete the nodes of a level."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from airflow_release_plugin.domain.flow.approval import Node


def unmet_nodes(nodes: Sequence[Node], *, counts_twice: bool = False) -> list[Node]:
    """
    The nodes that cannot be completed by their eligible people, who count once over all nodes.

    Each node needs :attr:`Node.needed` different people. Finding them is a bipartite matching, done by
    augmenting paths; breadth first, since a role may have thousands of holders.
    """
    eligible = [list(dict.fromkeys(person.id for person in node.eligible)) for node in nodes]
    if counts_twice:
        return [node for node, ids in zip(nodes, eligible, strict=True) if len(ids) < node.needed]
    node_of: dict[str, int] = {}
    unmet = []
    for index, node in enumerate(nodes):
        enough = node.needed <= len(eligible[index])
        if not enough or not all(_take(index, eligible, node_of) for _ in range(node.needed)):
            unmet.append(node)
    return unmet


def _take(index: int, eligible: Sequence[Sequence[str]], node_of: dict[str, int]) -> bool:
    """Find one more person for a node, moving people between nodes where that helps."""
    came_from: dict[int, tuple[int, str]] = {}
    pending = deque([index])
    while pending:
        node = pending.popleft()
        free = next((person for person in eligible[node] if person not in node_of), None)
        if free is not None:
            # The free one comes here, who was borrowed from here goes on to where they were wanted.
            node_of[free] = node
            while node != index:
                node, moved = came_from[node]
                node_of[moved] = node
            return True
        for person in eligible[node]:
            holder = node_of[person]
            if holder != index and holder not in came_from:
                came_from[holder] = (node, person)
                pending.append(holder)
    return False
