"""Names of files that can and cannot travel: what every door is tried with."""

from __future__ import annotations

CAN_TRAVEL = [
    *("a.py", "a/b.py", "a b/ü.sql", "...", "a.", "-x", "x.git", ".gitignore", ".env", "日本/語.py"),
    *("a:b.py", "team/2026-01-01T00:00:00.sql", "c:x", "ab:c/d.py", "a\u00a0b.sql", "__pycache__.py"),
    *("release-manifest", "a/.release-manifest", "ü" * 127, "/".join(["d"] * 63 + ["a.py"])),
]
"""With a colon, too: Airflow serves such files on Linux and macOS."""

CANNOT_TRAVEL = [
    ("", "empty"),
    ("/a", "absolute"),
    ("a/", "empty"),
    ("a//b", "empty"),
    (".", "'.'"),
    ("../a", "'..'"),
    ("a/./b", "'.'"),
    ("a/..", "'..'"),
    ("a\\b", "backslash"),
    ("a\x00b", "control character"),
    ("a\nb.sql", "control character"),
    ("a\tb", "control character"),
    ("a\x7f", "control character"),
    (".git/config", ".git folder"),
    ("a/.Git/x", ".git folder"),
    (".g\u200cit", ".git folder"),
    ("git~1/x", ".git folder"),
    ("a/\ud800", "UTF-8"),
    ("caf\udce9.sql", "UTF-8"),
    ("c:/x.py", "letter of a drive"),
    ("a" * 256, "longer than"),
    ("ü" * 128, "longer than"),
    ("ab/" * 400 + "x", "longer than"),
    ("a/" * 64 + "b", "folders deep"),
    ("lib/__pycache__/a.cpython-312.pyc", "__pycache__"),
    (".release-manifest", "reserved"),
    (".release-manifest.new", "reserved"),
    (".release-manifest/a.py", "reserved"),
]
"""Each with what the refusal says."""
