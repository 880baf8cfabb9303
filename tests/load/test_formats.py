"""From bytes to records: every line is told from its neighbours, of bounded size, and never lost in silence."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest

from benchmarks.people import people, write_csv, write_jsonl
from benchmarks.shapes import columns
from databunker.errors import BadRequest
from vault.loading.errors import LoadRefused
from vault.loading.formats import FORMATS
from vault.loading.lines import LineReader

LIMIT = 100


def read(content: bytes, format_name: str, *, limit: int = LIMIT) -> list[tuple[int, Any]]:
    """Line and record of each; of a bad one the reason."""
    lines = LineReader(io.BytesIO(content), limit=limit)
    chosen = FORMATS[format_name](lines, limit=limit)
    found = []
    for entry in chosen.entries():
        candidate = chosen.candidate(entry)
        found.append((entry.line, candidate.message if isinstance(candidate, BadRequest) else candidate))
    assert lines.bytes_read == len(content)
    return found


def raws(content: bytes, format_name: str) -> list[bytes | None]:
    chosen = FORMATS[format_name](LineReader(io.BytesIO(content), limit=LIMIT), limit=LIMIT)
    return [entry.raw for entry in chosen.entries()]


@pytest.mark.parametrize(
    "content",
    [
        b'{"a":1}\n{"a":2}\n',
        b'{"a":1}\n{"a":2}',
        b'{"a":1}\r\n{"a":2}\r\n',
        b'\xef\xbb\xbf{"a":1}\n{"a":2}\n',
        b'  {"a":1}\t\n{"a": 2 }\n',
    ],
    ids=["newlines", "no final newline", "CRLF", "byte order mark", "spaces"],
)
def test_json_lines_however_they_end(content: bytes) -> None:
    assert read(content, "jsonl") == [(1, {"a": 1}), (2, {"a": 2})]


def test_blank_lines_are_no_records_but_count_as_lines() -> None:
    assert read(b'\n{"a":1}\n \t\r\n\n{"a":2}\n\n', "jsonl") == [(2, {"a": 1}), (5, {"a": 2})]
    assert read(b"a\n\n1\n\r\n2\n", "csv") == [(3, {"a": "1"}), (5, {"a": "2"})]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "bad JSON at byte 1"),
        (b"hello", "bad JSON at byte 0"),
        (b'{"a":1}{"a":2}', "bad JSON at byte 7"),
        (b'{"a":NaN}', "bad JSON at byte 5"),
        (b'{"a":"\\ud800"}', "bad JSON at byte 6"),
        (b'{"a":"\xff"}', "bad JSON at byte 0"),
        (b'{"a":1,"a":2}', "JSON has a duplicate key"),
        (b"[1]", "record must be a JSON object"),
        (b'"text"', "record must be a JSON object"),
        (b"null", "record must be a JSON object"),
        (b"7", "record must be a JSON object"),
        (b'{"a":"' + b"x" * LIMIT + b'"}', "record is larger than MAX_BODY_BYTES"),
    ],
)
def test_a_bad_json_line_is_refused_alone(line: bytes, reason: str) -> None:
    found = read(b'{"n":1}\n' + line + b'\n{"n":3}\n', "jsonl")
    assert [found[0], found[2]] == [(1, {"n": 1}), (3, {"n": 3})]
    assert found[1][0] == 2
    assert found[1][1].split(" at byte")[0] == reason.split(" at byte", maxsplit=1)[0]


def test_nesting_is_limited() -> None:
    deep = b'{"a":' * 65 + b"1" + b"}" * 65
    assert read(deep, "jsonl", limit=1000) == [(1, "JSON is nested deeper than 64")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 2, LIMIT + 3, 3 * LIMIT])
def test_the_limit_is_exact_however_the_line_ends(size: int, end: bytes) -> None:
    line = b'{"a":"' + b"x" * (size - 8) + b'"}'
    (first,) = read(line + end, "jsonl")
    assert isinstance(first[1], dict) == (size <= LIMIT)


class Counting(io.BytesIO):
    """Remembers how much was ever asked for at once."""

    most = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.most = max(self.most, len(line))
        return line


@pytest.mark.parametrize("format_name", ["jsonl", "csv"])
def test_a_huge_line_is_never_in_memory_as_a_whole(format_name: str) -> None:
    content = b'{"n":1}\n' + b"x" * 5_000_000 + b'\n{"n":3}\n'
    stream = Counting(content)
    chosen = FORMATS[format_name](LineReader(stream, limit=1000), limit=1000)
    found = list(chosen.entries())
    assert [(entry.line, entry.raw) for entry in found][-2:] == [(2, None), (3, b'{"n":3}')]
    assert stream.most <= 1 << 16


def test_utf_16_is_refused_with_what_to_do() -> None:
    for encoding in ("utf-16", "utf-16-be"):
        content = ("" if encoding == "utf-16" else "\ufeff") + '{"a":1}\n'
        for format_name in FORMATS:
            with pytest.raises(LoadRefused, match="UTF-16"):
                read(content.encode(encoding), format_name)


def test_csv_cells() -> None:
    content = (
        "login,name,nested,list,looks,empty\r\n"
        'ann,"Ann ""A"", of\nLeeds","{""city"":""Köln""}","[1,2.50]","{not json}",\r\n'
        "bob,007,[],{},[x,\r\n"
    ).encode()
    (ann, bob) = read(content, "csv")
    assert ann == (
        2,
        {
            "login": "ann",
            "name": 'Ann "A", of\nLeeds',
            "nested": {"city": "Köln"},
            "list": [1, ann[1]["list"][1]],
            "looks": "{not json}",
        },
    )
    assert str(ann[1]["list"][1]) == "2.50"
    assert bob == (4, {"login": "bob", "name": "007", "nested": [], "list": {}, "looks": "[x"})


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_however_its_lines_end(mark: str, end: str) -> None:
    content = f"{mark}login,name{end or chr(10)}ann,Ann{end}".encode()
    assert read(content, "csv") == [(2, {"login": "ann", "name": "Ann"})]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"x,y,z", "row has more cells than the header"),
        (b"x", "row has fewer cells than the header"),
        (b'"x"y,z', "bad CSV"),
        (b"\xff,x", "bad UTF-8"),
        (b'"\xff\n",x', "bad UTF-8"),
        (b'"' + b"x\n" * LIMIT, "record is larger than MAX_BODY_BYTES"),
        (b"x" * 3 * LIMIT, "record is larger than MAX_BODY_BYTES"),
    ],
)
def test_a_bad_csv_row_is_refused_alone(row: bytes, reason: str) -> None:
    found = read(b"a,b\n1,2\n" + row + b"\n3,4\n", "csv")
    assert found[0] == (2, {"a": "1", "b": "2"})
    assert found[1] == (3, reason)
    assert found[-1][1] == {"a": "3", "b": "4"}


def test_a_quote_that_is_never_closed_loses_nothing_in_silence() -> None:
    content = b'a,b\n1,2\n"open,2\n3,4\n'
    assert read(content, "csv") == [(2, {"a": "1", "b": "2"}), (3, "bad CSV")]
    assert raws(content, "csv")[1] == b'"open,2\n3,4'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header"),
        (b"\n\n", "no header"),
        (b'"open\n', "no header"),
        (b"x" * 2 * LIMIT, "no header"),
        (b"a,,b\n", "column 2 of the CSV has no name"),
        (b"a,b,a\n", "same name"),
        (b"a;b\n1;2\n", "separated by commas"),
        (b"a\tb\n1\t2\n", "separated by commas"),
        (b"a,\xff\n", "not UTF-8"),
    ],
)
def test_an_unusable_header_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(LoadRefused, match=message):
        read(content, "csv")


def test_what_is_kept_of_a_record_is_as_it_stood_there() -> None:
    assert raws(b' {"a": 1}\r\n{bad\n' + b"x" * 2 * LIMIT, "jsonl") == [b'{"a": 1}', b"{bad", None]
    assert raws(b'a,b\r\n"x\r\ny",z\r\n1\n', "csv") == [b'"x\r\ny",z', b"1"]


@pytest.mark.parametrize("shape", ["small", "wide", "mixed"])
def test_generated_people_come_out_of_both_formats(shape: str) -> None:
    made = list(people(50, seed=7, shape=shape))
    lines, table = io.BytesIO(), io.BytesIO()
    write_jsonl(iter(made), lines)
    write_csv(iter(made), table, columns(shape))
    assert [record for _, record in read(lines.getvalue(), "jsonl", limit=1 << 20)] == made
    found = [record for _, record in read(table.getvalue(), "csv", limit=1 << 20)]
    assert found == [
        {name: _as_cell(value) for name, value in person.items() if value not in ("", None)} for person in made
    ]


def _as_cell(value: Any) -> Any:
    return value if isinstance(value, str | dict | list) else orjson.dumps(value).decode()
