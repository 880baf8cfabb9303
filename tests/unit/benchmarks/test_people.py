"""Test people: repeatable, unique where identities must be, and as various as real ones."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import orjson
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import people as module
from benchmarks.people import MAX_PEOPLE, SHAPES, main, people, write_csv, write_jsonl
from benchmarks.shapes import SIZES, columns
from vault import identities

COUNT = 400
IDENTITIES = ("login", "email", "phone", "custom")


def some(shape: str, count: int = COUNT, **options: int) -> list[dict[str, Any]]:
    return list(people(count, **{"seed": 1, **options}, shape=shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_seed_gives_the_same_people(shape: str) -> None:
    assert some(shape) == some(shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_another_seed_gives_other_people(shape: str) -> None:
    assert some(shape, 20) != some(shape, 20, seed=2)


@settings(max_examples=15)
@given(st.sampled_from(sorted(SHAPES)), st.integers(0, 10**6), st.integers(0, 30), st.integers(0, 30))
def test_any_part_of_a_run_can_be_made_by_itself(shape: str, start: int, before: int, count: int) -> None:
    whole = some(shape, before + count, start=start)
    assert whole[before:] == some(shape, count, start=start + before)


@pytest.mark.parametrize("shape", SHAPES)
def test_identities_are_unique_as_the_vault_sees_them(shape: str) -> None:
    rows = [*some(shape, 1500), *some(shape, 200, start=MAX_PEOPLE - 200)]
    for name in IDENTITIES:
        field = identities.configured()[name]
        spellings = [identities.normalised(field, row[name]) for row in rows if name in row]
        assert len(spellings) == len(set(spellings))


def test_logins_and_emails_are_unique_across_seeds_too() -> None:
    rows = [*some("small", 500), *some("small", 500, seed=2)]
    for name in ("login", "email"):
        assert len({row[name] for row in rows}) == len(rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_everybody_can_be_found_and_every_identity_is_acceptable(shape: str) -> None:
    for row in some(shape):
        assert identities.extract(row)
        if "phone" in row:
            assert phonenumbers.is_possible_number(phonenumbers.parse(row["phone"]))


@pytest.mark.parametrize("shape", SHAPES)
def test_people_go_through_json_unchanged(shape: str) -> None:
    for row in some(shape, 50):
        assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize(("shape", "fields"), [("small", 13), ("wide", 40)])
def test_shapes_of_one_size_have_it(shape: str, fields: int) -> None:
    for row in some(shape):
        assert len(row) == fields
        assert abs(len(orjson.dumps(row)) - SIZES[shape]) < 100


def test_mixed_people_are_as_various_as_real_ones() -> None:
    rows = some("mixed", 1500)
    for name in IDENTITIES:
        share = sum(name in row for row in rows) / len(rows)
        assert 0.03 < share < 0.97, name
    assert len({frozenset(row) for row in rows}) > 200
    assert any(not json.dumps(row, ensure_ascii=False).isascii() for row in rows)
    assert any(isinstance(row.get("address"), dict) for row in rows)
    assert any(value is None for row in rows for value in row.values())
    assert any(row.get("email", "") != row.get("email", "").lower() for row in rows)
    assert {len(row) for row in rows} >= set(range(5, 13))


@pytest.mark.parametrize("shape", SHAPES)
def test_columns_are_every_field_that_comes_up(shape: str) -> None:
    found = {name for row in some(shape, 1500) for name in row}
    assert found == set(columns(shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_jsonl_is_one_object_a_line(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 7)
    out = io.BytesIO()
    write_jsonl(iter(some(shape, 20)), out)
    assert out.getvalue().endswith(b"\n")
    assert [json.loads(line) for line in out.getvalue().splitlines()] == some(shape, 20)


@pytest.mark.parametrize("shape", SHAPES)
def test_csv_holds_the_same_people(shape: str) -> None:
    out = io.BytesIO()
    rows = some(shape, 60)
    write_csv(iter(rows), out, columns(shape))
    read = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))
    assert len(read) == len(rows)
    for cells, row in zip(read, rows, strict=True):
        assert tuple(cells) == columns(shape)
        for name, cell in cells.items():
            value = row.get(name)
            assert cell == ("" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode())


@pytest.mark.parametrize(
    "options",
    [
        {"count": -1}, {"count": 1, "start": -1}, {"count": 1, "seed": -1}, {"count": MAX_PEOPLE + 1},
        {"count": 1, "start": MAX_PEOPLE}, {"count": 1, "shape": "nope"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unknown shape|must not be negative"):
        people(**{"seed": 1, "shape": "small", **options})


def test_no_people_are_no_people() -> None:
    assert some("small", 0) == []
    assert some("small", 0, start=MAX_PEOPLE) == []


def test_the_program_writes_people(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["--count", "3", "--shape", "small", "--start", "5"]) == 0
    written = capsysbinary.readouterr().out
    assert [json.loads(line) for line in written.splitlines()] == some("small", 3, start=5)


def test_the_program_writes_csv(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["--count", "3", "--format", "csv"]) == 0
    header, *rows = csv.reader(io.StringIO(capsysbinary.readouterr().out.decode(), newline=""))
    assert tuple(header) == columns("mixed")
    assert len(rows) == 3


def test_the_program_says_why_options_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "-1"]) == 2
    assert "must not be negative" in capsys.readouterr().err
