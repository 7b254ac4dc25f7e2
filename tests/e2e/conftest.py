from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.instance import DemoInstance, running_demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.harness.driver import Driver
    from tests.harness.flow_stage import Stage

GATED = {"one_gate": 1, "five_gates": 5}
LIMIT_SECONDS = 900
SHARED = ("demo", "fab_demo", "", "gap")
"""Fixtures of installations that tests share, in the order in which two workers end soonest; "" for none."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share an installation run on one worker; and only what hangs meets the limit."""
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    for item in ours:
        item.add_marker(pytest.mark.xdist_group(installation_of(item) or item.path.stem))
        item.add_marker(pytest.mark.timeout(LIMIT_SECONDS))
    others = [item for item in items if item not in ours]
    items[:] = [*others, *sorted(ours, key=lambda item: SHARED.index(installation_of(item)))]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure in a cluster comes with what each of its hosts wrote."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if cluster is not None and report.failed:
        report.sections += [(f"log of {name}", text) for name, text in cluster.logs().items()]
    return report


def installation_of(item: pytest.Item) -> str:
    """Which shared installation a test uses, if one."""
    names = getattr(item, "fixturenames", ())
    return next((name for name in SHARED if name in names), "")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoInstance]:
    """A whole Airflow with the example DAGs, as ``make demo`` runs it; shared by the tests of a run."""
    with running_demo(tmp_path_factory.mktemp("demo"), say=print) as instance:
        yield instance


@pytest.fixture(scope="session")
def browser(browser_path: str) -> Iterator[Browser]:
    """A headless browser for the whole run."""
    from playwright.sync_api import expect

    from demo.browser import PATIENCE_MS, open_browser

    expect.set_options(timeout=PATIENCE_MS)
    with open_browser(browser_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def driver(demo: DemoInstance, browser: Browser) -> Iterator[Driver]:
    """People who use the shared demo."""
    from tests.harness.driver import Driver

    with closing(Driver(demo, browser)) as made:
        yield made


@pytest.fixture(scope="session")
def gated(driver: Driver) -> dict[str, int]:
    """DAGs with gates, in the target; number of gates by DAG id."""
    from tests.harness.driver import gated_dag_file

    for dag_id, gates in GATED.items():
        driver.add(dag_id, gated_dag_file(dag_id, gates))
    driver.ship(*(f"{dag_id}.py" for dag_id in GATED), title="Dags with gates")
    return GATED


@pytest.fixture(scope="module")
def flow(stage: Stage) -> int:
    """A flow made in the browser; its id. The module says on which stage."""
    return stage.make_flow()


@pytest.fixture(scope="module")
def waiting(stage: Stage, flow: int) -> list[int]:
    """Two releases under the flow that await approval."""
    return stage.request_releases()
