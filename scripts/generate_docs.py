"""
Write the generated parts of the documentation: ``make docs``.

A generated part stands between two comments, ``<!-- generated: name -->`` and ``<!-- end -->``; the rest of a
page is written by people. ``tests/unit/test_docs.py`` fails when a part differs from what the code says.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, GroupCommand
from sqlalchemy.dialects import postgresql

from airflow_release_plugin.cli.definition import get_release_cli_commands
from airflow_release_plugin.domain import states
from airflow_release_plugin.domain.bundle.preflight import DEFAULT_WEIGHTS, FIRM, Reason
from airflow_release_plugin.domain.bundle.preflight_messages import WORDS
from airflow_release_plugin.domain.events import EventTag
from airflow_release_plugin.domain.flow.schema import flow_file_schema
from airflow_release_plugin.get_provider_info import get_provider_info
from airflow_release_plugin.models import Base
from airflow_release_plugin.views.widgets.labels import EVENT_LABELS
from scripts.benchmark_page import benchmark_tables, missed_goals, plots
from scripts.monitoring import metric_rows, statsd_mapping
from tests.harness.closure_cases import rows as closure_case_rows
from tests.harness.closure_runs import read_found

if TYPE_CHECKING:
    from sqlalchemy import Column

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "airflow_release_plugin"
FLOW_SCHEMA = DOCS / "reference" / "flow.schema.json"
STATSD_MAPPING = DOCS / "monitoring" / "statsd-exporter.yaml"
COMMAND = "make docs"
PART = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.S)
REQUIREMENT = re.compile(r"^\| (R\d+) \|")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(c.replace("|", "\\|") for c in line) + " |\n" for line in lines)


def member_docs(enum: type[Enum]) -> dict[str, str]:
    """The strings below the members of an enum of ``domain/states.py``, by member name."""
    tree = ast.parse(Path(str(states.__file__)).read_text())
    body = next(n.body for n in tree.body if isinstance(n, ast.ClassDef) and n.name == enum.__name__)
    found: dict[str, str] = {}
    for before, after in pairwise(body):
        if isinstance(before, ast.Assign) and isinstance(after, ast.Expr):
            target = before.targets[0]
            if isinstance(target, ast.Name) and isinstance(after.value, ast.Constant):
                found[target.id] = str(after.value.value)
    return found


def state_table(enum: type[Enum]) -> str:
    """State, meaning, and the states that it may move to."""
    docs, moves = member_docs(enum), states.MOVES[enum]
    rows = []
    for state in enum:
        targets = [f"`{to.value}`" for to in enum if to in moves[state]]
        rows.append([f"`{state.value}`", markdown(docs[state.name]), ", ".join(targets) or "final"])
    return table(["state", "means", "may become"], rows)


def state_diagram(enum: type[Enum]) -> str:
    """The transition table as a Mermaid state diagram, which GitHub draws."""
    moves = states.MOVES[enum]
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(enum)).value}"]
    for state in enum:
        lines += [f"    {state.value} --> {to.value}" for to in enum if to in moves[state]]
        lines += [] if moves[state] else [f"    {state.value} --> [*]"]
    return "\n".join([*lines, "```\n"])


def settings_table() -> str:
    """Every option of the ``[release]`` section, as Airflow knows it."""
    rows = []
    for name, option in get_provider_info()["config"]["release"]["options"].items():
        masked = " Airflow masks it." if option["sensitive"] else ""
        example = f" Example: `{option['example']}`." if option["example"] else ""
        default = f"`{option['default']}`" if option["default"] else "empty"
        rows.append(
            [f"`{name}`", option["type"], default, markdown(option["description"]) + masked + example]
        )
    return table(["setting", "type", "default", "is"], rows)


def event_table() -> str:
    """Every tag of the audit trail."""
    rows = ([f"`{tag.value}`", str(EVENT_LABELS[tag.value])] for tag in EventTag)
    return table(["tag", "shown as"], rows)


def preflight_table() -> str:
    """Every reason of a preflight."""
    rows = (
        [
            f"`{reason.value}`",
            DEFAULT_WEIGHTS[reason].value + (", firm" if reason in FIRM else ""),
            WORDS[reason].title,
            WORDS[reason].next_step,
        ]
        for reason in Reason
    )
    return table(["reason", "weight", "means", "what to do"], rows)


def database_tables() -> str:
    """Every table with its columns, in the words of PostgreSQL."""
    classes = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    return "\n".join(
        f"### `{name}`\n\n{markdown(classes[name].__doc__ or '')}\n\n"
        + table(["column", "type", "is"], map(_column, Base.metadata.tables[name].columns))
        for name in sorted(classes)
    )


def _column(column: Column[Any]) -> list[str]:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    notes = ["key"] if column.primary_key else []
    notes += [f"of `{key.column.table.name}`" for key in column.foreign_keys]
    notes += ["may be empty"] if column.nullable else []
    comment = [markdown(column.comment)] if column.comment else []
    return [f"`{column.name}`", kind, "; ".join([*notes, *comment])]


def requirement_rows(old: str) -> str:
    """The rows as people wrote them, with the column of tests renewed."""
    files = tests_by_requirement()
    lines = []
    for line in old.splitlines():
        cells = line.strip("| ").split(" | ")
        if REQUIREMENT.match(line):
            links = [f"[{_short(file)}](../../{file})" for file in files.get(cells[0], [])]
            cells[2] = ", ".join(links) or "open"
            line = f"| {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _short(file: str) -> str:
    return file.removeprefix("tests/").removesuffix(".py").replace("/test_", "/")


def tests_by_requirement() -> dict[str, list[str]]:
    """Test files, relative to the repository, by the requirement ids that ``pytest.mark.req`` names."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for requirement in sorted(set(_marked(ast.parse(file.read_text())))):
            found.setdefault(requirement, []).append(file.relative_to(ROOT).as_posix())
    return found


def _marked(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.req":
            yield from (str(ast.literal_eval(argument)) for argument in node.args)


def markdown(text: str) -> str:
    """A docstring in one line, its reStructuredText literals and roles as Markdown."""
    text = re.sub(r":[a-z]+:`~?([^`]+)`", r"`\1`", text)
    return " ".join(text.replace("``", "`").split())


def command_table() -> str:
    """Every command of ``airflow release`` with its options."""

    def rows(commands: Iterable[Any], before: str) -> Iterator[list[str]]:
        for command in commands:
            if isinstance(command, GroupCommand):
                yield from rows(command.subcommands, f"{before} {command.name}")
            else:
                flags = [arg.flags[0] for arg in command.args if arg not in {ARG_OUTPUT, ARG_VERBOSE}]
                yield [f"`{before} {command.name}`", command.help, ", ".join(f"`{flag}`" for flag in flags)]

    return table(["command", "does", "takes"], rows(get_release_cli_commands(), "airflow"))


def package_table(parent: str = "") -> str:
    """What stands in a package, or in the whole product, each with the first sentence of its docstring."""
    folder = PACKAGE / parent
    found = {path.parent.name: path for path in folder.glob("*/__init__.py")}
    if not parent:
        found |= {path.name: path for path in folder.glob("*.py") if path.name != "__init__.py"}
    return table(
        ["package", "is for"], ([f"`{name}`", purpose(path)] for name, path in sorted(found.items()))
    )


def room_tables() -> str:
    """A table for each package that has packages in it."""
    parents = {path.parents[1] for path in PACKAGE.rglob("*/__init__.py")} - {PACKAGE}
    names = sorted(parent.relative_to(PACKAGE).as_posix() for parent in parents)
    return "\n".join(f"### `{name}`\n\n{package_table(name)}" for name in names if name != "migrations")


def purpose(path: Path) -> str:
    """The first sentence of a module's docstring, without the full stop."""
    summary = markdown((ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0])
    return re.split(r"\.(?: |$)", summary)[0]


def closure_case_table() -> str:
    """Ways in which code names files, what a unit made from the text holds or says, what running finds."""
    head = ["way", "for example", "needed", "from the text", "found by running"]
    return table(head, closure_case_rows(read_found()))


PARTS: Mapping[str, Callable[[str], str]] = {
    "settings": lambda _: settings_table(),
    "cli": lambda _: command_table(),
    "packages": lambda _: package_table(),
    "rooms": lambda _: room_tables(),
    "events": lambda _: event_table(),
    "metrics": lambda _: table(["metric", "tags", "kind", "is", "in Prometheus"], metric_rows()),
    "preflight": lambda _: preflight_table(),
    "database": lambda _: database_tables(),
    "closure-cases": lambda _: closure_case_table(),
    "benchmarks": lambda _: benchmark_tables(),
    "missed-goals": lambda _: missed_goals(),
    "requirements": requirement_rows,
    "release-diagram": lambda _: state_diagram(states.ReleaseState),
    "release-states": lambda _: state_table(states.ReleaseState),
    "submission-states": lambda _: state_table(states.SubmissionState),
    "approval-states": lambda _: state_table(states.ApprovalState),
    "gate-states": lambda _: state_table(states.GateState),
    "notification-states": lambda _: state_table(states.NotificationState),
    "export-states": lambda _: state_table(states.ExportState),
    "import-states": lambda _: state_table(states.ImportState),
}


def rendered(text: str) -> str:
    """The page with every generated part as the code has it now."""
    return PART.sub(lambda part: part[1] + PARTS[part[2]](part[3]) + part[4], text)


def pages() -> list[Path]:
    """Pages with a generated part."""
    every = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
    return [page for page in every if PART.search(page.read_text())]


def flow_schema() -> str:
    """The JSON schema of files of flows."""
    return json.dumps(flow_file_schema(), indent=2) + "\n"


def main() -> int:
    """Write what has changed, and name it."""
    wanted = {page: rendered(page.read_text()) for page in pages()} | {
        FLOW_SCHEMA: flow_schema(),
        STATSD_MAPPING: statsd_mapping(),
        **{DOCS / "images" / name: picture for name, picture in plots().items()},
    }
    for page, new in wanted.items():
        if not page.exists() or page.read_text() != new:
            page.write_text(new)
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
