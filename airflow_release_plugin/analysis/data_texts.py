"""What files that are no Python code name: templates, YAML, JSON, notebooks, scripts."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.analysis.evaluation.values import UNKNOWN
from airflow_release_plugin.analysis.shell_words import shell_names
from airflow_release_plugin.analysis.text_decoding import decode_text

_STATEMENT = re.compile(r"\{%[-+]?\s*(?:include|import|extends|from)\s+(.*?)\s*[-+]?%\}", re.DOTALL)
_TAIL = re.compile(r"\s+(?:ignore\s+missing|with(?:out)?\s+context|import\b|as\s+\w+).*", re.DOTALL)
_QUOTED = re.compile(r"""'([^'\n]*)'|"([^"\n]*)\"""")
_WORD = re.compile(r"""[^\s"'\[\]{},=()<>|;]+""")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+")
_PATH = re.compile(r"!?[\w.@-]*(?:/[\w.@-]+)+|[\w@-][\w.@-]*\.[A-Za-z]\w{0,7}")
_MAGIC = re.compile(r"^\s*[%!]\s*(?:run|load|include|sx|bash|sh)?\s*(.*)$")
_CODE_MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)
_VARIABLE = re.compile(r"^\$\{?\w+\}?/")
_LONGEST_LINE = 2000
_LONGEST_SCRIPT = 200_000
_MOST_LINES = 20_000
_SCRIPTS = (".sh", ".bash")
DATA_SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".conf")


@dataclass(frozen=True)
class DataNames:
    """
    Names in a file.

    :param templates: what a template includes; parts that are not literal are ``UNKNOWN``
    :param paths: words that may be paths
    :param dotted: words that may be modules, or things in modules
    :param imports: modules that code in a notebook imports
    """

    templates: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    dotted: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.templates or self.paths or self.dotted or self.imports)


_NOTHING = DataNames()


def template_names(text: str) -> Iterator[str]:
    """Names that a template includes, imports or extends; ``'a/' ~ b ~ '.sql'`` has an unknown part."""
    for statement in _STATEMENT.findall(text) if "{%" in text else ():
        expression = _TAIL.sub("", statement).strip()
        if expression.startswith(("[", "(")):
            yield from (one or other for one, other in _QUOTED.findall(expression))
            continue
        parts = re.split(r"[~+]", expression)
        names = [
            match[1] or match[2] if (match := _QUOTED.fullmatch(part.strip())) else UNKNOWN for part in parts
        ]
        yield "".join(name or "" for name in names)


def read_template(data: bytes) -> DataNames:
    """Names in a template."""
    text = decode_text(data)[0] if b"{%" in data else ""
    return DataNames(tuple(dict.fromkeys(template_names(text)))) if text else _NOTHING


def read_data(data: bytes) -> DataNames:
    """Names in YAML, JSON, TOML and the like: words that look like paths or dotted names."""
    paths: dict[str, None] = {}
    dotted: dict[str, None] = {}
    text = decode_text(data)[0]
    for line in text.splitlines()[:_MOST_LINES]:
        if ("." not in line and "/" not in line) or len(line) > _LONGEST_LINE:
            continue
        for word in _WORD.findall(line.split(" #")[0]):
            if "://" in word:
                continue
            if _DOTTED.fullmatch(word):
                dotted[word] = None
            path = _VARIABLE.sub("", word)
            if _PATH.fullmatch(path):
                paths[path] = None
    return DataNames(tuple(dict.fromkeys(template_names(text))), tuple(paths), tuple(dotted))


def read_script(data: bytes) -> DataNames:
    """Names in a shell script."""
    text = decode_text(data)[0][:_LONGEST_SCRIPT]
    found = shell_names(text)
    return DataNames(tuple(dict.fromkeys(template_names(text))), found.paths, found.modules)


def read_notebook(data: bytes) -> DataNames:
    """What the code cells of a notebook run and import."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _NOTHING
    code = list(_cells(document))
    paths: dict[str, None] = {}
    imports: dict[str, None] = {}
    for cell in code:
        for line in cell.splitlines():
            magic = _MAGIC.match(line)
            if magic:
                names = shell_names(magic[1])
                paths.update(dict.fromkeys(names.paths))
                for word in magic[1].split()[:1]:
                    paths.update(dict.fromkeys((word, f"{word}.ipynb", f"{word}.py")))
        imports.update(dict.fromkeys(_imports(_CODE_MAGIC.sub("", cell))))
        paths.update(
            dict.fromkeys(one or other for one, other in _QUOTED.findall(cell) if "." in (one or other))
        )
    return DataNames((), tuple(paths), (), tuple(imports))


def _cells(document: Any) -> Iterator[str]:
    cells = document.get("cells") if isinstance(document, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source", "")
            yield "".join(map(str, source)) if isinstance(source, list) else str(source)


def _imports(code: str) -> Iterable[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def reader_of(path: str) -> Any:
    """Which of these functions reads a file with this name; ``None`` for none."""
    lowered = path.lower()
    if lowered.endswith(".ipynb"):
        return read_notebook
    if lowered.endswith(_SCRIPTS):
        return read_script
    return read_data if lowered.endswith(DATA_SUFFIXES) else read_template
