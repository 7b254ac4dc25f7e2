"""Attributes and methods of strings, paths and dictionaries."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable

from airflow_release_plugin.analysis.evaluation.protocols import Evaluates
from airflow_release_plugin.analysis.evaluation.scopes import CodeScope
from airflow_release_plugin.analysis.evaluation.text import combined, formatted
from airflow_release_plugin.analysis.evaluation.values import (
    ANYTHING,
    ELSEWHERE,
    LISTED,
    NOT_LOCAL,
    PLACE,
    UNKNOWN,
    Listing,
    Mapping,
    Sequence,
    Value,
    Values,
    is_known,
    joined_paths,
    merged,
    text_of,
)

_SAME = frozenset({"as_posix", "__str__", "__fspath__", "rstrip", "strip", "lstrip", "copy", "encode"})
_DOLLAR = re.compile(r"\$\{?(\w+)\}?")
_HOLES = frozenset({UNKNOWN, ELSEWHERE, LISTED, PLACE})
_OF_PATHS = frozenset({"parent", "parents", "name", "stem", "suffix", "path"})
_NORMAL = frozenset({"resolve", "absolute", "expanduser"})


def attribute_of_text(text: str, name: str) -> Values:
    """What an attribute of a path gives."""
    if text in _HOLES and name in _OF_PATHS:
        return (text,)
    if name == "parent":
        return (posixpath.dirname(text) or ".",)
    if name == "parents":
        return (Sequence(tuple((parent,) for parent in _parents(text))),)
    if name == "name":
        return (posixpath.basename(text),)
    if name == "stem":
        return (posixpath.splitext(posixpath.basename(text))[0],)
    if name == "suffix":
        return (posixpath.splitext(text)[1],)
    if name in {"path", "value", "filename", "co_filename", "f_code", "f_back"}:
        return (text,)
    if name == "parts":
        return (Sequence(tuple((part,) for part in text.split("/"))),)
    return NOT_LOCAL if text[:1] == ELSEWHERE else (LISTED,) if text == LISTED else ANYTHING


def _parents(text: str) -> list[str]:
    found = [posixpath.dirname(text)]
    while found[-1] not in {"", "/"} and len(found) < 32:
        found.append(posixpath.dirname(found[-1]))
    return found


def call_method(ev: Evaluates, receivers: Values, node: ast.Call, scope: CodeScope) -> Values | None:
    """What a method of these values gives; ``None`` where it is none of a string, path or container."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    found: list[Values] = []
    for value in receivers:
        if isinstance(value, str):
            found.append(_of_text(ev, value, name, node, scope))
        elif isinstance(value, Mapping) and name in _OF_MAPPINGS:
            found.append(_OF_MAPPINGS[name](ev, value, node, scope))
        elif isinstance(value, Sequence) and name in {"copy", "index"}:
            found.append((value,))
        elif isinstance(value, (Sequence, Mapping, Listing)):
            found.append(ANYTHING)
        else:
            return None
    return merged(found)


def _of_text(ev: Evaluates, text: str, name: str, node: ast.Call, scope: CodeScope) -> Values:
    if text == ELSEWHERE or name.startswith("xcom_"):
        return NOT_LOCAL
    if name in _SAME:
        return (getattr(text, name)() if name.endswith("strip") and not node.args else text,)
    if name in _NORMAL:
        return (posixpath.normpath(text) if text else text,)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(ev, text, node, scope)
    rule = _WITH_ARGUMENTS.get(name)
    if rule is None:
        return (LISTED,) if text == LISTED else (UNKNOWN,)
    return _applied(rule, text, [ev(item, scope) for item in node.args])


def _joinpath(ev: Evaluates, text: str, node: ast.Call, scope: CodeScope) -> Values:
    return combined([(text,), *_unpacked(ev, node, scope)], joined_paths)


def _format(ev: Evaluates, text: str, node: ast.Call, scope: CodeScope) -> Values:
    named = {keyword.arg: ev(keyword.value, scope) for keyword in node.keywords if keyword.arg}
    others = ANYTHING if any(keyword.arg is None for keyword in node.keywords) else ()
    return formatted(text, _unpacked(ev, node, scope), named, others)


def _substitute(ev: Evaluates, text: str, node: ast.Call, scope: CodeScope) -> Values:
    named = {keyword.arg: ev(keyword.value, scope) for keyword in node.keywords if keyword.arg}
    for value in ev(node.args[0], scope) if node.args else ():
        named.update(dict(value.items) if isinstance(value, Mapping) else {})
    parts: list[Values] = []
    position = 0
    for found in _DOLLAR.finditer(text):
        parts += [(text[position : found.start()],), named.get(found[1], ANYTHING)]
        position = found.end()
    return combined([*parts, (text[position:],)], "".join)


def _format_map(ev: Evaluates, text: str, node: ast.Call, scope: CodeScope) -> Values:
    given = ev(node.args[0], scope) if node.args else ()
    named = {key: values for value in given if isinstance(value, Mapping) for key, values in value.items}
    return formatted(text, (), named, ANYTHING)


def _unpacked(ev: Evaluates, node: ast.Call, scope: CodeScope) -> list[Values]:
    found: list[Values] = []
    for item in node.args:
        values = ev(item, scope)
        if isinstance(item, ast.Starred) and len(values) == 1 and isinstance(values[0], Sequence):
            found.extend(values[0].items)
        else:
            found.append(values if not isinstance(item, ast.Starred) else ANYTHING)
    return found


def _join(ev: Evaluates, text: str, node: ast.Call, scope: CodeScope) -> Values:
    found: list[Values] = []
    for value in ev(node.args[0], scope) if node.args else ():
        found.append(combined(value.items, text.join) if isinstance(value, Sequence) else ANYTHING)
    return merged(found)


def _entries(form: str) -> Callable[[Evaluates, str, ast.Call, CodeScope], Values]:
    return lambda ev, text, node, scope: (Listing(text, form),)


def _glob(below: str) -> Callable[[Evaluates, str, ast.Call, CodeScope], Values]:
    def rule(ev: Evaluates, text: str, node: ast.Call, scope: CodeScope) -> Values:
        patterns = ev(node.args[0], scope) if node.args else ("*",)
        return tuple(Listing(joined_paths([text + below, text_of(pattern)]), "glob") for pattern in patterns)

    return rule


_SPECIAL: dict[str, Callable[[Evaluates, str, ast.Call, CodeScope], Values]] = {
    "joinpath": _joinpath,
    "join": _join,
    "format": _format,
    "format_map": _format_map,
    "substitute": _substitute,
    "safe_substitute": _substitute,
    "iterdir": _entries("path"),
    "walk": _entries("walk"),
    "glob": _glob(""),
    "rglob": _glob("/**"),
}


def _applied(rule: Callable[..., Value], text: str, arguments: list[Values]) -> Values:
    found: list[Value] = []
    flat = [values[0] for values in arguments if len(values) == 1]
    if len(flat) != len(arguments) or not all(is_known(value) or isinstance(value, int) for value in flat):
        return ANYTHING
    try:
        found.append(rule(text, *flat))
    except (ValueError, TypeError, IndexError):
        return ANYTHING
    return tuple(found)


def _texts(parts: list[str] | tuple[str, ...]) -> Sequence:
    return Sequence(tuple((part,) for part in parts))


def _with_name(text: str, name: str) -> str:
    return posixpath.join(posixpath.dirname(text), name)


def _with_suffix(text: str, suffix: str) -> str:
    return posixpath.splitext(text)[0] + suffix


def _with_stem(text: str, stem: str) -> str:
    return posixpath.join(posixpath.dirname(text), stem + posixpath.splitext(text)[1])


_WITH_ARGUMENTS: dict[str, Callable[..., Value]] = {
    "replace": str.replace,
    "removesuffix": str.removesuffix,
    "removeprefix": str.removeprefix,
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "strip": str.strip,
    "zfill": str.zfill,
    "split": lambda text, *given: _texts(text.split(*given)),
    "rsplit": lambda text, *given: _texts(text.rsplit(*given)),
    "splitlines": lambda text: _texts(text.splitlines()),
    "partition": lambda text, sep: _texts(text.partition(sep)),
    "rpartition": lambda text, sep: _texts(text.rpartition(sep)),
    "with_name": _with_name,
    "with_suffix": _with_suffix,
    "with_stem": _with_stem,
}


def _items(ev: Evaluates, value: Mapping, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence(tuple((Sequence(((key,), values)),) for key, values in value.items)),)


def _values(ev: Evaluates, value: Mapping, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence(tuple(values for _, values in value.items)),)


def _keys(ev: Evaluates, value: Mapping, node: ast.Call, scope: CodeScope) -> Values:
    return (Sequence(tuple((key,) for key, _ in value.items)),)


def _get(ev: Evaluates, value: Mapping, node: ast.Call, scope: CodeScope) -> Values:
    keys = ev(node.args[0], scope) if node.args else ANYTHING
    default = ev(node.args[1], scope) if len(node.args) > 1 else ()
    return merged([*(value.get(key) for key in keys), default])


_OF_MAPPINGS: dict[str, Callable[..., Values]] = {
    "items": _items,
    "values": _values,
    "keys": _keys,
    "get": _get,
    "pop": _get,
    "setdefault": _get,
    "copy": lambda ev, value, node, scope: (value,),
}
