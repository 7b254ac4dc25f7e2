"""What makes a unit impossible: names that file systems cannot keep apart, code that Airflow cannot keep."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from airflow_release_plugin.analysis.source_files import SourceFiles
from airflow_release_plugin.analysis.text_decoding import decode_text, is_utf8
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
                    "%(other)r and %(path)r differ only in upper and lower case or in their Unicode "
                    "form, which some file systems cannot keep apart; rename one.",
                    other=twin,
                    path=path,
                )
            path = path.rpartition("/")[0]


def refuse_other_encodings(files: SourceFiles, entry: str) -> None:
    """Raise ``UnitError`` for a DAG file that is not UTF-8: Airflow reads it so when it keeps its code."""
    if not files.derive(is_utf8, entry):
        _, encoding = files.derive(decode_text, entry)
        raise UnitError(
            "%(path)r is no UTF-8 but %(encoding)s: Airflow keeps the code of a Dag file, "
            "reads it as UTF-8 for that, and so cannot keep this Dag. Save the file as UTF-8, "
            "and submit it then.",
            encoding=encoding,
            path=entry,
        )
