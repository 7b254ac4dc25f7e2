"""Write ``docs/reference/openapi.json``; a test asserts that it is what the app says of itself."""

from __future__ import annotations

import json
from pathlib import Path

from airflow_release_plugin.api.app import create_app

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference" / "openapi.json"


def text() -> str:
    """The API's own description, with sorted keys, without the version of the package."""
    found = create_app().openapi()
    found["info"]["version"] = "1"
    return json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
