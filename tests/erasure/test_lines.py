"""A line of the journal is read as it was written, by the vault that wrote it, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from databunker.crypto import store
from databunker.crypto.keyring import Key, Keyring, Purpose, new_keys
from databunker.erasure import entries
from databunker.erasure.entries import Entry
from databunker.erasure.errors import JournalError

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
NUMBERS = st.integers(min_value=0, max_value=(1 << 63) - 1)
QUICK = effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    keyring = Keyring(new_keys())
    monkeypatch.setattr(store, "current_keyring", lambda: keyring)
    return keyring


def some_entry(**changes: Any) -> Entry:
    values = {"sequence": 3, "tenant": 1, "at": 1_800_000_000, "subject": bytes(range(16)), "generation": 2}
    return entries.sealed(**(values | {"previous": bytes(32)} | changes))


@QUICK
@given(NUMBERS, NUMBERS, NUMBERS, st.binary(min_size=16, max_size=16), NUMBERS, st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(
    sequence: int, tenant: int, at: int, subject: bytes, generation: int, previous: bytes
) -> None:
    entry = entries.sealed(
        sequence=sequence, tenant=tenant, at=at, subject=subject, generation=generation, previous=previous
    )
    assert list(entries.read_lines([entries.header_line(), entries.as_line(entry), b"\n"])) == [entry]


@QUICK
@given(st.data())
def test_a_changed_line_is_refused_or_says_the_same(data: st.DataObject) -> None:
    line = bytearray(entries.as_line(some_entry()))
    at = data.draw(st.integers(min_value=0, max_value=len(line) - 2))
    line[at] = data.draw(st.integers(min_value=0, max_value=255))
    try:
        read = entries.parse_line(bytes(line), number=2)
    except JournalError:
        return
    assert read in (some_entry(), None)
    assert read is not None or not bytes(line).strip()


@QUICK
@given(st.binary(max_size=300))
def test_anything_else_is_refused(text: bytes) -> None:
    if not text.strip():
        return
    with pytest.raises(JournalError):
        entries.parse_line(text, number=1)


@pytest.mark.parametrize("field", [name for name in Entry._fields if name != "mac"])
def test_every_value_is_under_the_mac(field: str) -> None:
    entry = some_entry()
    value = getattr(entry, field)
    changed = entry._replace(**{field: bytes(len(value)) + b"x" if isinstance(value, bytes) else value + 1})
    with pytest.raises(JournalError, match="not as this vault wrote it"):
        entries.parse_line(entries.as_line(changed), number=7)


@pytest.mark.parametrize("changes", [{"sequence": -1}, {"at": 1.5}, {"tenant": True}, {"subject": "xy"}, {"mac": None}])
def test_values_of_another_kind_are_refused(changes: dict[str, Any]) -> None:
    fields = json.loads(entries.as_line(some_entry())) | changes
    with pytest.raises(JournalError, match="line 2 of the journal can't be read"):
        entries.parse_line(json.dumps(fields).encode(), number=2)


def test_a_line_of_another_vault_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    header, line = entries.header_line(), entries.as_line(some_entry())
    other = Keyring(new_keys())
    monkeypatch.setattr(store, "current_keyring", lambda: other)
    with pytest.raises(JournalError, match="another vault's"):
        entries.parse_line(header, number=1)
    with pytest.raises(JournalError, match="line 5 .* not as this vault wrote it"):
        entries.parse_line(line, number=5)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"format":"something else","version":1}\n', "this is not an erasure journal"),
        (b'{"format":"databunker erasure journal","version":2}\n', "a newer release"),
        (b"[]\n", "this is not an erasure journal"),
        (b"x" * 5000, "this is not an erasure journal"),
    ],
)
def test_what_is_no_journal_is_told(line: bytes, told: str) -> None:
    with pytest.raises(JournalError, match=told):
        list(entries.read_lines([line]))


def _vector_cases(kind: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / "erasure_journal_v1.json").read_text())[kind]


def _with_key(monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]) -> None:
    secret = bytes.fromhex(case["reference_key"])
    keys = [Key(key.id, key.purpose, secret if key.purpose is Purpose.REFERENCE else key.secret) for key in new_keys()]
    keyring = Keyring(keys)
    monkeypatch.setattr(store, "current_keyring", lambda: keyring)


@pytest.mark.parametrize("case", _vector_cases("positive"), ids=lambda case: case["name"])
def test_vectors(monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]) -> None:
    _with_key(monkeypatch, case)
    text = case["journal"].encode()
    read = list(entries.read_lines(text.splitlines(keepends=True)))
    assert [entry.sequence for entry in read] == case["sequences"]
    assert b"".join([entries.header_line(), *map(entries.as_line, read)]) == text


@pytest.mark.parametrize("case", _vector_cases("negative"), ids=lambda case: case["name"])
def test_vectors_that_are_refused(monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]) -> None:
    _with_key(monkeypatch, case)
    with pytest.raises(JournalError) as refused:
        list(entries.read_lines(case["journal"].encode().splitlines(keepends=True)))
    assert case["message"] in refused.value.message
