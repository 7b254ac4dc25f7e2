"""What the parts of the evaluator need of each other."""

from __future__ import annotations

import ast
from typing import Protocol

from airflow_release_plugin.analysis.evaluation.scopes import CodeScope, ModuleText
from airflow_release_plugin.analysis.evaluation.values import Value, Values


class Modules(Protocol):
    """The modules of the source."""

    def text(self, module: str, level: int, importer: str) -> ModuleText | None:
        """The text of a module, ``None`` if the source has none of this name."""

    def folder(self, module: str) -> str:
        """Folder of a package, also of one that does not exist; relative to the source."""


class Evaluates(Protocol):
    """Gives expressions their values."""

    @property
    def modules(self) -> Modules:
        """Where imported names lead."""

    def __call__(self, node: ast.AST, scope: CodeScope) -> Values:
        """What ``node`` may stand for in ``scope``."""

    def attribute(self, value: Value, name: str, scope: CodeScope) -> Values:
        """What ``value.name`` may stand for."""
