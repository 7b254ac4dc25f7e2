"""Flows as code: what is configured as a file, and a file made what is configured (R41)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_release_plugin.domain.flow.file import read_flows, write_flows
from airflow_release_plugin.domain.flow.flow import FlowSpec
from airflow_release_plugin.domain.flow.values import flow_to_dict
from airflow_release_plugin.domain.identity import Actor
from airflow_release_plugin.repositories import flows as queries
from airflow_release_plugin.services.approvals import flow_admin
from airflow_release_plugin.services.runtime.context import Context


@dataclass(frozen=True)
class FlowChange:
    """
    What a file does to one flow.

    :param action: ``created``, ``changed``, ``unchanged``, ``deleted``; ``reordered`` for all of them
    :param differences: ``field: before → after``
    """

    flow: str
    action: str
    differences: tuple[str, ...] = ()


def export_flows(ctx: Context) -> str:
    """All configured flows as YAML, the one that is tried first in front; without the built-in one."""
    return write_flows(row.spec for row in queries.flows(ctx.session))


def apply_flows(
    ctx: Context, *, actor: Actor, data: bytes, prune: bool = False, dry_run: bool = False
) -> list[FlowChange]:
    """
    Make the flows of a file the configured ones, all or none; a second time changes nothing.

    Flows are the same if they have the same name. Those of the file are tried first, in its order; what it
    does not name stays behind them.

    :param prune: delete what the file does not name
    :param dry_run: do it all, say what was done, and take it back
    :raises InvalidRequestError: the file or a flow breaks a rule, or nobody could complete a step
    :raises NotAllowedError: the actor may not configure flows
    """
    specs = read_flows(data)
    with ctx.session.begin_nested() as savepoint:
        changes = _apply(ctx, specs, actor=actor, prune=prune)
        if dry_run:
            savepoint.rollback()
    return changes


def _apply(ctx: Context, specs: Sequence[FlowSpec], *, actor: Actor, prune: bool) -> list[FlowChange]:
    rows = {row.name: row for row in queries.flows(ctx.session)}
    names = [spec.name for spec in specs]
    others = [name for name in rows if name not in set(names)]
    before = {row.name: (row.id, row.revision, row.spec_json) for row in rows.values()}
    deleted = others if prune else []
    flow_admin.delete(ctx, actor=actor, flow_ids=[before[name][0] for name in deleted])
    # The names and places of those that are gone are free from here on.
    ctx.session.flush()
    changes = [_apply_one(ctx, spec, before.get(spec.name), actor=actor) for spec in specs]
    changes += [FlowChange(name, "deleted") for name in deleted]
    order = names + [name for name in others if not prune]
    ids_by_name = {row.name: row.id for row in queries.flows(ctx.session)}
    if list(ids_by_name) != order:
        flow_admin.reorder(ctx, actor=actor, flow_ids=[ids_by_name[name] for name in order])
        # A new flow has no place before; only those that were there can lose theirs.
        kept = [name for name in rows if name in ids_by_name]
        if kept != [name for name in order if name in rows]:
            changes.append(FlowChange("*", "reordered", (f"{' > '.join(kept)} → {' > '.join(order)}",)))
    return changes


def _apply_one(
    ctx: Context, spec: FlowSpec, present: tuple[int, int, dict[str, Any]] | None, *, actor: Actor
) -> FlowChange:
    raw = flow_to_dict(spec)
    if present is None:
        flow_admin.create(ctx, actor=actor, raw=raw)
        return FlowChange(spec.name, "created")
    flow_id, revision, before = present
    differences = tuple(_differences(before, raw))
    if not differences:
        return FlowChange(spec.name, "unchanged")
    flow_admin.update(ctx, actor=actor, flow_id=flow_id, raw=raw, revision=revision)
    return FlowChange(spec.name, "changed", differences)


def _differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}".removeprefix("."))
    elif _holds_mappings(before) and _holds_mappings(after):
        for index in range(max(len(before), len(after))):
            one, other = (items[index] if index < len(items) else None for items in (before, after))
            yield from _differences(one, other, f"{path}[{index}]")
    else:
        yield f"{path}: {_shown(before)} → {_shown(after)}"


def _holds_mappings(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)
