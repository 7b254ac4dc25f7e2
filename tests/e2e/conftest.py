from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.instance import DemoInstance, running_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoInstance]:
    """A whole Airflow with the example DAGs, as ``make demo`` runs it; shared by the tests of a run."""
    with running_demo(tmp_path_factory.mktemp("demo"), say=print) as instance:
        yield instance
