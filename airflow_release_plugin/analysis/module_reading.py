"""Reads one module: evaluates every place that may name a file, also in helpers that it calls."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import NamedTuple

from airflow_release_plugin.analysis.evaluation.calls import CallSite
from airflow_release_plugin.analysis.evaluation.evaluator import Evaluator
from airflow_release_plugin.analysis.evaluation.names import dotted_name
from airflow_release_plugin.analysis.evaluation.protocols import Modules
from airflow_release_plugin.analysis.evaluation.scopes import CodeScope, ModuleText, Place
from airflow_release_plugin.analysis.evaluation.values import (
    HOLES,
    ROOT,
    Class,
    Function,
    Listing,
    Module,
    Sequence,
    Values,
    text_of,
)
from airflow_release_plugin.analysis.module_facts import NamingPlace, OpenRead, Role
from airflow_release_plugin.analysis.sinks import Sink, find_sinks, listing_filters
from airflow_release_plugin.analysis.written_dags import written_dag_ids
from airflow_release_plugin.messages import Message

_SOURCE = ROOT[:2]
_MOST_SITES = 64
"""Calls of one helper that are looked at."""
_DEEPEST = 4
_PATH_LIKE = re.compile(r"[^\s\x00-\x1f](?:[^\x00-\x1f]*/[^\x00-\x1f]*|[^\x00-\x1f/]*\.[A-Za-z0-9_]{1,16})")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+")
_SCRIPT = re.compile(r"\.(?:sql|hql|ddl|dml|sh|bash|j2|jinja|jinja2|tmpl)")
_PATH_CALLS = frozenset(
    {
        *(
            "join",
            "joinpath",
            "Path",
            "PurePath",
            "PosixPath",
            "format",
            "with_suffix",
            "with_name",
            "with_stem",
        ),
        *(
            "replace",
            "dirname",
            "abspath",
            "realpath",
            "normpath",
            "resolve",
            "absolute",
            "files",
            "str",
            "fspath",
        ),
        *("resource_filename", "path", "as_posix", "removesuffix", "expanduser", "format_map", "getfile"),
    }
)
_FORMS = {"path": Role.FOLDER, "name": Role.FOLDER, "walk": Role.TREE, "glob": Role.GLOB}


class _Proto(NamedTuple):
    """A place before its values are asked for."""

    role: Role
    node: ast.expr
    scope: CodeScope
    shown: ast.AST | None
    assigned: str = ""
    package: ast.expr | None = None


class ModuleReading:
    """
    One module and what it names.

    :param modules: gives other modules of the source
    """

    def __init__(self, text: ModuleText, modules: Modules) -> None:
        self.text = text
        self.mentions: dict[NamingPlace, None] = {}
        self.open_reads: dict[OpenRead, None] = {}
        self.served: set[tuple[str, str]] = set()
        self.dag_ids: tuple[str, ...] = ()
        self.consulted: dict[tuple[str, int, str], str] = {}
        self.sites: dict[CodeScope, list[CallSite]] = defaultdict(list)
        self.open_places: dict[CodeScope, list[_Proto]] = defaultdict(list)
        self._ev = Evaluator(modules)
        self._done: set[ast.AST] = set()

    def read(self) -> None:
        """Find everything that the module says by itself."""
        self._find_sites()
        for sink in find_sinks(self.text, self._ev):
            self._emit(_Proto(sink.role, sink.node, sink.scope, sink.call, "", sink.package))
            self._finish(sink)
        self.dag_ids = tuple(dict.fromkeys(written_dag_ids(self.text, self._ev)))
        for place in self.text.places:
            if place.node not in self._done:
                self._place(place)

    def release(self) -> None:
        """Let go of the syntax tree; only facts are left."""
        self.text.release()
        self.sites.clear()
        self.open_places.clear()

    def read_helpers(self, reading_of: dict[str, ModuleReading]) -> None:
        """Follow calls into functions of other modules, with the arguments that they get here."""
        sites, reached = {**self.sites}, [scope for scope in self.sites if scope.module is not self.text]
        for scope in reached:
            other = reading_of.get(scope.module.path)
            if other is None or len(reached) > _MOST_SITES:
                continue
            for inner, calls in other.sites.items():
                if inner not in sites:
                    sites[inner] = calls
                    if inner.module is not other.text:
                        reached.append(inner)
            for proto in other.open_places.get(scope, ()):
                self._emit(proto, sites=sites)

    # -- who calls whom --------------------------------------------------------------------------------

    def _find_sites(self) -> None:
        for node, scope in self.text.calls:
            for keyword in node.keywords:
                if keyword.arg == "python_callable":
                    self._note_callable(keyword.value, node, scope)
            if not self._may_be_local(node.func, scope):
                continue
            for value in self._ev(node.func, scope):
                self._note_site(value, node, scope)
        self._ev.touched.clear()

    def _may_be_local(self, function: ast.expr, scope: CodeScope) -> bool:
        if isinstance(function, ast.Name):
            bindings = scope.lookup(function.id)
            return bindings is not None and bindings[-1].kind not in {"param", "each", "enter", "other"}
        return isinstance(function, ast.Attribute)

    def _note_site(self, value: object, node: ast.Call, scope: CodeScope) -> None:
        function = value.scope if isinstance(value, Function) else None
        receiver = value.receiver if isinstance(value, Function) else None
        if isinstance(value, Class):
            found = value.scope.names.get("__init__", ())
            function = next((binding.scope for binding in found if binding.kind == "def"), None)
        if function is None and isinstance(node.func, ast.Attribute):
            self._note_by_name(node.func, node, scope)
            return
        if function is not None:
            self._serve(function, CallSite(node, scope, receiver))

    def _note_by_name(self, function: ast.Attribute, node: ast.Call, scope: CodeScope) -> None:
        """Take ``x.load("y")`` for a call of each method ``load``; ``f.expand(…)`` for calls of ``f``."""
        if function.attr in {"expand", "partial", "expand_kwargs", "submit"}:
            for value in self._ev(function.value, scope):
                if isinstance(value, Function):
                    self._serve(value.scope, CallSite(node, scope, None, each=function.attr == "expand"))
        for inner in self.text.functions:
            if inner.name == function.attr and inner.enclosing_class is not None:
                self._serve(inner, CallSite(node, scope))

    def _note_callable(self, target: ast.expr, node: ast.Call, scope: CodeScope) -> None:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        names, positional = given.get("op_kwargs"), given.get("op_args")
        keywords: list[ast.keyword] = []
        if isinstance(names, ast.Dict):
            for key, value in zip(names.keys, names.values, strict=True):
                if isinstance(key, ast.Constant):
                    keywords.append(ast.keyword(str(key.value), value))
        elif isinstance(names, ast.Call):
            keywords = names.keywords
        arguments = positional.elts if isinstance(positional, (ast.List, ast.Tuple)) else []
        call = ast.copy_location(ast.Call(target, list(arguments), keywords), node)
        for value in self._ev(target, scope):
            if isinstance(value, Function):
                self._serve(value.scope, CallSite(call, scope))

    def _serve(self, function: CodeScope, site: CallSite) -> None:
        if len(self.sites[function]) < _MOST_SITES:
            self.sites[function].append(site)
        self.served.add((function.module.path, function.name))

    # -- places ----------------------------------------------------------------------------------------

    def _finish(self, sink: Sink) -> None:
        if sink.role in {Role.FOLDER, Role.MODULE, Role.OBJECT, Role.IMPORT_PATH, Role.READ, Role.SEARCH}:
            self._done.update(node for node in ast.walk(sink.node) if not isinstance(node, ast.Call))
            self._done.add(sink.node)

    def _place(self, place: Place) -> None:
        node = place.node
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and _may_name_files(node.value):
                self._emit(_Proto(Role.NAME, node, place.scope, None))
            return
        if isinstance(node, ast.Call) and _last(node.func) not in _PATH_CALLS:
            return
        if isinstance(node, ast.Name) and not self._is_path_name(node, place.scope):
            return
        if self._emit(_Proto(Role.NAME, node, place.scope, None, place.target)):
            self._done.update(child for child in ast.walk(node) if not isinstance(child, ast.Call))

    def _is_path_name(self, node: ast.Name, scope: CodeScope) -> bool:
        bindings = scope.lookup(node.id)
        return bindings is not None and bindings[-1].kind in {"value", "item", "added"}

    def _emit(
        self, proto: _Proto, *, sites: dict[CodeScope, list[CallSite]] | None = None, depth: int = 0
    ) -> bool:
        """Note what a place names, for every way in which the function around it is called."""
        ev = self._ev
        ev.touched, ev.several = set(), 0
        values = ev(proto.node, proto.scope)
        certain = ev.several <= 1
        touched = sorted((scope for scope in ev.touched if scope not in ev.frames), key=_line)
        named = False
        if touched and depth < _DEEPEST:
            scope = touched[0]
            if depth == 0 and sites is None:
                for one in touched:
                    self.open_places[one].append(proto)
            known = (sites or self.sites).get(scope, ())
            for site in known:
                ev.frames[scope] = site
                named = self._emit(proto, sites=sites, depth=depth + 1) or named
                del ev.frames[scope]
            if known:
                return named
        function = touched[0] if touched else None
        return self._note(proto, values, certain, function)

    def _note(self, proto: _Proto, values: Values, certain: bool, function: CodeScope | None) -> bool:
        role, texts = _texts(proto.role, values, proto.node)
        if not texts or (role is Role.NAME and not _is_worth(proto.node, texts)):
            return False
        if role is Role.MODULE and any(text.startswith(".") for text in texts):
            texts = self._absolute(texts, proto)
        is_open = role is not Role.NAME and any(char in text for text in texts for char in HOLES)
        filters: tuple[str, ...] = ()
        takes_apart = False
        if role in {Role.FOLDER, Role.TREE, Role.GLOB}:
            filters, takes_apart = listing_filters(proto.node, proto.scope)
        mention = NamingPlace(
            role,
            texts,
            proto.scope.module.path,
            proto.node.lineno,
            _short(proto.shown) if role is not Role.NAME and proto.shown is not None else "",
            certain,
            proto.assigned,
            filters,
            takes_apart,
            self._via(),
        )
        if is_open and function is not None:
            self.open_reads[OpenRead(function.name, mention)] = None
        else:
            self.mentions[mention] = None
        return True

    def _absolute(self, texts: tuple[str, ...], proto: _Proto) -> tuple[str, ...]:
        """Full names of modules that are named relative to a package, by default to the module's own."""
        own = (dotted_name(proto.scope.module.path, package=True),)
        packages = own if proto.package is None else self._ev(proto.package, proto.scope)
        found: dict[str, None] = {}
        for text in texts:
            module = text.lstrip(".")
            level = len(text) - len(module)
            for package in packages if level else ("",):
                parts = text_of(package).split(".")
                above = parts[: len(parts) - level + 1] if level else []
                found[".".join([*above, module])] = None
        return tuple(found)

    def _via(self) -> str:
        for site in self._ev.frames.values():
            if site.scope.module is self.text:
                return Message("%(path)s line %(line)s", path=self.text.path, line=site.node.lineno)
        return ""


def _texts(role: Role, values: Values, node: ast.expr) -> tuple[Role, tuple[str, ...]]:
    """The strings among values; lists of them count one by one, of a command line together."""
    found: dict[str, None] = {}
    for value in values:
        if isinstance(value, Listing):
            role = _FORMS[value.form] if role is not Role.PACKAGE else role
            found[value.folder] = None
        elif isinstance(value, Sequence) and role is Role.SHELL:
            found[" ".join(text_of(item[0]) for item in value.items)] = None
        elif isinstance(value, Sequence) and role is not Role.NAME:
            found.update((text_of(item), None) for items in value.items for item in items)
        elif isinstance(value, Module) and role in {Role.MODULE, Role.OBJECT}:
            found[value.name] = None
        elif isinstance(value, str):
            found[value] = None
        elif role in {Role.READ, Role.MODULE}:
            found[text_of(value)] = None
    return role, tuple(found)


def _is_worth(node: ast.expr, texts: tuple[str, ...]) -> bool:
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        return any(_SOURCE in text for text in texts)
    return any(_may_name_files(text) for text in texts)


def _may_name_files(text: str) -> bool:
    if "{%" in text or _SOURCE in text:
        return True
    if "." not in text and "/" not in text and ":" not in text:
        return False
    if len(text) > 512 or "://" in text:
        return False
    return bool(_PATH_LIKE.fullmatch(text) or _DOTTED.fullmatch(text) or _SCRIPT.search(text))


def _last(node: ast.AST) -> str:
    return getattr(node, "attr", getattr(node, "id", ""))


def _line(scope: CodeScope) -> int:
    return getattr(scope.node, "lineno", 0)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 80 else f"{text[:77]}…"
