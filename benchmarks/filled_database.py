# ruff: noqa: S608 - the statements are made of numbers that stand here
"""
What years of releasing leave behind, written in plain SQL: a PostgreSQL database that lists are measured on.

The same rows each time: everything follows from the number of a row. Of the units one in forty, and what was
made of it, is what a person with few rights may read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

DAY_ZERO = "timestamptz '2024-01-01 00:00:00+00'"
READABLE_EVERY = 40
"""One unit in so many belongs to the team of a person who may not see the others."""


@dataclass(frozen=True)
class Size:
    """How much there is."""

    releases: int = 100_000
    versions_of_each: int = 3
    events_of_each: int = 10
    units: int = 2_000


def fill(engine: Engine, size: Size = Size()) -> None:
    """Write it all, and let the database know how much it is."""
    with engine.begin() as connection:
        for statement in _statements(size):
            connection.execute(text(statement))
        _sum_up(connection)
        _note_words(connection)
        _count_on(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


_DIGEST, _COMMIT = "lpad(to_hex(n), 64, '0')", "lpad(to_hex(n), 40, '0')"


def _statements(size: Size) -> list[str]:
    return [
        *_units_and_releases(size),
        *_versions(size),
        *_decisions_and_events(size),
        *_insights(size),
    ]


def _units_and_releases(size: Size) -> list[str]:
    return [
        f"""
        INSERT INTO release_unit (id, source, path, name, dag_ids, created_at)
        SELECT n, 'dev', 'team_' || n % {READABLE_EVERY} || '/dag_' || n || '.py',
            'team_' || n % {READABLE_EVERY} || '/dag_' || n, json_build_array('dag_' || n), {DAY_ZERO}
        FROM generate_series(1, {size.units}) n
        """,
        f"""
        INSERT INTO release (id, number, title, description, kind, state, state_reason, state_since,
            environment,
            reviewers, run_after_release, attempt, change_digest, target_commit, changes,
            also_changes, at_least_level,
            risk, soak_minutes, exempt_reason, break_glass_reason, pipeline_dag_id, pipeline_run_id,
            requested_by_id,
            requested_by_name, requested_at, released_by_id, released_by_name, released_at, row_version)
        SELECT n, 'R-' || lpad(n::text, 6, '0'),
            (ARRAY['Orders','Invoices','Warehouse','Forecast','Customers','Payments'])[1 + n % 6]
                || (ARRAY[' nightly load ',' hot fix ',' new columns ',' clean-up ',' retries '])[1 + n % 5]
                || n, '', 'promotion', 'released', '', {DAY_ZERO},
            'prod', '[{{"id": "2", "name": "reviewer"}}]', false, 1,
            {_DIGEST}, {_COMMIT}, '[]', '[]', 1, '{{}}', 0, '', '', 'release_pipeline', 'R-' || n || '__1',
            'user_' || n % 97,
            'user_' || n % 97, {DAY_ZERO} + n * interval '13 minutes', 'release-pipeline', 'release-pipeline',
            {DAY_ZERO} + n * interval '13 minutes' + interval '2 hours', 1
        FROM generate_series(1, {size.releases}) n
        """,
    ]


def _versions(size: Size) -> list[str]:
    versions = size.releases * size.versions_of_each
    return [
        f"""
        INSERT INTO release_submission (id, unit_id, version, path, state, change, dag_ids, digest,
            commit_id, closure, external, warnings, is_complete, comment, row_version, submitted_by_id,
            submitted_by_name,
            submitted_at, listed, snapshot_gone, release_id)
        SELECT n, 1 + n % {size.units}, 1 + n / {size.units},
            'team_' || (1 + n % {size.units}) % {READABLE_EVERY} || '/dag_' || (1 + n % {size.units})
                || '.py',
            CASE WHEN n > {versions - size.units} THEN 'released' ELSE 'superseded' END,
            CASE WHEN n <= {size.units} THEN 'new' ELSE 'modified' END,
            json_build_array('dag_' || (1 + n % {size.units})), {_DIGEST}, {_COMMIT}, '[]', '[]', '[]', true,
            '', 1, 'user_' || n % 97, 'user_' || n % 97, {DAY_ZERO} + n * interval '4 minutes', true, false,
            1 + (n - 1) / {size.versions_of_each}
        FROM generate_series(1, {versions}) n
        """,
        f"""
        INSERT INTO release_item (id, release_id, submission_id, unit_id, position)
        SELECT n, 1 + (n - 1) / {size.versions_of_each}, n, 1 + n % {size.units},
            (n - 1) % {size.versions_of_each}
        FROM generate_series(1, {versions}) n
        """,
    ]


def _decisions_and_events(size: Size) -> list[str]:
    return [
        f"""
        INSERT INTO release_approval (id, subject_type, subject_id, state, change_digest, requirement, flow,
            glass_broken, opened_at, expires_at, closed_at, row_version)
        SELECT n, 'release', n, 'approved', {_DIGEST}, '{{}}', '{{}}', false,
            {DAY_ZERO} + n * interval '13 minutes', {DAY_ZERO} + n * interval '13 minutes' + interval '1 day',
            {DAY_ZERO} + n * interval '13 minutes', 1
        FROM generate_series(1, {size.releases}) n
        """,
        f"""
        INSERT INTO release_event (sequence, time, tag, actor_id, actor_name, subject, data, prev_hash, hash)
        SELECT n, {DAY_ZERO} + n * interval '78 seconds', 'release:state:change', 'user_1', 'user_1',
            'release:' || (1 + (n - 1) / {size.events_of_each}), '{{}}', {_DIGEST}, {_DIGEST}
        FROM generate_series(1, {size.releases * size.events_of_each}) n
        """,
    ]


_RELEASED = f"({DAY_ZERO} + n * interval '13 minutes' + interval '2 hours')"
_DAY = "extract(epoch from {0})::bigint / 86400"
_BITS = "length(ltrim(({0})::bit(32)::text, '0')) - 6"
# SQL twin of class_of(), of whole minutes.
_CLASS = f"""(CASE WHEN {{0}} < 64 THEN {{0}}
    ELSE 64 + ({_BITS} - 1) * 32 + (({{0}}) >> ({_BITS})) - 32 END)"""
_MONTH = "extract(year from {0})::int * 12 + extract(month from {0})::int - 1"


def _insights(size: Size) -> list[str]:
    """One release in twenty failed, one in fifty broke the glass; leads of up to ten days."""
    versions = size.releases * size.versions_of_each
    of_version = _RELEASED.replace("n *", f"(1 + (n - 1) / {size.versions_of_each}) *")
    return [
        f"""
        INSERT INTO release_deployment (release_id, flow, glass_broken, day, failed_at, restored_at)
        SELECT n, (ARRAY['default','bank','hot fixes'])[1 + n % 3], n % 50 = 0, {_DAY.format(_RELEASED)},
            CASE WHEN n % 20 = 7 THEN {_RELEASED} + interval '5 minutes' END,
            CASE WHEN n % 20 = 7 AND n % 40 <> 7 THEN {_RELEASED} + (5 + n % 400) * interval '1 minute' END
        FROM generate_series(1, {size.releases}) n
        """,
        f"""
        INSERT INTO release_deployed_version (release_id, unit_id, deployed_at, day, month, lead_seconds,
            lead_class)
        SELECT 1 + (n - 1) / {size.versions_of_each}, 1 + n % {size.units}, {of_version},
            {_DAY.format(of_version)}, {_MONTH.format(f"({of_version} AT TIME ZONE 'UTC')")},
            60 + (n * 7919::bigint) % 864000, {_CLASS.format("(60 + (n * 7919::bigint) % 864000) / 60")}
        FROM generate_series(1, {versions}) n
        """,
        f"""
        INSERT INTO release_unit_label (unit_id, kind, name)
        SELECT n, 'dag', 'dag_' || n FROM generate_series(1, {size.units}) n
        UNION ALL SELECT n, 'owner', 'team_' || n % {READABLE_EVERY} FROM generate_series(1, {size.units}) n
        UNION ALL SELECT n, 'tag', 'tag_' || n % 12 FROM generate_series(1, {size.units}) n
        """,
        f"""
        INSERT INTO release_wait (id, approval_id, release_id, step, step_name, flow, person_id, person_name,
            completes, seconds, day, duration_class)
        SELECT n, n, n, 0, (ARRAY['Owner','Second pair of eyes'])[1 + n % 2],
            (ARRAY['default','bank','hot fixes'])[1 + n % 3], 'user_' || n % 30, 'user_' || n % 30, true,
            30 + (n * 6151::bigint) % 172800, {_DAY.format(_RELEASED)},
            {_CLASS.format("(30 + (n * 6151::bigint) % 172800) / 60")}
        FROM generate_series(1, {size.releases}) n
        """,
    ]


def _sum_up(connection: Connection) -> None:
    """Write the sums of months, as they come to be while things are released."""
    from airflow_release_plugin.domain.insights.durations import DurationKind
    from airflow_release_plugin.domain.insights.histogram import with_one
    from airflow_release_plugin.models import DurationCount

    month = _MONTH.format("(to_timestamp(day * 86400::bigint) AT TIME ZONE 'UTC')")
    rows = connection.execute(
        text(f"""
        SELECT 'LEAD', month, flow, '', '', lead_class, count(*) FROM release_deployed_version
            JOIN release_deployment USING (release_id) GROUP BY 1, 2, 3, 6
        UNION ALL SELECT 'STEP', {month}, flow, step_name, '', duration_class, count(*)
            FROM release_wait WHERE completes GROUP BY 1, 2, 3, 4, 6
        UNION ALL SELECT 'PERSON', {month}, flow, person_id, person_name, duration_class, count(*)
            FROM release_wait GROUP BY 1, 2, 3, 4, 5, 6
        """)
    )
    sums: dict[tuple[Any, ...], bytes] = defaultdict(bytes)
    for *key, number, count in rows:
        sums[tuple(key)] = with_one(sums[tuple(key)], number, count)
    connection.execute(
        insert(DurationCount),
        [
            {
                "kind": DurationKind[kind],
                "month": month,
                "flow": flow,
                "name": name,
                "person_name": person,
                "counts": counts,
            }
            for (kind, month, flow, name, person), counts in sums.items()
        ],
    )


def _note_words(connection: Connection) -> None:
    """Let it all be found by the words of its names, as what is submitted and released is."""
    from airflow_release_plugin.domain.text.grams import word_key, words_of
    from airflow_release_plugin.models import SearchWord, TitleWord, UnitWord, WordGram
    from airflow_release_plugin.repositories.search_words import gram_rows

    words: dict[int, str] = {}

    def add(table: Any, owner: str, rows: Iterable[tuple[int, Iterable[str]]]) -> None:
        uses = []
        for owner_id, names in rows:
            keys = {word_key(word): word for word in words_of(names)}
            words.update(keys)
            uses += [{owner: owner_id, "word_id": key} for key in keys]
        connection.execute(insert(table), uses)

    releases = connection.execute(text("SELECT id, title FROM release"))
    add(TitleWord, "release_id", ((row[0], [row[1]]) for row in releases))
    units = connection.execute(text("SELECT id, name, path, dag_ids FROM release_unit"))
    add(UnitWord, "unit_id", ((row[0], [row[1], row[2], *row[3]]) for row in units))
    connection.execute(insert(SearchWord), [{"id": key, "word": word} for key, word in words.items()])
    connection.execute(insert(WordGram), [row for word in words.values() for row in gram_rows(word)])


def _count_on(connection: Connection) -> None:
    """Let ids that the database gives come behind those that are there, and the trail go on."""
    for table in ("release", "release_unit", "release_submission", "release_item", "release_approval"):
        latest = f"(SELECT max(id) FROM {table})"
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {latest})"))
    connection.execute(
        text(
            "INSERT INTO release_event_head (id, sequence, hash) "
            "SELECT 1, sequence, hash FROM release_event ORDER BY sequence DESC LIMIT 1"
        )
    )
