from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from airflow_release_plugin.domain.release.progress import ItemState
from airflow_release_plugin.exceptions import ConflictError, UnavailableError
from airflow_release_plugin.operators import progress
from airflow_release_plugin.operators.progress import ProgressTeller
from airflow_release_plugin.proof.observation import Observed, OutsideAccess
from airflow_release_plugin.proof.report import FileReport
from airflow_release_plugin.schemas.work import ProgressBody

pytestmark = pytest.mark.req("R8")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0.01)


class Listener:
    """Takes batches; the first ones may be refused."""

    def __init__(self, *refusals: Exception) -> None:
        self.batches: list[ProgressBody] = []
        self._refusals = list(refusals)
        self._heard = threading.Condition()

    def __call__(self, body: ProgressBody) -> None:
        with self._heard:
            self.batches.append(body)
            self._heard.notify_all()
        if self._refusals:
            raise self._refusals.pop(0)

    def wait(self, enough: Callable[[], bool]) -> bool:
        with self._heard:
            return self._heard.wait_for(enough, 5)


def test_only_what_changed_since_the_last_batch_is_sent() -> None:
    listener = Listener()
    with ProgressTeller(listener, attempt=2) as tell:
        tell("a.py", None)
        assert listener.wait(lambda: len(listener.batches) == 1)
        tell("b.py", FileReport("b.py", error="Traceback\nImportError: no shop"))
        assert listener.wait(lambda: len(listener.batches) == 2)

    first, second = listener.batches
    assert (first.attempt, [(f.path, f.state) for f in first.files]) == (2, [("a.py", ItemState.CHECKING)])
    assert [(f.path, f.state, f.detail) for f in second.files] == [
        ("b.py", ItemState.FAILED, "ImportError: no shop")
    ]


def test_a_server_that_does_not_answer_is_no_reason_to_stop() -> None:
    listener = Listener(UnavailableError("down"))
    with ProgressTeller(listener, attempt=1) as tell:
        tell("a.py", None)
        assert listener.wait(lambda: len(listener.batches) == 1)
        tell("a.py", FileReport("a.py"))
        assert listener.wait(lambda: len(listener.batches) == 2)

    assert listener.batches[1].files[0].state is ItemState.CHECKED


def test_a_server_that_does_not_want_to_know_hears_no_more() -> None:
    listener = Listener(ConflictError("revoked"))
    with ProgressTeller(listener, attempt=1) as tell:
        tell("a.py", None)
        assert listener.wait(lambda: len(listener.batches) == 1)
        tell("b.py", None)

    assert len(listener.batches) == 1


def test_seconds_and_what_was_logged_are_told_as_far_as_there_is_room() -> None:
    listener = Listener()
    with ProgressTeller(listener, attempt=1) as tell:
        tell("a.py", FileReport("a.py", seconds=1.5, logged=tuple(f"{n}{'x' * 2000}" for n in range(30))))
        assert listener.wait(lambda: len(listener.batches) == 1)

    (file,) = listener.batches[0].files
    assert (file.seconds, len(file.lines), len(file.lines[0])) == (1.5, 20, 1000)


def test_a_file_that_read_other_dag_code_has_failed_with_the_line() -> None:
    listener = Listener()
    access = OutsideAccess("/dags/x.yaml", "a.py line 3", "opens", "the source 'dev'")
    with ProgressTeller(listener, attempt=1) as tell:
        tell("a.py", FileReport("a.py", observed=Observed(outside=(access,))))
        assert listener.wait(lambda: len(listener.batches) == 1)

    (file,) = listener.batches[0].files
    assert file.state is ItemState.FAILED
    assert file.detail.startswith("a.py line 3 opens /dags/x.yaml, which lies in the source 'dev'")
