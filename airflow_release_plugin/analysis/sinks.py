"""Calls and arguments that name files whatever they are called with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from airflow_release_plugin.analysis.evaluation.evaluator import Evaluator
from airflow_release_plugin.analysis.evaluation.scopes import CodeScope, ModuleText
from airflow_release_plugin.analysis.module_facts import Role
from airflow_release_plugin.analysis.named_files import TEMPLATE_SUFFIXES


class Sink(NamedTuple):
    """
    An expression whose files must be told.

    :param call: what is shown to people
    """

    role: Role
    node: ast.expr
    scope: CodeScope
    call: ast.AST | None
    package: ast.expr | None = None


_OPENERS = {
    **dict.fromkeys(("open", "io.open", "codecs.open", "builtins.open", "linecache.getline"), 0),
    **dict.fromkeys(("gzip.open", "bz2.open", "lzma.open", "tarfile.open", "zipfile.ZipFile"), 0),
    **dict.fromkeys(("runpy.run_path", "dotenv.load_dotenv", "dotenv.dotenv_values", "load_dotenv"), 0),
    **dict.fromkeys(("os.open", "aiofiles.open", "sqlite3.connect_"), 0),
    **dict.fromkeys(("importlib.util.spec_from_file_location", "spec_from_file_location"), 1),
    **dict.fromkeys(("importlib.machinery.SourceFileLoader", "SourceFileLoader"), 1),
    **dict.fromkeys(("dagfactory.DagFactory", "DagFactory", "dagfactory.dagfactory.DagFactory"), 0),
}
_RESOURCES = frozenset(
    {"read_text", "read_binary", "open_text", "open_binary", "get_data", "resource_string"}
)
_OF_PACKAGES = _RESOURCES | {
    "files",
    "PackageLoader",
    "resource_filename",
    "resource_stream",
    "contents",
    "path",
}
_LISTERS = {
    *("os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob", "listdir", "scandir", "walk"),
    *("iglob", "glob"),
}
_IMPORTERS = {
    **dict.fromkeys(
        ("importlib.import_module", "import_module", "__import__", "runpy.run_module"), Role.MODULE
    ),
    **dict.fromkeys(("importlib.__import__", "importlib.util.find_spec"), Role.MODULE),
    **dict.fromkeys(("pydoc.locate", "locate", "pkgutil.resolve_name", "import_string"), Role.OBJECT),
    **dict.fromkeys(
        (
            "airflow.utils.module_loading.import_string",
            "airflow.sdk.module_loading.import_string",
            "airflow.sdk._shared.module_loading.import_string",
        ),
        Role.OBJECT,
    ),
}
_WALKERS = frozenset({"pkgutil.iter_modules", "pkgutil.walk_packages", "iter_modules", "walk_packages"})
_SHELLS = frozenset(
    {
        *("os.system", "os.popen", "subprocess.run", "subprocess.call", "subprocess.check_call"),
        *("subprocess.check_output", "subprocess.Popen", "check_call", "check_output", "Popen"),
    }
)
_BY_NAME = {
    **dict.fromkeys(_WALKERS, Role.PACKAGE),
    **dict.fromkeys(_SHELLS, Role.SHELL),
    "site.addsitedir": Role.IMPORT_PATH,
}
_SEARCHES = ("FileSystemLoader", "PackageLoader")
_METHODS = {"read_text": Role.READ, "read_bytes": Role.READ}
_PATH_LISTERS = frozenset({"iterdir", "rglob", "glob"})
_GIVEN = {
    "template_searchpath": Role.SEARCH,
    "PYTHONPATH": Role.IMPORT_PATH,
    "sys.path": Role.IMPORT_PATH,
    **dict.fromkeys(("sql", "hql"), Role.STATEMENT),
    **dict.fromkeys(("bash_command", "command", "cmd", "cmds", "arguments", "entrypoint"), Role.SHELL),
    "remote_command": Role.SHELL,
}


def find_sinks(text: ModuleText, ev: Evaluator) -> Iterator[Sink]:
    """All such places of a module."""
    for node, scope in text.calls:
        yield from _of_call(node, scope, ev)
        if node.args and ev.dotted(node.func, scope).rpartition(".")[2] in _OF_PACKAGES:
            yield Sink(Role.OBJECT, node.args[0], scope, node)
    for name, value, scope in text.given:
        yield Sink(_GIVEN[name], value, scope, None if name == "PYTHONPATH" else value)
    for scope in text.functions:
        if any(_is_bash_task(decorator) for decorator in getattr(scope.node, "decorator_list", ())):
            yield from (Sink(Role.SHELL, value, scope, value) for value in scope.returns)


def _of_call(node: ast.Call, scope: CodeScope, ev: Evaluator) -> Iterable[Sink]:
    dotted = ev.dotted(node.func, scope)
    last = dotted.rpartition(".")[2]
    if dotted in _OPENERS:
        return _opened(node, scope, _OPENERS[dotted])
    if dotted in _IMPORTERS:
        return _imported(node, scope, _IMPORTERS[dotted])
    if last == "load_yaml_dags":
        return [Sink(Role.YAML_DAGS, _keyword(node, "dags_folder") or node, scope, node)]
    if node.args and (found := _by_argument(node, dotted, last)):
        return [Sink(found[0], found[1], scope, node)]
    return _of_method(node, scope, dotted) if isinstance(node.func, ast.Attribute) else ()


def _by_argument(node: ast.Call, dotted: str, last: str) -> tuple[Role, ast.expr] | None:
    if dotted in _LISTERS:
        return Role.FOLDER, node
    if last in _RESOURCES and dotted != last and len(node.args) > 1:
        return Role.READ, node
    if last in _SEARCHES:
        return Role.SEARCH, node if last == "PackageLoader" else node.args[0]
    if dotted.startswith("sys.path."):
        return Role.IMPORT_PATH, node.args[-1]
    role = _BY_NAME.get(dotted)
    return (role, node.args[0]) if role else None


def _of_method(node: ast.Call, scope: CodeScope, dotted: str) -> Iterable[Sink]:
    function = node.func
    assert isinstance(function, ast.Attribute)  # noqa: S101
    if function.attr in _METHODS:
        return [Sink(Role.READ, function.value, scope, node)]
    if function.attr == "open" and not dotted and not _writes(node, 0):
        return [Sink(Role.NAME, function.value, scope, node)]
    if function.attr in _PATH_LISTERS and dotted not in _LISTERS:
        return [Sink(Role.FOLDER, node, scope, node)]
    if function.attr in {"get_template", "select_template"} and node.args:
        return [Sink(Role.TEMPLATE, node.args[0], scope, node)]
    return ()


def _opened(node: ast.Call, scope: CodeScope, index: int) -> Iterable[Sink]:
    names = {"file", "path", "location", "config_filepath", "filename", "name", "dotenv_path"}
    found = node.args[index] if len(node.args) > index else _keyword(node, *names)
    if found is None or _writes(node, index + 1):
        return ()
    return [Sink(Role.READ, found, scope, node)]


def _imported(node: ast.Call, scope: CodeScope, role: Role) -> Iterable[Sink]:
    found = node.args[0] if node.args else _keyword(node, "name", "mod_name", "path", "dotted_path")
    package = node.args[1] if len(node.args) > 1 else _keyword(node, "package")
    return [Sink(role, found, scope, node, package)] if found is not None else ()


def _keyword(node: ast.Call, *names: str) -> ast.expr | None:
    return next((keyword.value for keyword in node.keywords if keyword.arg in names), None)


def _writes(node: ast.Call, index: int) -> bool:
    mode = node.args[index] if len(node.args) > index else _keyword(node, "mode")
    text = mode.value if isinstance(mode, ast.Constant) else ""
    return isinstance(text, str) and text[:1] in {"w", "a", "x"}


def _is_bash_task(node: ast.expr) -> bool:
    function = node.func if isinstance(node, ast.Call) else node
    return isinstance(function, ast.Attribute) and function.attr in {"bash", "ssh"}


def listing_filters(listing: ast.AST, scope: CodeScope) -> tuple[tuple[str, ...], bool]:
    """Globs of names that a loop over a listing asks for, and whether it goes on with ``entry / "name"``."""
    around = [
        loop
        for start, loops in scope.module.loops.items()
        for loop in loops
        if listing is start or any(node is listing for node in ast.walk(start))
    ]
    for where in (*around, scope.node):
        filters, takes_apart = _filters(where)
        if filters or (takes_apart and where is not scope.node):
            return filters, takes_apart
    return (), False


def _filters(where: ast.AST) -> tuple[tuple[str, ...], bool]:
    found: dict[str, None] = {}
    takes_apart = False
    for node in ast.walk(where):
        texts: Iterable[str] = ()
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"endswith", "match", "fnmatch", "fnmatchcase", "filter", "full_match"}:
                texts = (text for argument in node.args for text in _texts(argument))
        elif isinstance(node, ast.Compare):
            texts = (text for side in (node.left, *node.comparators) for text in _texts(side))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            takes_apart = takes_apart or isinstance(node.right, ast.Constant)
        found.update(dict.fromkeys(map(_filter, texts)))
    return tuple(name for name in found if name), takes_apart


def _filter(text: str) -> str:
    """A glob for a suffix, an end of a name or a pattern that code compares names with; else empty."""
    if "/" in text or " " in text:
        return ""
    if "*" in text:
        return text if set(text) - set("*?.") else ""
    if f".{text}" in TEMPLATE_SUFFIXES:
        return f"*.{text}"
    return f"*{text}" if "." in text and text != "." else ""


def _texts(node: ast.expr) -> Iterator[str]:
    for item in node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value
