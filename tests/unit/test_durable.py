"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_release_plugin.durable import appearing


def test_a_file_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    with appearing(tmp_path / "x") as stream:
        stream.write(b"all")
        (beside,) = tmp_path.iterdir()
        assert (beside.suffix, beside.stat().st_mode & 0o777) == (".partial", 0o600)

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"all")]


def test_an_error_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"before")

    def write() -> None:
        with appearing(tmp_path / "x") as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"before")]
