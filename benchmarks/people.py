"""Realistic test people: several locales, unicode, nested objects, missing fields; seeded and so repeatable.

    python benchmarks/people.py --count 1000 --seed 1 --shape mixed > people.jsonl

Person number `index` depends on the seed, the shape and the index alone, so any part of a long run can be made
by itself with `--start`. Logins and e-mails carry a code made from the index and the seed and are unique across
seeds too; phones are unique within one seed. Nothing is remembered, so a million people need no memory.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

if not __package__:  # run as a script: import the package from the checkout, not from this folder
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.shapes import MAX_PEOPLE, SHAPES, Dice, basis, columns

__all__ = ["MAX_PEOPLE", "SHAPES", "main", "people", "write_csv", "write_jsonl"]

CHUNK = 1_000


def people(count: int, *, seed: int, shape: str, start: int = 0) -> Iterator[dict[str, Any]]:
    """Yield `count` people from number `start` on; every one has a login, an e-mail or a phone.

    Raises ValueError for an unknown shape, a negative number, or an index the unique codes don't reach.
    """
    if shape not in SHAPES:
        raise ValueError(f"unknown shape {shape!r}; choose one of {', '.join(SHAPES)}")
    if min(count, seed, start) < 0 or start + count > MAX_PEOPLE:
        raise ValueError(f"count, seed and start must not be negative, nor start + count above {MAX_PEOPLE:,}")
    return _people(range(start, start + count), seed, shape)


def _people(indexes: range, seed: int, shape: str) -> Iterator[dict[str, Any]]:
    make, dice = SHAPES[shape], Dice()
    for index in indexes:
        dice.seed(seed * MAX_PEOPLE + index)
        yield make(dice, basis(dice, index, seed))


def write_jsonl(rows: Iterator[dict[str, Any]], out: BinaryIO) -> None:
    """Write one compact JSON object a line, UTF-8."""
    while chunk := list(islice(rows, CHUNK)):
        out.write(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in chunk))


def write_csv(rows: Iterator[dict[str, Any]], out: BinaryIO, header: tuple[str, ...]) -> None:
    """Write a header and one row a person: nested values as JSON text, a missing field as an empty cell."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(row.get(column)) for column in header] for row in rows)
    text.flush()
    text.detach()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make realistic test people.")
    parser.add_argument("--count", type=int, default=1_000, help="how many people (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same people (default 1)")
    parser.add_argument("--start", type=int, default=0, help="number of the first person (default 0)")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="mixed", help="default mixed")
    parser.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="default jsonl")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Write people to standard output as the options say; 2 with a message where they make no sense."""
    options = _arguments(arguments)
    try:
        rows = people(options.count, seed=options.seed, shape=options.shape, start=options.start)
    except ValueError as error:
        print(f"people.py: {error}", file=sys.stderr)
        return 2
    try:
        if options.format == "csv":
            write_csv(rows, sys.stdout.buffer, columns(options.shape))
        else:
            write_jsonl(rows, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader, say `head`, has had enough
        sys.stderr.close()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
