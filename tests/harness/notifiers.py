"""Notifiers that behave as badly as notifiers can."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier
from airflow.sdk.bases.hook import BaseHook


class Writes(BaseNotifier):
    """Writes what its template says into a file."""

    template_fields = ("text",)

    def __init__(self, file: str, text: str) -> None:
        super().__init__()
        self.file, self.text = file, text

    def notify(self, context: Any) -> None:
        with Path(self.file).open("a") as file:
            file.write(self.text + "\n")


class WritesAsync(Writes):
    """The same, as notifiers for the triggerer do it."""

    notify = BaseNotifier.notify

    async def async_notify(self, context: Any) -> None:
        Writes.notify(self, context)


class Raises(BaseNotifier):
    """Says the password of a connection in its error."""

    def notify(self, context: Any) -> None:
        raise RuntimeError(f"login with {BaseHook.get_connection('mail').password} was refused")


class Exits(BaseNotifier):
    """Ends its process, as native code does that crashes."""

    def notify(self, context: Any) -> None:
        os._exit(7)


class Hangs(BaseNotifier):
    """Never ends, and neither does what it started, which writes its id into a file."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def notify(self, context: Any) -> None:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(self.file).write_text(str(child.pid))
        time.sleep(600)
