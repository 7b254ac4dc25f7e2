"""The repository that rows are measured on: the same files each time, of any number."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

MODULES = 50
TEAMS = 40
_SEED = 7
_QUERIES = 0.25
"""Part of the files that is SQL."""
_FUNCTION = '''

def step_{0}(rows: list[dict[str, int]], limit: int = {1}) -> dict[str, int]:
    """Sum up {2} of {3}."""
    found = {{row["{2}"]: row["{4}"] + {1} for row in rows if row["{4}"] < limit}}
    return {{**found, "{5}": len(found)}}
'''
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
    modules, queries = _modules(files), int(files * _QUERIES)
    texts = {"lib/__init__.py": ""}
    for number in range(modules - 1):
        texts[f"lib/module_{number}.py"] = f"x = {number}\n{_code(f'module {number}', 3000)}"
    for number in range(queries):
        texts[f"sql/area_{number % 10}/query_{number}.sql"] = (
            f"select {number}\n{_query(f'query {number}', 1000)}"
        )
    for number in range(files - len(texts)):
        texts[dag_path(number)] = dag_text(number, modules)
    return texts


def dag_count(files: int) -> int:
    """How many of so many files are DAG files."""
    return files - int(files * _QUERIES) - _modules(files)


def _modules(files: int) -> int:
    return min(MODULES, max(2, files // 20))


def dag_path(number: int) -> str:
    """Where the DAG file of this number is."""
    return f"team_{number % TEAMS}/dag_{number}.py"


def dag_text(number: int, modules: int = MODULES) -> str:
    """A DAG that imports one of the shared modules."""
    head = _HEAD.format(module=number % max(1, modules - 1), number=number)
    return head + _code(f"dag {number}", 2000 + number * 2003 % 4000)


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


def _code(seed: str, size: int) -> str:
    """Functions of a few statements, with words that compress as badly as names do."""
    noise = _noise(seed)
    parts = [""]
    while sum(map(len, parts)) < size:
        words = (noise.randbytes(6).hex() for _ in range(4))
        parts.append(_FUNCTION.format(len(parts), noise.randrange(100), *words))
    return "".join(parts)


def _query(seed: str, size: int) -> str:
    """Lines of SQL."""
    noise = _noise(seed)
    return "".join(f"  , max({noise.randbytes(6).hex()})\n" for _ in range(size // 22))


def _noise(seed: str) -> random.Random:
    return random.Random(f"{_SEED} {seed}")  # noqa: S311 - the same each time, and not a secret
