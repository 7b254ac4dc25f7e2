"""One walk over the syntax tree of a module collects its names, scope by scope."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from airflow_release_plugin.analysis.evaluation.scopes import (
    GIVEN,
    Binding,
    CodeScope,
    Given,
    ImportRef,
    ModuleText,
    Place,
)
from airflow_release_plugin.analysis.module_scan import LEAVES


def read_module(tree: ast.Module, path: str) -> ModuleText:
    """Walk over a module once."""
    text = ModuleText(path)
    text.scope = CodeScope("module", tree, None, text, "")
    _Walk(text).body(tree.body, text.scope)
    return text


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_EXTENDS = frozenset({"append", "extend", "insert", "add", "update"})
_JOINS = (ast.Add, ast.Div, ast.Mod)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


class _Walk:
    """Visits every node that may matter."""

    def __init__(self, text: ModuleText) -> None:
        self._text = text
        self._guards = 0

    def body(self, nodes: Iterable[ast.AST], scope: CodeScope) -> None:
        for node in nodes:
            self.visit(node, scope)

    def visit(self, node: ast.AST, scope: CodeScope) -> None:
        handler = _HANDLERS.get(node.__class__)
        if handler is not None:
            handler(self, node, scope)
        else:
            self._children(node, scope)

    def _children(self, node: ast.AST, scope: CodeScope) -> None:
        for value in node.__dict__.values():
            kind = value.__class__
            if kind is list:
                for item in value:
                    if item.__class__ not in LEAVES:
                        self.visit(item, scope)
            elif kind not in LEAVES:
                self.visit(value, scope)

    # -- statements ------------------------------------------------------------------------------------

    def _function_def(self, node: ast.FunctionDef, scope: CodeScope) -> None:
        self.body(node.decorator_list, scope)
        inner = self._function(node, scope, node.name)
        scope.bind(node.name, Binding("def", node, inner))
        self.body(node.body, inner)

    def _lambda(self, node: ast.Lambda, scope: CodeScope) -> None:
        inner = self._text.inner[node] = self._function(node, scope, "lambda")
        inner.returns.append(node.body)
        self.visit(node.body, inner)

    def _function(self, node: ast.FunctionDef | ast.Lambda, scope: CodeScope, name: str) -> CodeScope:
        inner = CodeScope("function", node, scope, self._text, name)
        self._text.functions.append(inner)
        arguments = node.args
        self.body([item for item in (*arguments.defaults, *arguments.kw_defaults) if item], scope)
        for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            inner.bind(item.arg, Binding("param", item, inner))
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                inner.bind(rest.arg, Binding("param", rest, inner))
        return inner

    def _class_def(self, node: ast.ClassDef, scope: CodeScope) -> None:
        inner = CodeScope("class", node, scope, self._text, node.name)
        scope.bind(node.name, Binding("class", node, inner))
        self.body(node.decorator_list, scope)
        self.body(node.bases, scope)
        self.body(node.body, inner)

    def _return(self, node: ast.Return, scope: CodeScope) -> None:
        if node.value is not None:
            scope.returns.append(node.value)
            self.visit(node.value, scope)

    def _assign(self, node: ast.Assign, scope: CodeScope) -> None:
        for target in node.targets:
            self._bind(target, Binding("value", node.value, scope), scope)
        target_name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
        if target_name == "__all__":
            self._text.exports.extend(_literal_strings(node.value))
        self._assigned(node.value, scope, target_name)

    def _ann_assign(self, node: ast.AnnAssign, scope: CodeScope) -> None:
        if node.value is not None:
            self._bind(node.target, Binding("value", node.value, scope), scope)
            self._assigned(node.value, scope, node.target.id if isinstance(node.target, ast.Name) else "")

    def _global(self, node: ast.Global | ast.Nonlocal, scope: CodeScope) -> None:
        for name in node.names:
            owner = scope.parent
            while (
                owner is not None
                and owner.parent is not None
                and (isinstance(node, ast.Global) or name not in owner.names)
            ):
                owner = owner.parent
            if owner is not None:
                scope.elsewhere[name] = owner

    def _named_expr(self, node: ast.NamedExpr, scope: CodeScope) -> None:
        self._bind(node.target, Binding("value", node.value, scope), scope)
        self.visit(node.value, scope)

    def _assigned(self, value: ast.expr, scope: CodeScope, target: str) -> None:
        before = len(self._text.places)
        self.visit(value, scope)
        if len(self._text.places) > before and self._text.places[before].node is value:
            self._text.places[before] = self._text.places[before]._replace(target=target)

    def _aug_assign(self, node: ast.AugAssign, scope: CodeScope) -> None:
        if isinstance(node.target, ast.Name):
            scope.bind(node.target.id, Binding("added", node, scope))
        elif ast.unparse(node.target) == "sys.path":
            self._text.given.append(Given("sys.path", node.value, scope))
        self.visit(node.value, scope)

    def _for(self, node: ast.For, scope: CodeScope) -> None:
        self._bind(node.target, Binding("each", node.iter, scope), scope)
        self._text.loops[node.iter] = [node]
        self._children(node, scope)

    def _with(self, node: ast.With, scope: CodeScope) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._bind(item.optional_vars, Binding("enter", item.context_expr, scope), scope)
        self._children(node, scope)

    def _expr(self, node: ast.Expr, scope: CodeScope) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring names no file
            self.visit(node.value, scope)

    def _if(self, node: ast.If, scope: CodeScope) -> None:
        self.visit(node.test, scope)
        guards = getattr(node.test, "attr", getattr(node.test, "id", "")) == "TYPE_CHECKING"
        self._guarded(node.body, scope, guards=guards)
        self.body(node.orelse, scope)

    def _try(self, node: ast.Try, scope: CodeScope) -> None:
        self._guarded(node.body, scope, guards=True)
        for handler in node.handlers:
            if handler.name:
                scope.bind(handler.name, Binding("other", handler, scope))
            self.body(handler.body, scope)
        self.body([*node.orelse, *node.finalbody], scope)

    def _guarded(self, nodes: Iterable[ast.AST], scope: CodeScope, *, guards: bool) -> None:
        self._guards += guards
        self.body(nodes, scope)
        self._guards -= guards

    def _import(self, node: ast.Import, scope: CodeScope) -> None:
        for name in node.names:
            self._text.imports.append(ImportRef(name.name, (), 0, node.lineno, self._guards > 0))
            bound = name.asname or name.name.partition(".")[0]
            module = name.name if name.asname else bound
            scope.bind(bound, Binding("import", node, scope, (), (module, "", 0)))

    def _import_from(self, node: ast.ImportFrom, scope: CodeScope) -> None:
        names = tuple(name.name for name in node.names)
        module = node.module or ""
        self._text.imports.append(ImportRef(module, names, node.level, node.lineno, self._guards > 0))
        for name in node.names:
            binding = Binding("import", node, scope, (), (module, name.name, node.level))
            scope.bind(name.asname or name.name, binding)

    def _bind(self, target: ast.expr, binding: Binding, scope: CodeScope) -> None:
        if isinstance(target, ast.Name):
            scope.bind(target.id, binding)
        elif isinstance(target, (ast.Tuple, ast.List)):
            kind = "item" if binding.kind == "value" else binding.kind
            for index, item in enumerate(target.elts):
                self._bind(item, binding._replace(kind=kind, path=(*binding.path, index)), scope)
        elif isinstance(target, ast.Subscript) and isinstance(binding.node, ast.expr):
            self._bind_entry(target, binding.node, scope)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = scope.enclosing_class
            if owner is not None and target.value.id == "self":
                owner.attributes.setdefault(target.attr, []).append(binding)
            else:
                scope.bind(f"{target.value.id}.{target.attr}", binding)

    def _bind_entry(self, target: ast.Subscript, value: ast.expr, scope: CodeScope) -> None:
        if isinstance(target.slice, ast.Constant) and target.slice.value in GIVEN:
            self._text.given.append(Given(str(target.slice.value), value, scope))
        known = scope.lookup(target.value.id) if isinstance(target.value, ast.Name) else None
        if known is not None:
            node = ast.Assign(targets=[target], value=value)
            known.append(Binding("entry", node, scope))

    # -- expressions -----------------------------------------------------------------------------------

    def _comprehension(self, node: ast.ListComp, scope: CodeScope) -> None:
        inner = self._text.inner[node] = CodeScope("comprehension", node, scope, self._text, "")
        for generator in node.generators:
            self._bind(generator.target, Binding("each", generator.iter, inner), inner)
            self._text.loops[generator.iter] = [node]
        self._children(node, inner)

    def _call(self, node: ast.Call, scope: CodeScope) -> None:
        self._text.calls.append((node, scope))
        self._note(node, scope)
        self._called(node.func, scope)
        self._extended(node, scope)
        self.body(node.args, scope)
        for keyword in node.keywords:
            if keyword.arg in GIVEN:
                self._text.given.append(Given(keyword.arg, keyword.value, scope))
            self.visit(keyword.value, scope)

    def _extended(self, node: ast.Call, scope: CodeScope) -> None:
        function = node.func
        if not (isinstance(function, ast.Attribute) and function.attr in _EXTENDS and node.args):
            return
        known = scope.lookup(function.value.id) if isinstance(function.value, ast.Name) else None
        if known is not None and known[0].kind in {"value", "item"}:
            kind = "value" if function.attr in {"extend", "update"} else "appended"
            known.append(Binding(kind, node.args[-1], scope))

    def _called(self, function: ast.expr, scope: CodeScope) -> None:
        if isinstance(function, ast.Attribute):
            self._text.mentioned.add(function.attr)
            self.visit(function.value, scope)
        elif isinstance(function, ast.Name):
            self._text.mentioned.add(function.id)
        else:
            self.visit(function, scope)

    def _dict(self, node: ast.Dict, scope: CodeScope) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value in GIVEN:
                self._text.given.append(Given(key.value, value, scope))
        self._children(node, scope)

    def _note(self, node: ast.expr, scope: CodeScope) -> None:
        self._text.places.append(Place(node, scope))

    def _bin_op(self, node: ast.BinOp, scope: CodeScope) -> None:
        if isinstance(node.op, _JOINS):
            self._note(node, scope)
        self.visit(node.left, scope)
        self.visit(node.right, scope)

    def _inner(self, node: ast.expr, scope: CodeScope) -> None:
        self._note(node, scope)
        self._children(node, scope)

    def _attribute(self, node: ast.Attribute, scope: CodeScope) -> None:
        self._text.mentioned.add(node.attr)
        self._note(node, scope)
        self.visit(node.value, scope)

    def _name(self, node: ast.Name, scope: CodeScope) -> None:
        if node.ctx.__class__ is ast.Load:
            self._text.mentioned.add(node.id)
            self._note(node, scope)

    def _constant(self, node: ast.Constant, scope: CodeScope) -> None:
        if node.value.__class__ is str:
            self._note(node, scope)


_HANDLERS: dict[type, Callable[..., None]] = {
    **dict.fromkeys(_FUNCTIONS, _Walk._function_def),
    ast.Lambda: _Walk._lambda,
    ast.ClassDef: _Walk._class_def,
    **dict.fromkeys((ast.Return, ast.Yield), _Walk._return),
    ast.Assign: _Walk._assign,
    ast.AnnAssign: _Walk._ann_assign,
    ast.NamedExpr: _Walk._named_expr,
    ast.AugAssign: _Walk._aug_assign,
    **dict.fromkeys((ast.For, ast.AsyncFor), _Walk._for),
    **dict.fromkeys((ast.With, ast.AsyncWith), _Walk._with),
    ast.Expr: _Walk._expr,
    ast.If: _Walk._if,
    ast.Try: _Walk._try,
    **dict.fromkeys((ast.Global, ast.Nonlocal), _Walk._global),
    ast.Import: _Walk._import,
    ast.ImportFrom: _Walk._import_from,
    **dict.fromkeys(_COMPREHENSIONS, _Walk._comprehension),
    ast.Call: _Walk._call,
    ast.Dict: _Walk._dict,
    **dict.fromkeys((ast.JoinedStr, ast.Subscript), _Walk._inner),
    ast.BinOp: _Walk._bin_op,
    ast.Attribute: _Walk._attribute,
    ast.Name: _Walk._name,
    ast.Constant: _Walk._constant,
}


def _literal_strings(node: ast.expr) -> Iterable[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
