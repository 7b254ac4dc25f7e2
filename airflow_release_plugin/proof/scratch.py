"""The only folder that a process may write to which runs DAG files, and what it is told of the machine."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_INHERITED = re.compile(
    r"PATH|USER|LOGNAME|LANG|LANGUAGE|LC_\w+|TZ|PYTHON\w+|VIRTUAL_ENV|LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)"
)
_PARTS = ("airflow", "user", "work", "tmp")


@dataclass(frozen=True)
class Scratch:
    """A folder, parts of which stand for folders that a process is not told."""

    folder: Path

    @property
    def work(self) -> Path:
        """Where the process is."""
        return self.folder / "work"

    @property
    def aliases(self) -> dict[str, str]:
        """Those parts, by what they stand for; empty for wherever Airflow was started."""
        home = os.environ.get("AIRFLOW_HOME") or "~/airflow"
        return {
            str(self.folder / "airflow"): os.path.realpath(os.path.expanduser(home)),
            str(self.folder / "user"): os.path.realpath(os.path.expanduser("~")),
            str(self.work): "",
        }

    @property
    def places(self) -> dict[str, str]:
        """Variables that name these parts; the worker's own airflow.cfg holds secrets, too."""
        return {
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW_CONFIG": str(self.folder / "airflow" / "airflow.cfg"),
            "HOME": str(self.folder / "user"),
            "TMPDIR": str(self.folder / "tmp"),
        }

    def prepare(self) -> None:
        """Make it, as far as it is not there."""
        for name in _PARTS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "airflow" / "airflow.cfg").touch()

    def renew(self) -> None:
        """Have nothing in its parts that a process wrote there."""
        for name in _PARTS:
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.prepare()

    def environment(self, added: Mapping[str, str]) -> dict[str, str]:
        """Variables of a process that begins here: of this one's only what finds programs and libraries."""
        return {
            **{name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)},
            **added,
            **self.places,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # It goes by the wall clock; ours leaves out what other processes take.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "0",
            # Airflow then sets up no database engine, as in a task's process.
            "_AIRFLOW__REEXECUTED_PROCESS": "1",
            "_AIRFLOW_PROCESS_CONTEXT": "client",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Two runs of the same code are to make the same.
            "PYTHONHASHSEED": "0",
        }

    def meant(self, text: str) -> str:
        """``text`` with the folders of this machine that its parts stand for: DAGs may name them."""
        for part, folder in {**self.aliases, str(self.folder / "tmp"): tempfile.gettempdir()}.items():
            text = text.replace(part, folder or ".")
        return text

    def hide(self, text: str) -> str:
        """``text`` with what its parts stand for."""
        shown = {"airflow": "$AIRFLOW_HOME", "user": "~", "work": ".", "tmp": "$TMPDIR"}
        for name, meant in shown.items():
            text = text.replace(str(self.folder / name), meant)
        return text
