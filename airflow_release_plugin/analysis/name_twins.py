"""Names that some file systems cannot keep apart."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from airflow_release_plugin.exceptions import UnitError


def refuse_twins(paths: Iterable[str]) -> None:
    """Raise ``UnitError`` for two files or folders that differ in case or Unicode form only."""
    seen: dict[str, str] = {}
    for path in paths:
        while path:
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
            twin = seen.setdefault(folded, path)
            if twin != path:
                raise UnitError(
                    f"{twin!r} and {path!r} differ only in upper and lower case or in their Unicode "
                    "form, which some file systems cannot keep apart; rename one.",
                    path=path,
                )
            path = path.rpartition("/")[0]
