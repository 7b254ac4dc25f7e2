"""The process that sends one notification: ``python -m … answer.json`` with the job as JSON on its input."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from airflow_release_plugin.airflow_internals.notifiers import load_notifier


def send(job: dict[str, Any]) -> None:
    """Make the notifier, render its template fields with ours, and let it send."""
    from airflow.sdk import BaseNotifier

    made = load_notifier(job["notifier"])
    notifier = made(**job["kwargs"])
    context = {"notice": job["notice"]}
    if made.notify is BaseNotifier.notify:
        notifier.context = context
        asyncio.run(_wait_for(notifier))
    else:
        notifier(context)


async def _wait_for(notifier: Any) -> None:
    await notifier


def masked(text: str) -> str:
    """The text without the secrets that Airflow has seen in this process: passwords of connections."""
    from airflow._shared.secrets_masker import redact as redact_of_server
    from airflow.sdk._shared.secrets_masker import redact as redact_of_tasks

    return str(redact_of_tasks(redact_of_server(text)))


def main(answer: Path) -> int:
    """Write what was the matter to ``answer``, or ``null``."""
    try:
        send(json.load(sys.stdin))
    except BaseException as error:  # whatever it is, it is the answer
        problem = {"kind": type(error).__name__, "detail": masked(str(error))}
        answer.write_text(json.dumps(problem), encoding="utf-8")
        return 1
    answer.write_text("null", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
