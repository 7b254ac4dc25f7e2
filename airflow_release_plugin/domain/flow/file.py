"""Files of flows: YAML that is read strictly, each complaint with its line, and written to read the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator, ValidationError

from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.schema import FILE_VERSION, flow_file_schema
from airflow_release_plugin.domain.flow.values import flow_from_dict, flow_to_dict
from airflow_release_plugin.domain.text.phrasing import lines_of
from airflow_release_plugin.exceptions import InvalidRequestError, TooLargeError
from airflow_release_plugin.messages import Message, together

MAX_BYTES = 1024 * 1024
_MAX_DEPTH = 20
_MAX_PROBLEMS = 20
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
Path: TypeAlias = "tuple[str | int, ...]"


class _Loader(yaml.SafeLoader):
    """Reads points in time as the text that they are: flows keep them as text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (as its base has it)
        first: [(tag, pattern) for tag, pattern in found if tag != _TIMESTAMP]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Dumper(yaml.SafeDumper):
    """Writes every value where it belongs, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def write_flows(flows: Iterable[FlowSpec]) -> str:
    """The file of these flows, the one that is tried first in front; :func:`read_flows` is its inverse."""
    content = {"version": FILE_VERSION, "flows": [flow_to_dict(flow) for flow in flows]}
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def read_flows(data: bytes) -> list[FlowSpec]:
    """
    The flows of a file.

    :raises TooLargeError: more than a mebibyte
    :raises InvalidRequestError: with a line for each problem, that says where it is
    """
    if len(data) > MAX_BYTES:
        raise TooLargeError(
            "The file of flows has %(number)s bytes; at most %(most)s are read. Split it.",
            number=len(data),
            most=MAX_BYTES,
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            "The file of flows is not UTF-8 (byte %(start)s).", start=error.start
        ) from error
    content, lines = _parse(text)
    _require_schema(content, lines)
    return _specs(content["flows"], lines)


def _parse(text: str) -> tuple[Any, dict[Path, int]]:
    """The plain values, and the line of each by its path."""
    try:
        _refuse_tricks(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            lines: dict[Path, int] = {(): 1}
            return (None if node is None else _value(loader, node, (), lines)), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        told = Message("this is not YAML: %(problem)s.", problem=error.problem)
        if mark:
            place = {"line": mark.line + 1, "column": mark.column + 1}
            told = Message("Line %(line)s, column %(column)s: %(told)s", **place, told=told)
        if "'\\t'" in str(error.problem):
            told = together([told, Message("Indent with spaces.")])
        raise InvalidRequestError(told) from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidRequestError("This is not YAML: %(error)s.", error=str(error).splitlines()[0]) from error


def _refuse_tricks(text: str) -> None:
    """Refuse what no file of flows needs: anchors, which can multiply without end, and depth."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1  # type: ignore[union-attr]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InvalidRequestError(
                "Line %(line)s: anchors (&) and aliases (*) are not read here; write the value out.",
                line=line,
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise InvalidRequestError(
                "Line %(line)s: values are nested more than %(most)s deep.",
                line=line,
                most=_MAX_DEPTH,
            )


def _value(loader: _Loader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, (*path, i), lines) for i, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        inner = (*path, key)
        if key in mapping:
            raise InvalidRequestError("Line %(line)s: %(name)s is there twice.", line=line, name=_name(inner))
        lines[inner] = line
        mapping[key] = _value(loader, value_node, inner, lines)
    return mapping


def _require_schema(content: Any, lines: Mapping[Path, int]) -> None:
    problems = []
    for error in Draft202012Validator(flow_file_schema()).iter_errors(content):
        # A key without a value is the same as no key.
        if error.instance is not None or not error.absolute_path:
            problems += _sentences(error, lines)
    if problems:
        shown = [sentence for _, sentence in sorted(set(problems))][:_MAX_PROBLEMS]
        raise InvalidRequestError(together(shown, "\n"), problems=shown)


def _sentences(error: ValidationError, lines: Mapping[Path, int]) -> list[tuple[int, str]]:
    path: Path = tuple(error.absolute_path)
    if error.validator != "additionalProperties":
        return [
            (
                lines[path],
                Message(
                    "Line %(line)s: %(name)s: %(complaint)s",
                    line=lines[path],
                    name=_name(path),
                    complaint=_complaint(error),
                ),
            )
        ]
    known = error.schema["properties"]  # type: ignore[index]
    unknown: list[Path] = [(*path, key) for key in error.instance if key not in known]
    return [
        (
            lines[key],
            Message(
                "Line %(line)s: %(name)s is unknown; possible here: %(possible)s.",
                line=lines[key],
                name=_name(key),
                possible=list(known),
            ),
        )
        for key in unknown
    ]


def _complaint(error: ValidationError) -> str:
    expected = error.validator_value
    if error.validator == "enum":
        return Message(
            "%(value)r is not possible; choose one of %(choices)s.",
            value=error.instance,
            choices=list(map(str, expected)),
        )
    if error.validator == "type":
        return Message(
            "%(value)s is not of type %(expected)s.", value=_short(error.instance), expected=expected
        )
    return f"{error.message if len(error.message) < 200 else error.validator}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


def _name(path: Path) -> str:
    """``flows[0].levels[1].name``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or Message("the file")


def _specs(raws: list[Any], lines: Mapping[Path, int]) -> list[FlowSpec]:
    """The flows, with all of their problems at once."""
    specs, problems, seen = [], [], set[str]()
    for index, raw in enumerate(raws):
        where = Message(
            "Line %(line)s: flow %(name)r", line=lines["flows", index], name=str(raw["name"])[:120]
        )
        try:
            specs.append(flow_from_dict(raw))
        except InvalidRequestError as error:
            problems += [
                Message("%(where)s: %(problem)s", where=where, problem=problem)
                for problem in lines_of(error.message)
            ]
        if raw["name"] in seen:
            problems.append(Message("%(where)s: another flow of the file has that name.", where=where))
        seen.add(raw["name"])
    if problems:
        raise InvalidRequestError(together(problems[:_MAX_PROBLEMS], "\n"), problems=problems)
    return specs
