"""House rules on types: what a type checker lets through because the code told it not to look."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.source import Finding, Source, last_name

OPEN_KEYWORDS = {
    ("operators/", "__init__"): "Airflow's operators hand the arguments of BaseOperator upwards",
    ("sensors/", "__init__"): "Airflow's sensors do, too",
    ("bundles/", "__init__"): "Airflow makes a bundle from the kwargs of its configuration",
    ("exceptions.py", "__init__"): "the context of an error, which goes into JSON as it is",
    ("messages.py", "__new__"): "the values of a message, whatever they are",
    ("messages.py", "counted"): "the same",
    ("views/web/base.py", "render"): "the names of a template, which has no types",
    ("views/web/language.py", "_gettext"): "what templates hand to gettext",
    ("views/web/language.py", "_ngettext"): "the same",
}
"""Where ``**name: Any`` may stand, by place and function, with the reason."""
_UNTYPED = {"Any", "object"}


def keywords_have_types(source: Source) -> Iterator[Finding]:
    """No ``**name: Any``: what is passed through it, no type checker has seen."""
    if not source.is_in(""):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.args.kwarg is None:
            continue
        kind = node.args.kwarg.annotation
        is_open = any(source.is_in(place) and node.name == name for place, name in OPEN_KEYWORDS)
        if not is_open and (kind is None or last_name(kind) in _UNTYPED):
            message = f"**{node.args.kwarg.arg} of {node.name}() hides types: name them, or take one object"
            yield Finding(source.path, node.lineno, message)


def objects_travel_whole(source: Source) -> Iterator[Finding]:
    """No ``call(**vars(thing))`` or ``call(**asdict(thing))``: a field that is renamed breaks it unseen."""
    if not source.is_in(""):
        return
    for call in source.calls():
        for keyword in call.keywords:
            if keyword.arg is None and any(
                isinstance(node, ast.Call) and last_name(node.func) in {"vars", "asdict"}
                for node in ast.walk(keyword.value)
            ):
                message = "pass the object whole, name its fields, or copy it with dataclasses.replace()"
                yield Finding(source.path, call.lineno, message)


def versions_are_made_in_one_place(source: Source) -> Iterator[Finding]:
    """A row of ``Submission`` is made by ``versions.draft()``, which knows all of its columns."""
    if not source.is_in("") or source.is_in("services/versions/versions.py"):
        return
    for call in source.calls():
        if last_name(call.func) == "Submission":
            yield Finding(source.path, call.lineno, "make versions with services/versions: versions.draft()")
