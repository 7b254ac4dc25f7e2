"""
The catalogues of the languages: ``python -m scripts.translations`` brings them up to date.

It collects every text of the package, keeps the translations that still fit, drops what nobody says any
more, and compiles what Airflow reads. A text without translation is an error: say it in ``messages.po`` of
the language, under ``airflow_release_plugin/translations``, and run this again. ``--check`` writes nothing,
and fails where something would be written.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from airflow_release_plugin import exceptions
from airflow_release_plugin.languages import CATALOGUES, DOMAIN

PACKAGE = Path(exceptions.__file__).parent
LOCALES = ("zh_CN",)
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_ERRORS = [name for name, kind in vars(exceptions).items() if isinstance(kind, type)]
_KEYWORDS = {**DEFAULT_KEYWORDS, "Message": None, "counted": (1, 2), **dict.fromkeys(_ERRORS)}
_FIELD = re.compile(r"%(?:\(\w+\)[sdr]|%)|</?\w[^>]*>")
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!]|[\u4e00-\u9fff]\.(?:\s|$)")

Texts = dict[str, str | None]
"""Each text, and its plural where it has one."""


def collected() -> Texts:
    """Every text that the package says to people, in the order of the alphabet."""
    texts: Texts = {}
    for _, _, message, _, _ in extract_from_dir(PACKAGE, _METHODS, keywords=_KEYWORDS):
        one, many = message if isinstance(message, tuple) else (message, None)
        # A row of fields and blanks says nothing that could be translated.
        if re.search("[A-Za-z]", _FIELD.sub("", one)):
            texts[one] = many or texts.get(one)
    return dict(sorted(texts.items()))


def problems(catalogue: Catalog, texts: Texts) -> Iterator[str]:
    """What is wrong with a catalogue, one sentence for each text."""
    for one, many in texts.items():
        entry = catalogue.get(one)
        words = "" if entry is None else entry.string[0] if isinstance(entry.string, tuple) else entry.string
        if not words or entry is None or entry.fuzzy:
            yield f"not translated: {one!r}"
        elif set(_FIELD.findall(words)) != set(_FIELD.findall(many or one)):
            yield f"other fields or tags than the text: {one!r}: {words!r}"
        elif _HALF_WIDTH.search(words):
            yield f"half-width punctuation after Chinese: {words!r}"


def updated(catalogue: Catalog, texts: Texts, locale: str) -> Catalog:
    """A catalogue with exactly these texts, and the translations of ``catalogue`` that are of them."""
    fresh = Catalog(locale, DOMAIN, project="Airflow Release", fuzzy=False)
    for one, many in texts.items():
        entry = catalogue.get(one)
        words = "" if entry is None else entry.string[0] if isinstance(entry.string, tuple) else entry.string
        fresh.add((one, many) if many else one, (words,) if many else words)
    return fresh


def _written(catalogue: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=110, no_location=True, omit_header=True)
    fields = ("Content-Type: text/plain; charset=utf-8", f"Plural-Forms: {catalogue.plural_forms}")
    header = ['msgid ""', 'msgstr ""', *(f'"{field}\\n"' for field in fields), "", ""]
    return "\n".join(header).encode() + buffer.getvalue()


def _compiled(catalogue: Catalog) -> bytes:
    # The same texts make the same file, whenever it is made.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=timezone.utc)
    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def main(*, is_check: bool) -> int:
    """Bring the catalogues up to date, or say what is not; the number of findings."""
    texts, found = collected(), []
    for locale in LOCALES:
        po = CATALOGUES / locale / "LC_MESSAGES" / f"{DOMAIN}.po"
        with po.open("rb") as file:
            catalogue = read_po(file, locale, DOMAIN)
        fresh = updated(catalogue, texts, locale)
        found += [f"{locale}: {problem}" for problem in problems(fresh, texts)]
        text = _written(fresh)
        # What is compiled is what was read back: the header is part of it.
        binary = _compiled(read_po(io.BytesIO(text), locale, DOMAIN))
        for path, content in ((po, text), (po.with_suffix(".mo"), binary)):
            if not is_check:
                path.write_bytes(content)
            elif not path.is_file() or path.read_bytes() != content:
                found.append(f"{path.name} of {locale} is not up to date: run python -m scripts.translations")
    for problem in found:
        print(problem)  # noqa: T201
    return len(found)


if __name__ == "__main__":
    sys.exit(min(main(is_check="--check" in sys.argv), 1))
