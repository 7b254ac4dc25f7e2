"""What a file says that who takes it in has to provide, and what in it may be a secret; parsed once."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_release_plugin.analysis.likely_secrets import LikelySecret, find_likely_secrets
from airflow_release_plugin.analysis.module_scan import parse_python
from airflow_release_plugin.analysis.needed_modules import NeededModules, modules_of
from airflow_release_plugin.analysis.references import References, references_of, template_references
from airflow_release_plugin.analysis.text_decoding import decode_text
from airflow_release_plugin.garbage import no_collection


@dataclass(frozen=True)
class FileFindings:
    """
    All that follows from the path and the bytes of one file.

    :param references: ``None`` where there is nothing to look for: no Python, and no expressions
    :param modules: ``None`` of what is no Python
    """

    references: References | None = None
    modules: NeededModules | None = None
    secrets: tuple[LikelySecret, ...] = ()


def find_in(path: str, data: bytes) -> FileFindings:
    """Look through a file; one that cannot be parsed refers to nothing. It is not run."""
    secrets = find_likely_secrets(data, path=path)
    if path.endswith(".py"):
        return FileFindings(*_of_python(data), secrets)
    if b"{{" in data:
        return FileFindings(template_references(decode_text(data)[0]), None, secrets)
    return FileFindings(secrets=secrets)


def _of_python(data: bytes) -> tuple[References, NeededModules]:
    with no_collection():
        try:
            tree = parse_python(data)
        except (SyntaxError, RecursionError):
            return References(), NeededModules()
        return references_of(tree), modules_of(tree)
