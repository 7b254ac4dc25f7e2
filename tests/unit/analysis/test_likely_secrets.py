"""Everything here that looks like a secret is made up, and put together so that it stands nowhere as one."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_release_plugin.analysis.likely_secrets import (
    MAX_FINDINGS,
    LikelySecret,
    SecretKind,
    find_likely_secrets,
)

pytestmark = pytest.mark.req("R52")
ROOT = Path(__file__).resolve().parents[3]
NOISE = random.Random(7)


def made_up(length: int, alphabet: str = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") -> str:
    return "".join(NOISE.choices(alphabet, k=length))


def kinds(text: str, path: str = "dags/etl.py") -> list[SecretKind]:
    return [place.kind for place in find_likely_secrets(text.encode(), path=path)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN " + "RSA PRIVATE KEY-----", SecretKind.PRIVATE_KEY),
        ("-----BEGIN " + "PRIVATE KEY-----", SecretKind.PRIVATE_KEY),
        ("-----BEGIN " + "OPENSSH PRIVATE KEY-----", SecretKind.PRIVATE_KEY),
        ("-----BEGIN " + "PGP PRIVATE KEY BLOCK-----", SecretKind.PRIVATE_KEY),
        ("AKIA" + made_up(16, "ABCDEF234567"), SecretKind.CLOUD_KEY),
        ("AIza" + made_up(35), SecretKind.CLOUD_KEY),
        ("AccountName=x;AccountKey=" + made_up(86) + "==", SecretKind.CLOUD_KEY),
        ("ghp_" + made_up(36), SecretKind.SERVICE_TOKEN),
        ("github_pat_" + made_up(60), SecretKind.SERVICE_TOKEN),
        ("glpat-" + made_up(20), SecretKind.SERVICE_TOKEN),
        ("xoxb-" + made_up(24), SecretKind.SERVICE_TOKEN),
        ("sk_live_" + made_up(24), SecretKind.SERVICE_TOKEN),
        ("eyJ" + made_up(20) + ".eyJ" + made_up(40) + "." + made_up(43), SecretKind.SERVICE_TOKEN),
        ("postgresql://ada:" + "hunter2@db/sales", SecretKind.URL_PASSWORD),
        ("amqp://:" + "p%40ss@broker:5672", SecretKind.URL_PASSWORD),
        ('password = "hunter22"', SecretKind.ASSIGNED),
        ("PASSWORD='hunter22'", SecretKind.ASSIGNED),
        ('db_password: str = "hunter22"', SecretKind.ASSIGNED),
        ('{"client_secret": "9f-hunter"}', SecretKind.ASSIGNED),
        ('os.environ["DB_PASSWORD"] = "hunter22"', SecretKind.ASSIGNED),
        ('Hook(api_key=r"a1b2c3")', SecretKind.ASSIGNED),
        (f'KEY = "{made_up(44)}="', SecretKind.RANDOM),
        (f"x = '{base64.b64encode(NOISE.randbytes(33)).decode()}'", SecretKind.RANDOM),
    ],
)
def test_what_looks_like_a_secret_is_found_once(text: str, kind: SecretKind) -> None:
    assert kinds(f"x = 1\n{text}\n") == [kind]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("conf/.env", [SecretKind.ASSIGNED]),
        (".env.prod", [SecretKind.ASSIGNED]),
        ("conf/db.yaml", [SecretKind.ASSIGNED]),
        ("dags/etl.py", []),
    ],
)
def test_values_without_quotes_count_where_files_are_written_so(
    path: str, expected: list[SecretKind]
) -> None:
    assert kinds("DB_PASSWORD=hunter22\n", path) == expected


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['DB_PASSWORD']",
        'password = Variable.get("dwh_password")',
        'password = ""',
        'password = "***"',
        'password = "xxxxxxxx"',
        'password="{{ conn.dwh.password }}"',
        'password=f"{prefix}-{user}"',
        'password="${DB_PASSWORD}"',
        'password="<password>"',
        'password = "your-password-here"',
        'password = "changeme"',
        'if password == "hunter22":',
        'token_url = "https://example.org/token"',
        'secret_name = "sales-dwh"',
        'secret = "arn:aws:secretsmanager:eu-central-1:1:secret/x"',
        'password: "password"',
        "postgresql://user:{password}@host/db",
        "postgresql://user:<password>@host/db",
        "https://example.org:8080/@x",
        "ssh://git@example.org/repo.git",
        f'digest = "{"0123456789abcdef" * 4}"',
        'id = "5f0c3a1e-7a1b-4c2d-9e3f-0a1b2c3d4e5f"',
        '"apache-airflow-providers-microsoft-azure-and-more"',
        "'SELECT_customer_id_FROM_warehouse_orders_2024'",
        "-----BEGIN " + "CERTIFICATE-----",
        "-----BEGIN " + "PUBLIC KEY-----",
    ],
)
def test_what_every_dag_has_is_left_alone(text: str) -> None:
    assert kinds(text) == []


def test_a_place_has_its_line_and_not_the_secret() -> None:
    data = b'a = 1\n\npassword = "hunter22"\r\nb = 2\ntoken = "0815-4711"'

    assert find_likely_secrets(data, path="x.py") == (
        LikelySecret("x.py", 3, SecretKind.ASSIGNED),
        LikelySecret("x.py", 5, SecretKind.ASSIGNED),
    )


def test_a_file_full_of_secrets_is_told_shortly() -> None:
    data = b'password = "hunter22"\n' * 1000

    assert len(find_likely_secrets(data, path="x.py")) == MAX_FINDINGS


def test_our_own_example_dags_have_none() -> None:
    found = [
        place
        for file in sorted((ROOT / "dags").rglob("*"))
        if file.is_file() and file.suffix != ".pyc"
        for place in find_likely_secrets(file.read_bytes(), path=file.name)
    ]

    assert found == []


@given(st.binary(max_size=500))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    find_likely_secrets(data, path="x.yaml")


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "=",
        "'",
        '"',
        " ",
        "eyJ",
        "eyJ-",
        "eyJ.",
        "password",
        "password=",
        "password: a ",
        "://",
        "://a:",
        "\n",
        "-----BEGIN A ",
        "AKIA",
        "=a",
    ],
)
def test_no_file_takes_long(unit: str) -> None:
    data = (unit * 1_000_000)[:1_000_000].encode()

    started = process_time()
    find_likely_secrets(data, path="x.yaml")

    assert process_time() - started < 3
