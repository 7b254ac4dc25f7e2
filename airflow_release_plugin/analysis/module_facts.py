"""What the text of one module says about other files: plain values that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from airflow_release_plugin.analysis.evaluation.scopes import ImportRef
from airflow_release_plugin.messages import Message


class Role(str, Enum):
    """What a text that may name files is used for."""

    NAME = "name"
    """Anything: it stands in the code."""
    READ = "read"
    """A file that is opened."""
    FOLDER = "folder"
    """A folder whose entries are listed."""
    TREE = "tree"
    """A folder that is listed with all below it."""
    GLOB = "glob"
    """A pattern whose matches are listed."""
    SHELL = "shell"
    """A command line."""
    TEMPLATE = "template"
    """A name that Airflow or Jinja looks up as a template."""
    STATEMENT = "statement"
    """A statement, or the name of a template that holds it."""
    MODULE = "module"
    """A module that is imported by its name."""
    OBJECT = "object"
    """A dotted name of a module and something in it."""
    PACKAGE = "package"
    """A folder whose modules are all imported."""
    SEARCH = "search"
    """A folder where templates are looked up."""
    IMPORT_PATH = "import path"
    """A folder where modules are looked up."""
    YAML_DAGS = "yaml dags"
    """A folder of which every YAML file makes DAGs."""


@dataclass(frozen=True)
class NamingPlace:
    """
    One place that names files.

    :param texts: what the expression may stand for, with the marks of ``evaluation.values``
    :param module: path of the module with the place; another than the one read where a helper is called
    :param shown: the expression in short; only of places whose files must be told
    :param certain: each of the texts is meant, not some combination of them
    :param assigned: the name that the path is only given, so that it counts where that is used
    :param filters: globs of names that the code around a listing asks for
    :param via: "… line n", where a helper is called that the place is in
    """

    role: Role
    texts: tuple[str, ...]
    module: str
    line: int
    shown: str = ""
    certain: bool = True
    assigned: str = ""
    filters: tuple[str, ...] = ()
    takes_apart: bool = False
    via: str = ""

    @property
    def origin(self) -> str:
        """The place for people."""
        if not self.line:
            return self.module
        place = Message("%(path)s line %(line)s", path=self.module, line=self.line)
        return (
            Message("%(place)s (called in %(caller)s)", place=place, caller=self.via) if self.via else place
        )


class OpenRead(NamedTuple):
    """A read in a function whose arguments nobody in the module gives."""

    function: str
    mention: NamingPlace


@dataclass(frozen=True)
class ModuleFacts:
    """
    Facts about the text of one Python file.

    :param error: why it cannot be parsed, ``""`` otherwise; then everything else is empty
    :param exports: names in a literal ``__all__``
    :param served: ``(path, name)`` of functions that are called with arguments here
    :param mentioned: identifiers that the module reads
    :param dag_ids: ids of DAGs that the text names
    :param consulted: modules whose constants or functions were used: path by name, level
        and importer; empty for none
    """

    error: str = ""
    error_line: int = 0
    imports: tuple[ImportRef, ...] = ()
    exports: tuple[str, ...] = ()
    mentions: tuple[NamingPlace, ...] = ()
    open_reads: tuple[OpenRead, ...] = ()
    served: frozenset[tuple[str, str]] = frozenset()
    mentioned: frozenset[str] = frozenset()
    dag_ids: tuple[str, ...] = ()
    consulted: Mapping[tuple[str, int, str], str] = field(default_factory=dict)
