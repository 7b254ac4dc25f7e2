from __future__ import annotations

import pytest

from airflow_release_plugin.client.settings import ClientSettings
from airflow_release_plugin.exceptions import InvalidRequestError


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"host": "https://proxy.example.org/airflow/"}, "https://proxy.example.org/airflow"),
        ({"host": "airflow.example.org"}, "http://airflow.example.org"),
        ({"host": "airflow", "schema": "https", "port": 8443}, "https://airflow:8443"),
        ({"host": "http://airflow/prefix", "port": 8080}, "http://airflow:8080/prefix"),
        ({"host": "http://airflow:1", "port": 8080}, "http://airflow:1"),
        ({"host": "[::1]", "port": 8080}, "http://[::1]:8080"),
    ],
)
def test_url_comes_from_host_schema_and_port(fields, url):
    assert ClientSettings.from_fields(**fields).base_url == url


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": None}, "no host"),
        ({"host": "ftp://airflow"}, "not an http or https URL"),
        ({"host": "http://airflow:99999"}, "not an http or https URL"),
        ({"host": "http://airflow:web"}, "not an http or https URL"),
        ({"host": "http://[::1"}, "not an http or https URL"),
        ({"host": "http://ann:pw@airflow"}, "has credentials"),
        ({"host": "airflow", "extra": "{"}, "not JSON"),
        ({"host": "airflow", "extra": "[]"}, "not a JSON object"),
        ({"host": "airflow", "extra": '{"verify": false}'}, "unknown keys"),
        ({"host": "airflow", "extra": '{"timeout": "soon"}'}, "'timeout'"),
        ({"host": "airflow", "extra": '{"timeout": 0}'}, "'timeout'"),
    ],
)
def test_unusable_connection_is_refused_with_the_reason(fields, message):
    with pytest.raises(InvalidRequestError, match=message):
        ClientSettings.from_fields(**fields)


def test_password_is_not_in_the_representation():
    settings = ClientSettings.from_fields(host="airflow", login="svc", password="s3cret")
    assert "s3cret" not in repr(settings)


def test_missing_ca_file_is_refused():
    settings = ClientSettings.from_fields(host="https://airflow", extra='{"ca_file": "/no/such.pem"}')
    with pytest.raises(InvalidRequestError, match=r"/no/such\.pem"):
        settings.tls()


@pytest.mark.parametrize(("text", "expected"), [("false", False), ("true", True)])
def test_certificates_are_verified_unless_switched_off(text, expected):
    settings = ClientSettings.from_fields(host="https://airflow", extra=f'{{"verify_ssl": {text}}}')
    assert settings.tls() is expected
