from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from airflow_release_plugin.airflow_internals.credentials import Credentials, read_credentials

COOKIE = {"_token": "from-cookie"}
BEARER = Credentials("from-header", is_cookie=False)


@pytest.mark.parametrize("header", ["Bearer from-header", "bearer from-header", "BEARER  from-header "])
def test_a_bearer_token_counts_before_the_cookie(header: str) -> None:
    assert read_credentials(Headers({"Authorization": header}), COOKIE) == BEARER


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer  ", "Basic dXNlcjpwYXNz", "from-header"])
def test_without_a_bearer_token_the_cookie_counts(header: str) -> None:
    found = read_credentials(Headers({"Authorization": header}), COOKIE)

    assert found == Credentials("from-cookie", is_cookie=True)


@pytest.mark.parametrize("cookies", [{}, {"_token": ""}, {"session": "other"}])
def test_a_request_with_neither_names_nobody(cookies: dict[str, str]) -> None:
    assert read_credentials(Headers({}), cookies) is None
