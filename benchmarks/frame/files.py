"""The repository that rows are measured on: the same files each time, of any number."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from pathlib import Path

MODULES = 50
TEAMS = 40
_SEED = 7
_QUERIES = 0.25
"""Part of the files that is SQL."""
_HEAD = (
    "from airflow.sdk import DAG\nfrom lib.module_{module} import x\n"
    'with DAG(dag_id="dag_{number}"):\n    pass\n'
)


def repository(files: int) -> dict[str, str]:
    """
    Texts by path: DAG files of 2 to 6 KB in folders of teams, modules that they share, and SQL.

    A larger repository has the files of a smaller one, and more.

    :param files: how many there are in all
    """
    modules = min(MODULES, max(1, files // 20))
    queries = int(files * _QUERIES)
    texts = {"lib/__init__.py": ""}
    for number in range(modules - 1):
        texts[f"lib/module_{number}.py"] = f"x = {number}\n{_filling(f'module {number}', 3000)}"
    for number in range(queries):
        texts[f"sql/area_{number % 10}/query_{number}.sql"] = (
            f"select {number}\n{_filling(f'query {number}', 1000, '--')}"
        )
    for number in range(files - len(texts)):
        texts[dag_path(number)] = dag_text(number, modules)
    return texts


def dag_path(number: int) -> str:
    """Where the DAG file of this number is."""
    return f"team_{number % TEAMS}/dag_{number}.py"


def dag_text(number: int, modules: int = MODULES) -> str:
    """A DAG that imports one of the shared modules."""
    head = _HEAD.format(module=number % max(1, modules - 1), number=number)
    return head + _filling(f"dag {number}", 2000 + number * 2003 % 4000)


def write_repository(root: Path, files: int) -> Mapping[str, str]:
    """Write a repository of so many files below a folder; texts by path."""
    texts = repository(files)
    for path, text in texts.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return texts


def edit(root: Path, path: str) -> None:
    """Change a file as people do: it is longer afterwards."""
    with (root / path).open("a") as file:
        file.write("# edited\n")


def _filling(seed: str, size: int, comment: str = "#") -> str:
    """Lines like those of code in length, of bytes that compress as little as code does not."""
    return "".join(_lines(random.Random(f"{_SEED} {seed}"), size, comment))  # noqa: S311 - not a secret


def _lines(noise: random.Random, size: int, comment: str) -> Iterator[str]:
    while size > 0:
        line = f"{comment} {noise.randbytes(30).hex()}\n"
        size -= len(line)
        yield line
