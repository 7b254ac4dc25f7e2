"""
House rules that no general linter knows, each with a message that says what to do instead.

Run ``python -m tools.house_rules``; it prints one line for each finding and exits with 1 if there is any.
Naive times and ``print`` are ruff's business (``DTZ``, ``T20``).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.message_rules import texts_are_templates
from tools.name_rules import (
    code_says_dag_in_capitals,
    modules_have_names_of_their_own,
    one_class_for_a_name,
    packages_say_what_they_are_for,
    pages_end_in_page,
)
from tools.service_calls import one_call_for_a_handler
from tools.source import PACKAGE, Finding, Source, last_name
from tools.type_rules import keywords_have_types, objects_travel_whole, versions_are_made_in_one_place

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_TEMPLATE_COLUMNS = 120
SCANNED = (PACKAGE, "demo", "tools", "dags", "benchmarks", "soak", "tests")


Rule = Callable[[Source], Iterator[Finding]]
_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def _session_call(call: ast.Call, *methods: str) -> bool:
    """Whether this is ``session.<method>(…)`` on something that is named like a session."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in methods
        and last_name(function.value).lower().endswith("session")
    )


def one_door_for_states(source: Source) -> Iterator[Finding]:
    """Nothing assigns ``.state`` but ``Stateful.move_to``, and ``move_all``, which asks the same table."""
    if not source.is_in("") or source.is_in("models/base.py", "repositories/version_states.py"):
        return
    message = "a state moves through Stateful.move_to(), which checks the transition table"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr == "state" and isinstance(node.ctx, ast.Store):
            yield Finding(source.path, node.lineno, message)
    for call in source.calls():
        by_name = last_name(call.func) == "setattr" and len(call.args) > 1
        in_bulk = last_name(call.func) == "values" and any(word.arg == "state" for word in call.keywords)
        if in_bulk or (by_name and getattr(call.args[1], "value", None) == "state"):
            yield Finding(source.path, call.lineno, message)


def one_door_for_branches(source: Source) -> Iterator[Finding]:
    """Branches move in ``services/promotion``; a new version, a snapshot and a bundle get their own refs."""
    doors = (
        "services/promotion/",
        "services/versions/snapshot_commit.py",
        "services/versions/versions.py",
        "services/imports/upstream_files.py",
        "store/",
    )
    if not source.is_in("") or source.is_in(*doors):
        return
    for call in source.calls():
        if last_name(call.func) == "move_ref":
            message = "code reaches an environment through services/promotion/ only: call promote()"
            yield Finding(source.path, call.lineno, message)


def _is_select(called: ast.expr) -> bool:
    """Whether it is SQLAlchemy's; selectors have a method of that name."""
    if isinstance(called, ast.Attribute):
        return called.attr == "select" and last_name(called.value) in {"sqlalchemy", "sa"}
    return last_name(called) == "select"


def queries_live_in_repositories(source: Source) -> Iterator[Finding]:
    """``select(…)``, ``session.execute(…)`` and the like stand in repositories."""
    if not source.is_in("") or source.is_in("repositories/", "migrations/", "airflow_internals/"):
        return
    for call in source.calls():
        query = _session_call(call, "query", "execute", "scalar", "scalars")
        if query or _is_select(call.func):
            yield Finding(source.path, call.lineno, "queries live in repositories/: add a function there")


def commits_at_the_edge(source: Source) -> Iterator[Finding]:
    """One request, command or callback is one transaction; what cannot be taken back is committed first."""
    edges = (
        "api/",
        "views/",
        "cli/",
        "airflow_internals/",
        "migrations/",
        "services/promotion/promotions.py",
        "services/rollbacks/automatic.py",
        "services/drift/adoption.py",
    )
    if not source.is_in("") or source.is_in(*edges):
        return
    for call in source.calls():
        if _session_call(call, "commit", "rollback"):
            yield Finding(
                source.path, call.lineno, "the edge (api, views, cli) commits, the audit event with the act"
            )


def flush_has_a_reason(source: Source) -> Iterator[Finding]:
    """A manual ``flush()`` says in a comment on its line, or on the one above, what needs it."""
    if not source.is_in(""):
        return
    for call in source.calls():
        near = source.lines[max(call.lineno - 2, 0) : call.end_lineno]
        if _session_call(call, "flush") and not any("#" in line for line in near):
            yield Finding(source.path, call.lineno, "say in a comment why this flush() is needed")


def no_http_inside(source: Source) -> Iterator[Finding]:
    """The inner layers raise errors of ``exceptions.py``; the API turns them into HTTP."""
    if not source.is_in("services/", "repositories/", "models/", "domain/", "store/", "analysis/"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and last_name(node) == "HTTPException":
            yield Finding(source.path, node.lineno, "raise an error of exceptions.py; api/errors.py maps it")


def no_bare_exceptions(source: Source) -> Iterator[Finding]:
    """Every raise names a case that callers can catch; of bundles, Airflow catches its own class."""
    banned = {"Exception", "BaseException"} | (set() if source.is_in("bundles/") else {"AirflowException"})
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Raise) or node.exc is None:
            continue
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if last_name(raised) in banned:
            yield Finding(source.path, node.lineno, "raise a class of exceptions.py, or a fitting builtin")


def sizes(source: Source) -> Iterator[Finding]:
    """Files and functions stay readable; tests are lists, and migrations are written once."""
    if source.is_in("migrations/versions/"):
        return
    if len(source.lines) > MAX_FILE_LINES and not source.path.startswith("tests/"):
        yield Finding(source.path, 1, f"{len(source.lines)} lines; split it by use case (≤ {MAX_FILE_LINES})")
    for node in ast.walk(source.tree):
        if isinstance(node, _Function):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                message = f"{node.name}() has {length} lines; name its parts (≤ {MAX_FUNCTION_LINES})"
                yield Finding(source.path, node.lineno, message)


def services_name_their_actor(source: Source) -> Iterator[Finding]:
    """
    ``actor`` never has a default, and a public service function that changes something takes it keyword-only.

    Where nobody acts (a window ends, a crash is repaired) the function names ``SYSTEM`` instead.
    """
    if not source.is_in("services/"):
        return
    scopes: list[ast.Module | ast.ClassDef] = [source.tree]
    scopes += (node for node in source.tree.body if isinstance(node, ast.ClassDef))
    for node in (statement for scope in scopes for statement in scope.body):
        if not isinstance(node, _Function) or node.name.startswith("_"):
            continue
        if "actor" in _defaulted(node.args):
            yield Finding(
                source.path, node.lineno, f"{node.name}() must not guess its `actor`: drop the default"
            )
        elif _changes_something(node) and "actor" not in {argument.arg for argument in node.args.kwonlyargs}:
            message = f"{node.name}() changes something: take `actor` keyword-only, or act as SYSTEM"
            yield Finding(source.path, node.lineno, message)


def _defaulted(given: ast.arguments) -> set[str]:
    positional = [*given.posonlyargs, *given.args]
    optional = positional[len(positional) - len(given.defaults) :]
    optional += (a for a, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default)
    return {argument.arg for argument in optional}


def _changes_something(function: ast.AST) -> bool:
    """Whether it moves a state, adds a row or records an event without naming ``SYSTEM`` as who does it."""
    nodes = list(ast.walk(function))
    if any(isinstance(node, ast.Name) and node.id == "SYSTEM" for node in nodes):
        return False
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    named = {call.attr for call in calls if isinstance(call, ast.Attribute)}
    return not named.isdisjoint({"move_to", "record"}) or any(
        isinstance(call, ast.Attribute) and call.attr == "add" and last_name(call.value).endswith("session")
        for call in calls
    )


RULES: tuple[Rule, ...] = (
    keywords_have_types,
    objects_travel_whole,
    versions_are_made_in_one_place,
    one_door_for_states,
    one_door_for_branches,
    queries_live_in_repositories,
    commits_at_the_edge,
    flush_has_a_reason,
    no_http_inside,
    no_bare_exceptions,
    sizes,
    services_name_their_actor,
    packages_say_what_they_are_for,
    modules_have_names_of_their_own,
    pages_end_in_page,
    code_says_dag_in_capitals,
    one_call_for_a_handler,
    texts_are_templates,
)

_PAGE_RULES = (
    (re.compile(r"<[^>]*\son[a-z]+\s*=", re.I), "no inline event handlers: bind them in static/*.js"),
    (
        re.compile(r"<script(?![^>]*\ssrc=)(?![^>]*application/json)", re.I),
        "no inline scripts: the content security policy forbids them; use static/*.js",
    ),
    (
        re.compile(
            r"""(?:\b(?:src|href|action)\s*=\s*["']?|url\(\s*["']?|@import\s+["'])\s*(?:https?:)?//""", re.I
        ),
        "no external URLs: installations have no way out; ship the file in static/",
    ),
    (re.compile(r"javascript:", re.I), "no javascript: URLs; bind a handler in static/*.js"),
)


def check_python(path: str, text: str) -> list[Finding]:
    """Return what is wrong with a Python file; ``path`` is relative to the repository."""
    source = Source(path, text)
    return [finding for rule in RULES for finding in rule(source)]


def check_page(path: str, text: str) -> list[Finding]:
    """Return what is wrong with a template or style sheet."""
    findings = [
        Finding(path, text.count("\n", 0, match.start()) + 1, message)
        for pattern, message in _PAGE_RULES
        for match in pattern.finditer(text)
    ]
    if path.endswith(".html"):
        message = "{} columns; break it between attributes or arguments, or name a part (≤ {})"
        findings += [
            Finding(path, number, message.format(len(line), MAX_TEMPLATE_COLUMNS))
            for number, line in enumerate(text.splitlines(), 1)
            if len(line) > MAX_TEMPLATE_COLUMNS
        ]
    return findings


def check_repository(root: Path) -> list[Finding]:
    """Return what is wrong with the repository at ``root``."""
    files = sorted(file for top in SCANNED for file in (root / top).rglob("*.py"))
    sources = [Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in files]
    findings = [finding for source in sources for rule in RULES for finding in rule(source)]
    findings += one_class_for_a_name(sources)
    for path in sorted((root / PACKAGE / "views").rglob("*")):
        if path.suffix in {".html", ".css"}:
            findings += check_page(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    return findings


def main() -> int:
    """Print the findings for the repository that this file is in."""
    findings = check_repository(Path(__file__).resolve().parents[1])
    for finding in findings:
        print(finding)
    print(f"house rules: {len(findings)} findings" if findings else "house rules: kept")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
