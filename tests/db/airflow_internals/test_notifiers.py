"""Real notifiers in processes of their own, good ones and bad ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.models import Connection
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from airflow_release_plugin.airflow_internals.notifiers import DeliveryProblem, deliver
from tests.harness.smtp_server import smtp_server

pytestmark = pytest.mark.req("R40")
ROOT = Path(__file__).resolve().parents[3]
NOTICE = {"summary": "R-000001 Étude awaits approval", "url": "http://x/release", "requester": "ann"}


@pytest.fixture(autouse=True)
def installation(monkeypatch: pytest.MonkeyPatch, own_engine: Engine) -> None:
    """What an API server's environment says."""
    url = own_engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", url)
    monkeypatch.setenv("AIRFLOW__RELEASE__NOTIFIERS", "airflow.providers.*,tests.harness.notifiers.*")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def send(name: str, timeout: float = 60, **kwargs: Any) -> DeliveryProblem | None:
    notifier = {"notifier": f"tests.harness.notifiers.{name}", "kwargs": kwargs}
    return deliver(notifier, NOTICE, timeout=timeout)


def test_a_mail_goes_out_with_the_smtp_notifier_and_a_connection(own_engine: Engine) -> None:
    with smtp_server() as mailbox:
        with Session(own_engine) as session:
            session.add(
                Connection(
                    conn_id="smtp_default",
                    conn_type="smtp",
                    host="127.0.0.1",
                    port=mailbox.port,
                    extra='{"disable_ssl": true, "disable_tls": true, "from_email": "airflow@example.org"}',
                )
            )
            session.commit()
        problem = deliver(
            {
                "notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
                "kwargs": {
                    "to": "{{ notice.requester }}@example.org",
                    "subject": "{{ notice.summary }}",
                    "html_content": "<a href='{{ notice.url }}'>{{ notice.summary | e }}</a>",
                },
            },
            NOTICE,
            timeout=60,
        )

    assert problem is None
    (mail,) = mailbox.mails
    assert (mail["From"], mail["To"]) == ("airflow@example.org", "ann@example.org")
    assert "http://x/release" in str(mail.get_payload(0).get_payload(decode=True))


@pytest.mark.parametrize("name", ["Writes", "WritesAsync"])
def test_templates_are_filled_in_whatever_way_the_notifier_works(name: str, tmp_path: Path) -> None:
    file = tmp_path / "told"

    assert send(name, file=str(file), text="{{ notice.summary }} {{ conn }}") is None
    assert file.read_text() == "R-000001 Étude awaits approval \n"


def test_what_a_notifier_raises_comes_back_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MAIL", "smtp://user:hunter2-long@host")

    problem = send("Raises")

    assert problem == DeliveryProblem("RuntimeError", "login with *** was refused")


def test_a_notifier_that_ends_its_process_is_a_crash() -> None:
    assert send("Exits") == DeliveryProblem("Crash", "Its process ended with code 7 and said nothing.")


def test_a_notifier_that_hangs_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    problem = send("Hangs", timeout=25, file=str(file))

    assert problem is not None
    assert problem.kind == "Timeout"
    deadline = time.monotonic() + 5
    while _is_alive(int(file.read_text())) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _is_alive(int(file.read_text()))


def _is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "classpath", ["airflow.providers.gone.Notifier", "os.system", "tests.harness.clock.x"]
)
def test_a_notifier_that_is_gone_or_no_longer_allowed_is_a_problem(classpath: str) -> None:
    problem = deliver({"notifier": classpath, "kwargs": {}}, NOTICE, timeout=60)

    assert problem is not None
    assert problem.kind == "InvalidRequestError"
