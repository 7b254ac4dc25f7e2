from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_release_plugin.domain.bundle.trusted_keys import KeyStanding, TrustedKey, key_id

NOON = datetime(2026, 9, 21, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


def test_the_id_of_a_key_is_the_hash_of_its_bytes() -> None:
    key = TrustedKey("a", b"\x01" * 32, NOON)

    assert (
        key.id == key_id(b"\x01" * 32) == "72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793"
    )


@pytest.mark.parametrize(
    ("now", "standing"),
    [
        (NOON - SECOND, KeyStanding.EARLY),
        (NOON, KeyStanding.VALID),
        (NOON + 59 * SECOND, KeyStanding.VALID),
        (NOON + 60 * SECOND, KeyStanding.EXPIRED),
    ],
)
def test_a_key_is_valid_from_its_first_second_until_before_its_last(
    now: datetime, standing: KeyStanding
) -> None:
    assert TrustedKey("a", b"", NOON, NOON + 60 * SECOND).standing(now) is standing


def test_a_key_without_an_end_stays_valid_until_it_is_revoked() -> None:
    later = NOON + timedelta(days=10_000)

    assert TrustedKey("a", b"", NOON).standing(later) is KeyStanding.VALID
    assert TrustedKey("a", b"", NOON, revoked_at=later).standing(NOON) is KeyStanding.REVOKED
