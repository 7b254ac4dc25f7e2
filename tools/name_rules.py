"""House rules on names: one thing has one name, and readers and tools take it for what it is."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tools.source import Finding, Source, last_name

_IGNORED = """
build cover develop-eggs dist downloads eggs env htmlcov instance lib lib64 parts sdist site target var venv
wheels
"""
_LIBRARIES = """
airflow alembic arrow attr attrs babel boto3 celery click croniter cryptography dateutil django
docker dulwich fastapi flask grpc httpx hypothesis jinja2 jsonschema jwt kubernetes markdown
markupsafe marshmallow networkx numpy packaging pandas pendulum playwright pluggy psutil pydantic
pygments pytest pytz redis requests rich ruff setuptools six sqlalchemy starlette structlog tenacity
toml tomli tornado tqdm typer urllib3 uvicorn watchfiles websockets werkzeug wtforms yaml
"""
IGNORED_FOLDERS = frozenset(_IGNORED.split())
"""Folders that the usual ``.gitignore`` for Python leaves out, and with it tools that read it."""
LIBRARIES = frozenset(_LIBRARIES.split())
"""Libraries that readers know by name: ``requests.request(…)`` is taken for an HTTP call."""


def packages_say_what_they_are_for(source: Source) -> Iterator[Finding]:
    """The docstring of a package begins with one sentence; the maps in the documentation are made of them."""
    if source.is_in("") and source.path.endswith("/__init__.py"):
        summary = (ast.get_docstring(source.tree) or "").partition("\n\n")[0]
        if not re.fullmatch(r"(?:[^.]|\.(?!\s|$))+\.", summary):
            message = "say in one sentence what the package is for; `make docs` puts it into the map"
            yield Finding(source.path, 1, message)


def modules_have_names_of_their_own(source: Source) -> Iterator[Finding]:
    """No module is named like a library that everybody knows, no folder like one that git ignores."""
    path = PurePosixPath(source.path)
    *folders, name = path.parts
    for folder in folders:
        if folder in IGNORED_FOLDERS:
            message = (
                f"{folder}/ is in the usual .gitignore, and tools pass it over: name it by what it holds"
            )
            yield Finding(source.path, 1, message)
    own = path.parent.name if name == "__init__.py" else path.stem
    if source.is_in("") and own in LIBRARIES | sys.stdlib_module_names:
        yield Finding(source.path, 1, f"{own} is the name of a known library: say what is in it of ours")


def pages_end_in_page(source: Source) -> Iterator[Finding]:
    """A class of ``views`` that stands on another page is one, and its name says so."""
    if not source.is_in("views/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and not node.name.endswith("Page"):
            bases = [last_name(base) for base in node.bases]
            if any(base == "BaseView" or base.endswith("Page") for base in bases):
                yield Finding(source.path, node.lineno, f"{node.name} is a page: end its name in Page")


def code_says_dag_in_capitals(source: Source) -> Iterator[Finding]:
    """As Airflow does: ``DAG`` in docstrings and comments; the mixed form is for texts on pages."""
    lines = {number for number, line in enumerate(source.lines, start=1) if line.lstrip().startswith("#")}
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for number in sorted(lines):
        if re.search(r"\bDags?\b", source.lines[number - 1]):
            yield Finding(
                source.path, number, "write DAG in code; Dag is for texts that people read on pages"
            )


def one_class_for_a_name(sources: Iterable[Source]) -> Iterator[Finding]:
    """No two classes of the package have the same name: one word for one thing, and a search finds it."""
    first: dict[str, str] = {}
    for source in sources:
        if not source.is_in(""):
            continue
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and first.setdefault(node.name, source.path) != source.path:
                message = f"there is a {node.name} in {first[node.name]} too: name each by what it is"
                yield Finding(source.path, node.lineno, message)
