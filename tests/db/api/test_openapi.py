from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import export_openapi
from tests.db.api.world import API, the_app

pytestmark = pytest.mark.req("R72")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "rest.md"


def test_the_committed_description_is_the_apps_own() -> None:
    assert export_openapi.TARGET.read_text() == export_openapi.text(), "run python -m scripts.export_openapi"


def test_the_page_lists_every_route() -> None:
    routes = {
        (method.upper(), path.removeprefix(API))
        for path, operations in the_app().openapi()["paths"].items()
        for method in operations
    }

    assert set(re.findall(r"^\| `([A-Z]+) (/\S*)` \|", PAGE.read_text(), re.M)) == routes


def test_every_operation_says_what_it_does() -> None:
    operations = [
        (method, path, operation)
        for path, methods in the_app().openapi()["paths"].items()
        for method, operation in methods.items()
    ]

    assert [(m, p) for m, p, operation in operations if not operation.get("description")] == []
