"""Figures reach the page and the plot as they are, and a missed target or an error is never hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import report
from benchmarks.plot import Chart, Series, axis_top, draw
from benchmarks.results import Load, Memory, Results, Work

WORK = Work(
    work="get_token", people=10_000, connections=16, rate=2_600, p50_ms=6.04, p99_ms=14.5, requests=62_400, errors=0,
    repetitions=3, slowest_rate=2_500, fastest_rate=2_630, empty_rate=6_500, sql_rate=5_200,
)  # fmt: skip
SAMPLE = Load(
    people_before=10_000, records=50_000, seconds=8, megabytes=81, sample=True, empty_rate=6_500, sql_rate=12_500
)


def results(*works: Work, loads: tuple[Load, ...] = (), problems: tuple[str, ...] = ()) -> Results:
    return Results(
        taken="2030-01-02 03:04 UTC",
        options="python -m benchmarks.run",
        machine=[("Processor", "2 cores")],
        database=[("fsync", "on")],
        commands=[("the server", "python -m gunicorn")],
        works=list(works),
        loads=list(loads),
        memory=[Memory(10_000, 3, 76, 126, 55)],
        profiles={"get_token": [("JSON", 0.1), ("own code: vault", 0.9)]},
        problems=list(problems),
    )


def row(text: str, start: str) -> list[str]:
    """The cells of the one table row that begins with `start`."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {start} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_figure_stands_beside_its_yardsticks_and_its_target():
    assert row(report.markdown(results(WORK), "p.svg"), "16") == [
        "16", "2,600", "6.0", "14.5", "0", "6,500", "0.40", "5,200", "0.50",
        "2,500/s; p99 under 25 ms; 0.37 of the empty view", "yes",
    ]  # fmt: skip


def test_each_missed_target_is_named():
    slow = replace(WORK, rate=2_000, p99_ms=31)
    assert row(report.markdown(results(slow), "p.svg"), "16")[-1] == "no: 2,000/s, 31.0 ms, 0.31"


@pytest.mark.parametrize(
    ("changed", "met"),
    [
        ({}, [True, True, True]),
        ({"rate": 2_499.9}, [False, True, True]),
        ({"p99_ms": 25.0}, [True, False, True]),
        ({"empty_rate": 7_100.0}, [True, True, False]),
        ({"empty_rate": None}, [True, True]),
    ],
)
def test_targets(changed: dict[str, float | None], met: list[bool]):
    assert [goal.met for goal in replace(WORK, **changed).goals()] == met


def test_what_has_no_target_has_no_verdict():
    assert replace(WORK, work="update", connections=8).goals() == []


def test_a_yardstick_that_failed_leaves_a_dash_not_a_zero():
    cells = row(report.markdown(results(replace(WORK, sql_rate=None)), "p.svg"), "16")
    assert cells[7:9] == ["–", "–"]


def test_problems_come_before_the_figures():
    text = report.markdown(results(WORK, problems=("get_token at 64: 3 timeout",)), "p.svg")
    assert text.index("- get_token at 64: 3 timeout") < text.index("## Targets")
    assert "Not everything went well" not in report.markdown(results(WORK), "p.svg")


def test_growth_compares_with_the_smallest_vault():
    grown = replace(WORK, people=1_000_000, rate=2_080)
    text = report.markdown(results(WORK, grown), "p.svg")
    rows = [line for line in text.splitlines() if line.startswith("| GET by token | 1")]
    assert [line.rsplit("|", 2)[1].strip() for line in rows] == ["100%", "80%"]
    assert "## Growth" not in report.markdown(results(WORK), "p.svg")


def test_a_load_is_measured_against_its_own_smallest_sample():
    grown = replace(SAMPLE, people_before=1_000_000, seconds=10.5)
    fill = replace(SAMPLE, people_before=60_000, records=940_000, sample=False)
    text = report.markdown(results(WORK, loads=(SAMPLE, fill, grown)), "p.svg").split("## Memory")[0]
    assert row(text, "10,000")[3:5] == ["6,250", "81"]
    assert row(text, "10,000")[-1] == "yes"
    assert row(text, "1,000,000")[-1] == "no: 4,762/s, 76%"
    assert row(text, "60,000")[-2:] == ["–", "–"]


def test_what_somebody_wrote_around_the_figures_stays():
    page = report.merged("# Speed\n\nWhy.\n", "first\n")
    page = report.merged(page + "\nWhat was tried.\n", "second\n")
    assert page.startswith("# Speed\n\nWhy.\n")
    assert page.endswith("\nWhat was tried.\n")
    assert "second\n" in page
    assert "first\n" not in page
    assert page.count(report.BEGIN) == page.count(report.END) == 1


def test_page_and_plot_are_written_side_by_side(tmp_path: Path):
    report.write(results(WORK), tmp_path / "performance.md")
    assert "](performance.svg)" in (tmp_path / "performance.md").read_text()
    assert (tmp_path / "performance.svg").read_text().startswith("<svg ")


def test_results_come_back_from_their_file_as_they_were(tmp_path: Path):
    kept = results(WORK, loads=(SAMPLE,), problems=("one",))
    kept.save(tmp_path / "kept.json")
    assert Results.read(tmp_path / "kept.json") == kept


def test_the_latest_command_of_a_kind_is_kept_in_its_place(capsys: pytest.CaptureFixture[str]):
    found = results()
    found.note_command("bulk load", "first")
    found.note_command("the server", "other")
    found.note_command("bulk load", "second")
    assert found.commands == [("the server", "other"), ("bulk load", "second")]
    assert capsys.readouterr().out == "  # bulk load\n  $ first\n"


@pytest.mark.parametrize(("largest", "top"), [(0, 5), (4.2, 5), (2_600, 3_000), (2_500, 2_500), (6_250, 7_500)])
def test_axes_end_at_round_numbers(largest: float, top: float):
    assert axis_top(largest) == top


def test_the_plot_is_well_formed_and_says_in_words_what_it_shows():
    chart = Chart("Speed & more", "connections", [Series("GET <token>", [(1, 900), (16, 2_600)], [(16, 2_500)])])
    root = ET.fromstring(draw("Speed", [chart, Chart("empty", "x", [Series("none", [])])]))
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("viewBox") == "0 0 760 300"
    assert root.findtext(f"{space}desc") == "Speed & more: GET <token> 900 at 1, 2,600 at 16"
    assert len(root.findall(f"{space}polyline")) == 1
    assert len(root.findall(f"{space}circle")) == 3


def test_higher_figures_are_drawn_higher_and_names_do_not_cover_each_other():
    series = [Series("a", [(1, 100), (8, 200)]), Series("b", [(1, 100), (8, 201)])]
    root = ET.fromstring(draw("Speed", [Chart("t", "x", series)]))
    space = "{http://www.w3.org/2000/svg}"
    low, high = (float(circle.get("cy", "")) for circle in root.findall(f"{space}circle")[:2])
    assert high < low
    names = [float(text.get("y", "")) for text in root.findall(f"{space}text") if (text.text or "")[:2] in ("a ", "b ")]
    assert abs(names[0] - names[1]) >= 15
