"""People who use a cluster: they edit by pushing commits to the team's repository."""

from __future__ import annotations

from tests.harness.cluster.cluster import Cluster
from tests.harness.driver import Driver


class ClusterDriver(Driver):
    """The same people, elsewhere."""

    demo: Cluster  # type: ignore[assignment]

    def write(self, path: str, text: str) -> None:
        self.demo.push({path: text}, f"Edit {path}")
