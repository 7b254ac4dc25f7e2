from __future__ import annotations

import pytest

from airflow_release_plugin.analysis.include_rules import IncludeRule, parse_rules
from airflow_release_plugin.exceptions import UnitError


def test_rules_are_read_in_order() -> None:
    rules = parse_rules(
        b'# x\n[[include]]\ndags = "a.py"\nfiles = ["b", "c"]\n\n[[include]]\ndags = ["d"]\nfiles = "e"\n'
    )

    assert rules.rules == (IncludeRule(("a.py",), ("b", "c"), 2), IncludeRule(("d",), ("e",), 6))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"x = = 1", "release.toml line 1: "),
        (b"\n\n[[include]\n", "release.toml line 3: "),
        (b"[[include]]\ndags = 'a", "release.toml line 2: "),
        (b"\n\xff", "release.toml line 2: not valid UTF-8"),
        (b"\nfiles = 1\n", "release.toml line 2: unknown key 'files'"),
        (b"[unit]\n", "release.toml line 1: unknown key 'unit'"),
        (b"\n[include]\ndags = 'a'\n", "release.toml line 2: 'include' must be written as"),
        (
            b"[[include]]\ndags='a'\nfiles='b'\n[[include]]\nfile='x'\n",
            "release.toml line 4: [[include]] has an unknown",
        ),
        (b"[[include]]\ndags='a'\n", "release.toml line 1: [[include]] needs 'files'"),
        (b"[[include]]\nfiles='a'\ndags=[]\n", "release.toml line 1: [[include]] needs 'dags'"),
        (b"[[include]]\ndags=[1]\nfiles='a'\n", "release.toml line 1: [[include]] needs 'dags'"),
        (b"[[include]]\ndags='a'\nfiles='/etc/*'\n", "relative to the root"),
        (b"[[include]]\ndags='a'\nfiles='x/../../y'\n", "relative to the root"),
        (b"[[include]]\ndags='a'\nfiles=''\n", "relative to the root"),
    ],
)
def test_a_broken_file_names_its_line(text: bytes, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_rules(text).of("a.py")

    assert message in caught.value.message
    assert caught.value.context == {"path": "release.toml"}
