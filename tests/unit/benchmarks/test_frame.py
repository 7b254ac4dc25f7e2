"""How rows of ``make bench`` are declared, measured in turn, kept and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.frame.bench import Bench
from benchmarks.frame.files import repository
from benchmarks.frame.plots import DARK, LIGHT, Bar, ratio_plot
from benchmarks.frame.results import forget_others, keep_result, read_results
from benchmarks.frame.rows import Goal, Row, RowGroup, Unit, chosen, quantity
from benchmarks.frame.samples import Sample, timed
from benchmarks.groups import ALL
from scripts.benchmark_page import plots

IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
ROW = Row("a row", Goal(ratio=2, to_floor=3), 100, peer="git", floor="cp")


def group(name: str, *rows: str, runs_airflow: bool = False) -> RowGroup:
    return RowGroup(
        name, name, tuple(Row(row, Goal(), 1) for row in rows), lambda _: None, runs_airflow=runs_airflow
    )


def measured(row: Row = ROW, **seconds: list[float]) -> dict[str, Any]:
    """Figures of a row whose contestants take these seconds of CPU, round by round."""
    kept: dict[str, dict[str, Any]] = {}
    bench = Bench([row.name], lambda row, figures: kept.update({row.name: figures}))
    rounds = {
        name: iter([Sample(cpu=each, wall=2 * each) for each in values]) for name, values in seconds.items()
    }
    bench.alternate(row, **{name: lambda values=values: next(values) for name, values in rounds.items()})
    return kept[row.name]


def test_the_middle_of_all_rounds_but_the_first_counts() -> None:
    found = measured(ours=[99, *[1.0] * 5, *[50.0] * 4], peer=[99, *[4.0] * 9], floor=[99, *[0.5] * 9])

    assert (found["ours"], found["peer"], found["floor"]) == (1, 4, 0.5)
    assert (found["ratio"], found["to_floor"], found["rounds"], found["n"]) == (4, 2, 9, 100)
    assert found["wall"] == {"ours": 2, "peer": 8, "floor": 1}
    assert found["met"]


def test_contestants_take_turns_and_each_is_first_in_its_turn() -> None:
    order: list[str] = []
    bench = Bench([ROW.name], lambda *_: None, rounds=2)

    def contestant(name: str) -> Any:
        return timed(lambda: order.append(name))

    bench.alternate(
        ROW, prepare=lambda: order.append("|"), **{name: contestant(name) for name in ("ours", "peer")}
    )

    assert "".join(each[0] for each in order) == "|op|po|op"


def test_what_is_not_wanted_is_not_measured() -> None:
    Bench([], lambda *_: pytest.fail("nobody asked")).alternate(ROW, ours=lambda: pytest.fail("nor for this"))


def test_a_row_with_one_round_has_no_round_that_does_not_count() -> None:
    row = Row("once", Goal(at_most=2), 1, rounds=1, why_few="it takes minutes")

    assert measured(row, ours=[1.5])["met"]


def test_what_nineteen_of_twenty_stay_below_may_count() -> None:
    row = Row("p95", Goal(), 1, rounds=20, quantile=0.95)

    assert measured(row, ours=[99.0, *map(float, range(1, 21))])["ours"] == 19


def test_few_rounds_need_a_reason() -> None:
    with pytest.raises(ValueError, match="say why"):
        Row("hurried", Goal(), 1, rounds=3)


@pytest.mark.parametrize(
    ("goal", "is_met"),
    [
        (Goal(ratio=4), True),
        (Goal(ratio=4.1), False),
        (Goal(to_floor=2), True),
        (Goal(to_floor=1.9), False),
        (Goal(over_floor=0.5), True),
        (Goal(over_floor=0.4), False),
        (Goal(at_most=1), True),
        (Goal(at_most=0.9), False),
        (Goal(ratio=4, at_most=0.9), False),
    ],
)
def test_a_goal_is_met_when_all_that_it_asks_is(goal: Goal, is_met: bool) -> None:
    contest = {"ours": 1.0, "peer": 4.0, "floor": 0.5, "ratio": 4.0, "to_floor": 2.0}

    assert goal.is_met(contest) is is_met


def test_a_goal_against_what_was_not_measured_is_missed() -> None:
    assert not Goal(ratio=1).is_met({"ours": 1.0, "ratio": None})
    assert not Goal(over_floor=1).is_met({"ours": 1.0, "floor": None})


def test_parts_are_chosen_by_group_by_row_and_as_what_is_quick() -> None:
    groups = [group("gates", "ten", "many"), group("whole", "served", runs_airflow=True)]

    assert chosen(groups, []) == {"gates": ["ten", "many"], "whole": ["served"]}
    assert chosen(groups, ["quick"]) == {"gates": ["ten", "many"]}
    assert chosen(groups, ["many", "whole"]) == {"gates": ["many"], "whole": ["served"]}
    with pytest.raises(LookupError, match=r"called gate\. Groups: quick, gates, whole"):
        chosen(groups, ["gate", "whole"])


def test_figures_of_other_rows_stay_and_those_of_rows_that_went_do_not(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    for name in ("old", "kept"):
        keep_result(name, {"ours": 1}, path)
    keep_result("new", {"ours": 2}, path)
    forget_others({"kept", "new"}, path)

    assert list(read_results(path)) == ["machine", "kept", "new"]
    assert "airflow" in json.loads(path.read_text())["machine"]


def test_a_larger_repository_has_more_of_the_same_files() -> None:
    small, large = repository(1_000), repository(2_000)

    assert (len(small), len(large)) == (1_000, 2_000)
    assert small == repository(1_000)
    assert small.items() <= large.items()


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0000019, Unit.CPU, "1.9 µs"),
        (0.01234, Unit.WALL, "12.3 ms"),
        (12.34, Unit.WALL, "12.3 s"),
        (352_300, Unit.SIZE, "352 kB"),
        (999.96e6, Unit.SIZE, "1,000 MB"),
    ],
)
def test_figures_have_three_digits(value: float, unit: Unit, words: str) -> None:
    assert quantity(value, unit) == words


def test_rows_have_names_of_their_own_and_groups_have_rows() -> None:
    names = [row.name for group in ALL for row in group.rows]

    assert len(set(names)) == len(names)
    assert not {group.name for group in ALL} & {"quick", *names}
    assert [name for name in names if "," in name] == []
    assert all(group.rows for group in ALL)


def test_a_picture_has_a_bar_a_number_and_a_mark_for_each_row() -> None:
    bars = [Bar("fast", 120, 50, is_met=True), Bar("slow & dear", 0.5, None, is_met=False)]

    picture = ratio_plot("Ratios", bars, LIGHT)

    assert all(words in picture for words in ("120 ×", "0.5 ×", "slow &amp; dear", LIGHT.met, LIGHT.missed))
    assert picture.count("<rect") == 3
    assert ratio_plot("Ratios", bars, DARK) != picture


def test_pictures_show_what_was_measured() -> None:
    drawn = plots()

    assert {path.name: path.read_text() for path in IMAGES.glob("bench-*.svg")} == drawn, "run make docs"
