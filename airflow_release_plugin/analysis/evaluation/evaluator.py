"""Evaluates expressions as far as the text of the source decides them: no code is imported or run."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable

from airflow_release_plugin.analysis.evaluation.calls import CallSite, argument, parameters
from airflow_release_plugin.analysis.evaluation.containers import elements, entry, mapping_of, projected
from airflow_release_plugin.analysis.evaluation.functions import NAMED, call_known, known_name
from airflow_release_plugin.analysis.evaluation.methods import attribute_of_text, call_method
from airflow_release_plugin.analysis.evaluation.names import (
    dotted_name,
    first_name,
    last_name,
    makes_own_files,
)
from airflow_release_plugin.analysis.evaluation.protocols import Modules
from airflow_release_plugin.analysis.evaluation.scopes import Binding, CodeScope
from airflow_release_plugin.analysis.evaluation.text import added, combined, percent, with_format
from airflow_release_plugin.analysis.evaluation.values import (
    ANYTHING,
    ELSEWHERE,
    NOT_LOCAL,
    ROOT,
    UNKNOWN,
    Class,
    Function,
    Instance,
    Mapping,
    Module,
    Sequence,
    Value,
    Values,
    constant,
    is_known,
    joined_paths,
    merged,
    text_of,
)

_MOST_STEPS = 50_000
"""For one module; what is not told by then counts as unknown."""
_DEEPEST_CALL = 8
_GROWING = frozenset({"added", "appended", "entry"})


class Evaluator:
    """
    Gives expressions their values.

    :param modules: where imported names lead
    """

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.frames: dict[CodeScope, CallSite] = {}
        self.touched: set[CodeScope] = set()
        """Functions of which parameters were asked for whose arguments nobody knows."""
        self.several = 0
        """How often a name had more than one value."""
        self._steps = 0
        self._active: set[int] = set()
        self._known: dict[int, tuple[Values, frozenset[CodeScope]]] = {}

    def __call__(self, node: ast.AST, scope: CodeScope) -> Values:
        """What ``node`` may stand for in ``scope``."""
        rule = _RULES.get(node.__class__)
        self._steps += 1
        return ANYTHING if rule is None or self._steps > _MOST_STEPS else rule(self, node, scope)

    def _constant(self, node: ast.Constant, scope: CodeScope) -> Values:
        return constant(node)

    def _negative(self, node: ast.UnaryOp, scope: CodeScope) -> Values:
        values = self(node.operand, scope)
        is_minus = isinstance(node.op, ast.USub) and all(isinstance(value, int) for value in values)
        return tuple(-value for value in values) if is_minus else ANYTHING

    def _lambda(self, node: ast.Lambda, scope: CodeScope) -> Values:
        inner = scope.module.inner.get(node)
        return (Function(inner),) if inner is not None else ANYTHING

    def _either(self, node: ast.IfExp, scope: CodeScope) -> Values:
        return merged([self(node.body, scope), self(node.orelse, scope)])

    def _any(self, node: ast.BoolOp, scope: CodeScope) -> Values:
        return merged(self(value, scope) for value in node.values)

    def _inner(self, node: ast.NamedExpr, scope: CodeScope) -> Values:
        return self(node.value, scope)

    # -- names -----------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, scope: CodeScope) -> Values:
        if node.id == "__file__":
            return (f"{ROOT}/{scope.module.path}",)
        bindings = scope.lookup(node.id)
        if bindings is None:
            if node.id in {"__name__", "__package__"}:
                return (dotted_name(scope.module.path, package=node.id == "__package__"),)
            return NOT_LOCAL if node.id == "context" else ANYTHING
        values = self.bound(bindings)
        self.several += len(values) > 1
        return values

    def bound(self, bindings: list[Binding]) -> Values:
        """What a name with these bindings may stand for."""
        key = id(bindings)
        self.several += 2 * (bindings[-1].kind in _GROWING)
        known = self._known.get(key) if not self.frames else None
        if known is not None:
            self.touched |= known[1]
            return known[0]
        if key in self._active:
            return ANYTHING  # a name that is defined through itself
        self._active.add(key)
        outer, self.touched = self.touched, set()
        try:
            if len(bindings) == 1:
                values = self._binding(bindings[0], bindings)
            else:
                values = merged(self._binding(binding, bindings) for binding in bindings)
            if len(values) > 1 and None in values:
                values = tuple(value for value in values if value is not None)
            if not self.frames:
                self._known[key] = (values, frozenset(self.touched))
            return values
        finally:
            self._active.discard(key)
            self.touched |= outer

    def _binding(self, binding: Binding, others: list[Binding]) -> Values:
        kind, node, scope = binding.kind, binding.node, binding.scope
        if kind == "param":
            return self._parameter(binding)
        if kind == "import":
            return self.imported(*binding.imported, scope.module.path)
        if kind == "def":
            return (Function(scope),)
        if kind == "class":
            return (Class(scope),)
        if kind == "added" and isinstance(node, ast.AugAssign):
            before = merged(self._binding(other, []) for other in others if other.kind != "added")
            return merged([before, added(before, self(node.value, scope))])
        if kind == "appended":
            return (Sequence((self(node, scope),)),)
        if kind == "entry" and isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            keys = self(node.targets[0].slice, scope)
            return (Mapping(tuple((key, self(node.value, scope)) for key in keys)),)
        if kind == "other":
            return ANYTHING
        values = self(node, scope)
        return projected(elements(values) if kind == "each" else values, binding.path)

    def _parameter(self, binding: Binding) -> Values:
        scope = binding.scope
        name = binding.node.arg if isinstance(binding.node, ast.arg) else ""
        site = self.frames.get(scope)
        if site is not None:
            found = argument(site, scope, name)
            if isinstance(found, ast.AST):
                values = self(found, site.scope)
                return elements(values) if site.each else values
            if found is not None:
                return tuple(found)
        owner = scope.enclosing_class
        listed = parameters(scope)
        if owner is not None and listed.names[:1] == (name,):
            return (Class(owner) if name == "cls" else Instance(owner),)
        default = listed.defaults.get(name)
        given = self(default, scope.parent or scope) if default is not None else ()
        if site is not None:
            return given or ANYTHING
        self.touched.add(scope)
        return merged([given, ANYTHING])

    def imported(self, module: str, name: str, level: int, importer: str) -> Values:
        """What ``from module import name`` gives; without a name the module."""
        if not name:
            return (Module(module),)
        text = self.modules.text(module, level, importer)
        if text is None:
            return (Module(f"{module}.{name}"),)
        bindings = text.scope.names.get(name)
        if bindings is not None:
            return self.bound(bindings)
        stars = text.scope.names.get("*")
        if stars and id(stars) not in self._active:
            self._active.add(id(stars))
            try:
                found = merged(
                    self.imported(source, name, dots, text.path)
                    for source, _, dots in (star.imported for star in stars)
                )
            finally:
                self._active.discard(id(stars))
            return found
        package = dotted_name(text.path) if level else module
        return (Module(f"{package}.{name}"),)

    def dotted(self, node: ast.AST, scope: CodeScope) -> str:
        """The full name of what a call calls, ``os.path.join`` say; empty where it is no imported name."""
        if isinstance(node, ast.Attribute):
            holder = self.dotted(node.value, scope)
            return f"{holder}.{node.attr}" if holder else ""
        if not isinstance(node, ast.Name):
            return ""
        bindings = scope.lookup(node.id)
        if bindings is None:
            return node.id
        module, name, level = bindings[-1].imported
        if not module or level:
            return ""
        return f"{module}.{name}" if name else module

    # -- strings ---------------------------------------------------------------------------------------

    def _f_string(self, node: ast.JoinedStr, scope: CodeScope) -> Values:
        return combined([self._part(part, scope) for part in node.values], "".join)

    def _part(self, node: ast.expr, scope: CodeScope) -> Values:
        values = self(node, scope)
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            return with_format(values, self(node.format_spec, scope))
        return values

    def _operator(self, node: ast.BinOp, scope: CodeScope) -> Values:
        left, right = self(node.left, scope), self(node.right, scope)
        if isinstance(node.op, ast.Div):
            return combined([left, right], joined_paths)
        if isinstance(node.op, ast.Add):
            return added(left, right)
        if isinstance(node.op, ast.Mod):
            return percent(left, right)
        return merged([left, right]) if isinstance(node.op, ast.BitOr) else ANYTHING

    # -- containers ------------------------------------------------------------------------------------

    def _sequence(self, node: ast.List, scope: CodeScope) -> Values:
        items: list[Values] = []
        for item in node.elts:
            values = self(item, scope)
            if not isinstance(item, ast.Starred):
                items.append(values)
            elif len(values) == 1 and isinstance(values[0], Sequence):
                items.extend(values[0].items)
            else:
                items.append(elements(values))
        return (Sequence(tuple(items)),)

    def _comprehension(self, node: ast.ListComp, scope: CodeScope) -> Values:
        inner = scope.module.inner.get(node, scope)
        return (Sequence((self(node.elt, inner),)),)

    def _dict(self, node: ast.Dict, scope: CodeScope) -> Values:
        pairs = zip(node.keys, node.values, strict=True)
        return mapping_of((self(key, scope) if key else None, self(value, scope)) for key, value in pairs)

    def _subscript(self, node: ast.Subscript, scope: CodeScope) -> Values:
        dotted = self.dotted(node.value, scope)
        if dotted:
            found = known_name(f"{dotted}[]")
            if found:
                return found
            if dotted == "sys.modules":
                return tuple(Module(text_of(name)) for name in self(node.slice, scope))
        values = self(node.value, scope)
        if isinstance(node.slice, ast.Slice):
            bounds = [self(part, scope)[0] if part else None for part in (node.slice.lower, node.slice.upper)]
            if not all(bound is None or isinstance(bound, int) for bound in bounds):
                return ANYTHING
            return tuple(value[slice(*bounds)] if is_known(value) else UNKNOWN for value in values)
        keys = self(node.slice, scope)
        having = [
            value for value in values if isinstance(value, Mapping) and any(value.has(key) for key in keys)
        ]
        return merged(entry(value, key) for value in having or values for key in keys)

    # -- attributes and calls --------------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute, scope: CodeScope) -> Values:
        if node.attr in NAMED and (found := known_name(self.dotted(node, scope))):
            return found
        if isinstance(node.value, ast.Name):
            bindings = scope.lookup(f"{node.value.id}.{node.attr}")
            if bindings is not None:
                return self.bound(bindings)
        values = self(node.value, scope)
        if len(values) == 1:
            return self.attribute(values[0], node.attr, scope)
        return merged(self.attribute(value, node.attr, scope) for value in values)

    def attribute(self, value: Value, name: str, scope: CodeScope) -> Values:
        """What ``value.name`` may stand for."""
        if isinstance(value, str):
            return attribute_of_text(value, name)
        if isinstance(value, Module):
            return self._of_module(value, name, scope)
        if isinstance(value, (Instance, Class)):
            return self._member(value, name)
        return ANYTHING

    def _of_module(self, module: Module, name: str, scope: CodeScope) -> Values:
        text = self.modules.text(module.name, 0, scope.module.path)
        folder = f"{ROOT}/{self.modules.folder(module.name)}"
        path = f"{ROOT}/{text.path}" if text is not None else f"{folder}/__init__.py"
        if name in {"__file__", "origin"}:
            return (path,)
        if name in {"__path__", "submodule_search_locations"}:
            return (Sequence(((posixpath.dirname(path),),)),)
        if name in {"__name__", "__package__"}:
            return (module.name,)
        return self.imported(module.name, name, 0, scope.module.path)

    def _member(self, value: Instance | Class, name: str, depth: int = 0) -> Values:
        scope: CodeScope = value.scope
        if name not in scope.attributes and name not in scope.names:
            bases = scope.node.bases if isinstance(scope.node, ast.ClassDef) and depth < _DEEPEST_CALL else []
            for base in (found for node in bases for found in self(node, scope)):
                if isinstance(base, Class) and base.scope is not scope:
                    return self._member(type(value)(base.scope), name, depth + 1)
            return ANYTHING
        lists = [found for found in (scope.attributes.get(name), scope.names.get(name)) if found]
        values = merged(self.bound(found) for found in lists)
        return merged(self._bound_method(found, value) for found in values)

    def _bound_method(self, found: Value, receiver: Value) -> Values:
        if not isinstance(found, Function):
            return (found,)
        method = Function(found.scope, receiver)
        decorators = {last_name(node) for node in getattr(found.scope.node, "decorator_list", ())}
        if decorators & {"property", "cached_property"}:
            return self.returned(method, CallSite(ast.Call(ast.Name("_"), [], []), found.scope))
        return (method,)

    def _call(self, node: ast.Call, scope: CodeScope) -> Values:
        dotted = self.dotted(node.func, scope)
        if dotted:
            found = call_known(self, dotted, node, scope)
            if found is not None:
                return found
        if isinstance(node.func, ast.Attribute):
            receivers = self(node.func.value, scope)
            found = call_method(self, receivers, node, scope)
            if found is not None:
                return found
        values = self(node.func, scope)
        if len(values) == 1:
            return self._result(values[0], node, scope)
        return merged(self._result(value, node, scope) for value in values)

    def _result(self, callee: Value, node: ast.Call, scope: CodeScope) -> Values:
        if isinstance(callee, Function):
            return self.returned(callee, CallSite(node, scope, callee.receiver))
        if isinstance(callee, Class):
            return (Instance(callee.scope),)
        if isinstance(callee, Module) and callee.name.partition(".")[0] == "airflow":
            return NOT_LOCAL
        if isinstance(callee, str) and callee and set(callee) <= {ELSEWHERE}:
            return NOT_LOCAL
        return NOT_LOCAL if makes_own_files(last_name(node.func)) else ANYTHING

    def returned(self, function: Function, site: CallSite) -> Values:
        """What a function of the source returns for one call."""
        scope: CodeScope = function.scope
        decorators = getattr(scope.node, "decorator_list", ())
        if any(first_name(decorator) == "task" for decorator in decorators):
            return NOT_LOCAL  # what a task returns is known when it has run
        if scope in self.frames or len(self.frames) >= _DEEPEST_CALL or not scope.returns:
            return ANYTHING
        self.frames[scope] = site._replace(receiver=function.receiver)
        try:
            return merged(self(node, scope) for node in scope.returns)
        finally:
            del self.frames[scope]


_RULES: dict[type, Callable[..., Values]] = {
    ast.Constant: Evaluator._constant,
    ast.Name: Evaluator._name,
    ast.JoinedStr: Evaluator._f_string,
    ast.BinOp: Evaluator._operator,
    ast.Call: Evaluator._call,
    ast.Attribute: Evaluator._attribute,
    ast.Subscript: Evaluator._subscript,
    **dict.fromkeys((ast.List, ast.Tuple, ast.Set), Evaluator._sequence),
    ast.Dict: Evaluator._dict,
    ast.UnaryOp: Evaluator._negative,
    ast.Lambda: Evaluator._lambda,
    ast.IfExp: Evaluator._either,
    ast.BoolOp: Evaluator._any,
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), Evaluator._comprehension),
    **dict.fromkeys((ast.NamedExpr, ast.Await, ast.Starred, ast.FormattedValue), Evaluator._inner),
}
