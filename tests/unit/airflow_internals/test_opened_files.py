"""What a process opens below a folder; each in a process of its own, for an audit hook stays for good."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.req("R83", "R84")
PROBE = """
import json, os, sqlite3, subprocess, sys
from pathlib import Path
from airflow_release_plugin.airflow_internals.opened_files import OpenedFiles

folder = Path({folder!r})
told = []
def tell(path, is_written):
    told.append([path, is_written])
    open(folder / "told.txt", "a").close()  # what is opened to tell is not told
OpenedFiles([str(folder)], tell).listen()
{code}
print(json.dumps(told))
"""


def told(folder: Path, code: str) -> list[list[object]]:
    """What is told while the code runs, by paths relative to the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text("a\n")
    (folder / "mod.py").write_text("x = 1\n")
    run = subprocess.run(
        [sys.executable, "-c", PROBE.format(folder=str(folder), code=code)],
        text=True,
        capture_output=True,
        check=True,
    )
    found = json.loads(run.stdout.splitlines()[-1])
    return [[path.removeprefix(f"{folder}/"), is_written] for path, is_written in found]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("open(folder / 'a.txt').read()", [["a.txt", False]]),
        ("os.chdir(folder); open('a.txt').read()", [["a.txt", False]]),
        ("open(str(folder) + '/../dev/a.txt').read()", [["a.txt", False]]),
        ("os.open(folder / 'a.txt', os.O_RDONLY)", [["a.txt", False]]),
        ("open(folder / 'b.txt', 'w').close()", [["b.txt", True]]),
        ("sqlite3.connect(folder / 'a.db')", [["a.db", True]]),
        ("subprocess.run(['cat', folder / 'a.txt'])", [["a.txt", False]]),
        ("subprocess.run(f'cat \"{folder}/a.txt\"; true', shell=True)", [["a.txt", False]]),
        ("open('/etc/hostname').read(); os.listdir(folder)", []),
    ],
)
def test_each_way_to_open_is_told(tmp_path: Path, code: str, found: list[list[object]]) -> None:
    assert told(tmp_path / "dev", code) == found


def test_a_link_to_the_folder_is_the_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "dev")

    assert told(tmp_path / "dev", f"open({str(tmp_path / 'link' / 'a.txt')!r})") == [["a.txt", False]]


def test_an_import_is_its_source_whether_or_not_it_is_compiled(tmp_path: Path) -> None:
    code = "sys.path.insert(0, str(folder)); import mod"

    first, second = (told(tmp_path / "dev", code) for _ in range(2))

    assert {path for path, is_written in first if not is_written} == {"mod.py"}
    assert {path for path, _ in second} == {"mod.py"}


def test_what_telling_raises_is_raised_where_the_file_is_opened(tmp_path: Path) -> None:
    code = """
def tell(*_): raise ValueError
OpenedFiles([str(folder)], tell).listen()
try:
    open(folder / "a.txt")
except ValueError:
    told.append(["raised", False])
"""
    assert ["raised", False] in told(tmp_path / "dev", code)
