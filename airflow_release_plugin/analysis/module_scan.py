"""What one Python file imports and which files it names: facts about its text, wherever the file lies."""

from __future__ import annotations

import ast
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from airflow_release_plugin.analysis.literal_paths import Anchor, PathEvaluator, PathValue, called_name

_PARSE_LOCK = threading.Lock()
"""Python's warning filters are global to the process."""

_PATH_LIKE = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f]*/[^\x00-\x1f]*|[^\x00-\x1f/]*\.[A-Za-z0-9_]{1,16})")
_JINJA_FILE = re.compile(
    r"""\{%[-+]?\s*(?:include|import|extends|from)\s+\[?\s*((?:'[^'\n]+'|"[^"\n]+")"""
    r"""(?:\s*,\s*(?:'[^'\n]+'|"[^"\n]+"))*)"""
)
_QUOTED = re.compile(r"""'([^'\n]+)'|"([^"\n]+)\"""")


@dataclass(frozen=True)
class ImportRef:
    """
    One import.

    :param module: dotted name as written; ``""`` for ``from . import x``
    :param names: what ``from`` takes from the module; ``*`` for everything
    :param level: leading dots
    :param guarded: inside ``try`` or ``if TYPE_CHECKING``: may be missing
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0
    line: int = 0
    guarded: bool = False


@dataclass(frozen=True)
class PathRef:
    """One place where the code names a file or folder."""

    value: PathValue
    line: int


@dataclass(frozen=True)
class ModuleScan:
    """
    Facts about the text of one Python file.

    :param error: why it cannot be parsed, ``""`` otherwise; then everything else is empty
    :param exports: names in a literal ``__all__``
    :param paths: files and folders named in expressions
    :param assigned_paths: folders or files that are only assigned to a name, for others to use
    :param search_paths: literal values of ``template_searchpath``
    :param import_paths: folders that the code adds to ``sys.path``
    """

    error: str = ""
    error_line: int = 0
    imports: tuple[ImportRef, ...] = ()
    exports: tuple[str, ...] = ()
    paths: tuple[PathRef, ...] = ()
    assigned_paths: tuple[PathRef, ...] = ()
    search_paths: tuple[PathValue, ...] = ()
    import_paths: tuple[PathValue, ...] = ()


@dataclass
class _Collected:
    imports: list[ImportRef] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)
    paths: list[PathRef] = field(default_factory=list)
    assigned_paths: list[PathRef] = field(default_factory=list)
    search_paths: list[PathValue] = field(default_factory=list)
    import_paths: list[PathValue] = field(default_factory=list)


def parse_python(data: bytes) -> ast.Module:
    """Parse source bytes; every reason why that fails is a ``SyntaxError`` with a line."""
    try:
        with _PARSE_LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except SyntaxError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or "too deeply nested", ("", 1, 1, "")) from error


def scan_module(data: bytes) -> ModuleScan:
    """Return the facts about a Python file. Never raises; never runs the code."""
    try:
        return _Scanner(parse_python(data)).scan()
    except SyntaxError as error:
        return ModuleScan(error=error.msg or "invalid syntax", error_line=error.lineno or 1)
    except RecursionError:
        return ModuleScan(error="too deeply nested", error_line=1)


def template_files(data: bytes) -> tuple[str, ...]:
    """Return the names that a template includes, imports or extends literally."""
    return tuple(_template_names(data.decode("utf-8", "replace"))) if b"{%" in data else ()


def _template_names(text: str) -> Iterator[str]:
    for found in _JINJA_FILE.finditer(text):
        for single, double in _QUOTED.findall(found.group(1)):
            yield single or double


class _Scanner:
    """Walks one tree once, parents before children."""

    def __init__(self, tree: ast.Module) -> None:
        self._out = _Collected()
        self._nodes: list[ast.AST] = []
        self._guarded: set[ast.AST] = set()
        self._done: set[ast.AST] = set()
        self._targets: dict[ast.expr, str] = {}
        self._loaded: set[str] = set()
        assigned: dict[str, ast.expr | None] = {}
        for node in ast.walk(tree):
            self._nodes.append(node)
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                self._note_assignment(node, assigned)
            elif isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Load):
                    self._loaded.add(node.id)
            elif isinstance(node, (ast.Try, ast.If)):
                self._note_guard(node)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                self._done.add(node.value)  # a docstring names no file
        self._evaluator = PathEvaluator(
            {name: value for name, value in assigned.items() if value is not None}
        )

    def _note_assignment(
        self, node: ast.Assign | ast.AnnAssign, assigned: dict[str, ast.expr | None]
    ) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name) and node.value is not None:
                assigned[target.id] = None if target.id in assigned else node.value
                self._targets[node.value] = target.id
                if target.id == "__all__":
                    self._out.exports.extend(_literal_strings(node.value))

    def _note_guard(self, node: ast.Try | ast.If) -> None:
        if isinstance(node, ast.If) and _last_name(node.test) != "TYPE_CHECKING":
            return
        for child in node.body:
            self._guarded.update(ast.walk(child))

    def scan(self) -> ModuleScan:
        for node in self._nodes:
            if node in self._done:
                continue
            if isinstance(node, ast.Import):
                for name in node.names:
                    self._add_import(ImportRef(name.name, line=node.lineno, guarded=node in self._guarded))
            elif isinstance(node, ast.ImportFrom):
                names = tuple(name.name for name in node.names)
                self._add_import(
                    ImportRef(node.module or "", names, node.level, node.lineno, node in self._guarded)
                )
            elif isinstance(node, ast.keyword):
                self._keyword(node)
            elif isinstance(node, ast.expr):
                self._expression(node)
        out = self._out
        return ModuleScan(
            imports=tuple(out.imports),
            exports=tuple(out.exports),
            paths=tuple(dict.fromkeys(out.paths)),
            assigned_paths=tuple(dict.fromkeys(out.assigned_paths)),
            search_paths=tuple(dict.fromkeys(out.search_paths)),
            import_paths=tuple(dict.fromkeys(out.import_paths)),
        )

    def _add_import(self, reference: ImportRef) -> None:
        self._out.imports.append(reference)

    def _keyword(self, node: ast.keyword) -> None:
        if node.arg != "template_searchpath":
            return
        items = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else [node.value]
        values = [self._evaluator.value(item) for item in items]
        self._out.search_paths.extend(value for value in values if value is not None)

    def _expression(self, node: ast.expr) -> None:
        if isinstance(node, ast.Call) and (self._is_dynamic_import(node) or self._is_sys_path(node)):
            return
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            return
        value = self._evaluator.value(node)
        if value is None:
            self._partly_known(node)
        else:
            self._known(node, value)

    def _partly_known(self, node: ast.expr) -> None:
        pattern = self._evaluator.pattern(node)
        if pattern is not None and pattern.anchor is not Anchor.TEXT:
            self._out.paths.append(PathRef(pattern, node.lineno))
            self._done.update(child for child in ast.walk(node) if not isinstance(child, ast.Call))
        elif isinstance(node, ast.JoinedStr):
            # A piece of a name is no name.
            self._done.update(part for part in node.values if isinstance(part, ast.Constant))

    def _known(self, node: ast.expr, value: PathValue) -> None:
        if value.anchor is Anchor.TEXT:
            self._text(node, value)
        elif (name := self._targets.get(node)) is not None:
            self._out.assigned_paths.append(PathRef(value, node.lineno))
            if name not in self._loaded:
                self._out.paths.append(PathRef(value, node.lineno))
        else:
            self._out.paths.append(PathRef(value, node.lineno))
        if not isinstance(node, (ast.Constant, ast.Name)):
            self._done.update(ast.walk(node))

    def _text(self, node: ast.expr, value: PathValue) -> None:
        if isinstance(node, ast.Name):
            return  # its assignment is recorded
        if "{%" in value.path:
            names = _template_names(value.path)
            self._out.paths.extend(PathRef(PathValue(Anchor.TEXT, name), node.lineno) for name in names)
        elif "://" not in value.path and len(value.path) <= 512 and _PATH_LIKE.fullmatch(value.path):
            self._out.paths.append(PathRef(value, node.lineno))

    def _is_dynamic_import(self, node: ast.Call) -> bool:
        name = called_name(node)
        if name not in {"import_module", "__import__", "import_string"} or not node.args:
            return False
        value = self._evaluator.value(node.args[0])
        if value is None or value.anchor is not Anchor.TEXT:
            return False
        module = value.path.lstrip(".")
        level = len(value.path) - len(module)
        names: tuple[str, ...] = ()
        if name == "import_string":
            module, _, attribute = module.rpartition(".")
            names = (attribute,)
        elif level:
            module, level = self._package_of(node, module, level)
        self._add_import(ImportRef(module, names, level, node.lineno, guarded=node in self._guarded))
        self._done.update(ast.walk(node))
        return True

    def _package_of(self, node: ast.Call, module: str, level: int) -> tuple[str, int]:
        """Anchor ``import_module(".x", "package")`` at the package if that is literal, else at its own."""
        package = node.args[1] if len(node.args) > 1 else None
        for keyword in node.keywords:
            package = keyword.value if keyword.arg == "package" else package
        if not (isinstance(package, ast.Constant) and isinstance(package.value, str)):
            return module, level
        parts = package.value.split(".")
        return ".".join([*parts[: len(parts) - level + 1], module]), 0

    def _is_sys_path(self, node: ast.Call) -> bool:
        function = node.func
        if not (
            isinstance(function, ast.Attribute)
            and function.attr in {"append", "insert"}
            and isinstance(function.value, ast.Attribute)
            and function.value.attr == "path"
            and isinstance(function.value.value, ast.Name)
            and function.value.value.id == "sys"
            and node.args
        ):
            return False
        value = self._evaluator.value(node.args[-1])
        if value is None or value.anchor is Anchor.TEXT:
            return False
        self._out.import_paths.append(value)
        self._done.update(ast.walk(node))
        return True


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _literal_strings(node: ast.expr) -> Iterable[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
