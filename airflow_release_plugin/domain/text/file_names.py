"""Names of files that come from somebody else's computer."""

from __future__ import annotations

import re

_LONGEST_NAME = 250


def clean_name(name: str) -> str:
    """What a file is called, without the folders and the characters that no name needs."""
    last = re.split(r"[/\\]", name)[-1].encode("utf-8", "replace").decode()
    plain = "".join(character for character in last if character.isprintable()).strip()
    if len(plain) > _LONGEST_NAME:
        stem, dot, suffix = plain.rpartition(".")
        kept = f"{dot}{suffix}"[:20] if stem else ""
        plain = plain[: _LONGEST_NAME - len(kept)] + kept
    return plain if plain.strip(".") else "bundle.dagbundle"
