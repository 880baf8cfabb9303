"""Captured statements become pgbench scripts that do the same for other people; its figures are read right."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks import pgbench
from benchmarks.capture import NEXT_VERSION, VERSION, Script, Sent, describe, prepared_by
from benchmarks.errors import HarnessError

PRINTED = """pgbench (15.20 (Debian 15.20-0+deb12u1))
transaction type: get_token.sql
scaling factor: 1
query mode: simple
number of clients: 16
number of threads: 2
maximum number of tries: 1
duration: 4 s
number of transactions actually processed: 20640
number of failed transactions: 0 (0.000%)
latency average = 3.101 ms
initial connection time = 21.214 ms
tps = 5160.123456 (without initial connection time)
"""
EVENT = UUID("01932c07-209f-7a3b-8c4d-5e6f708192a3")
REQUEST = UUID("9f1c7d1e-5b54-4d8e-9c11-0d2f4c6a7b88")


def statement(sql: str, *parameters: list[object], atomic: bool = False, begins: bool = False) -> dict[str, object]:
    return {"sql": sql, "parameters": list(parameters), "atomic": atomic, "begins": begins}


def body(script: str) -> list[str]:
    """The lines after the three that draw the numbers."""
    return script.splitlines()[3:]


def test_figures():
    found = pgbench.parse(PRINTED)
    assert (found.rate, found.latency_ms, found.transactions) == (5160.123456, 3.101, 20_640)


def test_failed_transactions_are_refused():
    with pytest.raises(HarnessError, match="17 transactions"):
        pgbench.parse(PRINTED.replace("transactions: 0 (0.000%)", "transactions: 17 (0.082%)"))


@pytest.mark.parametrize("gone", ["tps = ", "latency average = ", "number of transactions actually processed: "])
def test_text_without_its_figures_is_refused(gone: str):
    with pytest.raises(HarnessError, match="no figures"):
        pgbench.parse(PRINTED.replace(gone, ""))


def test_a_read_asks_for_somebody_else_each_time():
    script = pgbench.script(
        [statement("SELECT 1 FROM t WHERE tenant = %s AND subject = %s", ["number", 1], ["known", "subject"])],
        {},
        fresh=False,
    )
    assert r"\set i random(1, :people)" in script
    assert body(script) == ["SELECT 1 FROM t WHERE tenant = 1 AND subject = decode(md5('subject-:i'), 'hex');"]


def test_a_new_person_is_drawn_from_so_many_that_none_comes_twice():
    script = pgbench.script([statement("INSERT INTO t VALUES (%s)", ["known", "email"])], {}, fresh=True)
    assert ":people" not in script
    assert "random(100000000000000000, 999999999999999999)" in script


def test_each_event_of_a_script_has_an_id_of_its_own():
    insert = statement("INSERT INTO e VALUES (%s)", ["event", str(EVENT)])
    first, second = body(pgbench.script([insert, insert], {}, fresh=False))
    assert first != second
    assert ":n-0000-7000-8001-:r" in first


def test_values_are_written_as_the_driver_does():
    values: list[list[object]] = [["null", None], ["text", "it's"], ["bytes", "00ff"], ["uuid", str(REQUEST)]]
    script = pgbench.script([statement("SELECT %s, %s, %s, %s, '100%%'", *values)], {}, fresh=False)
    assert body(script) == [rf"SELECT NULL, 'it''s', '\x00ff'::bytea, '{REQUEST}'::uuid, '100%';"]


def test_statements_that_travel_as_one_message_stay_one():
    script = pgbench.script([statement("INSERT INTO a VALUES (%s);\nDELETE FROM b", ["number", 1])], {}, fresh=False)
    assert "\n".join(body(script)) == "INSERT INTO a VALUES (1)\\;\nDELETE FROM b;"


def test_a_change_takes_the_version_that_it_read():
    script = pgbench.script(
        [
            statement("SELECT version FROM t WHERE subject = %s", ["known", "subject"]),
            statement("UPDATE t SET v = %s WHERE v = %s", ["known", "next_version"], ["known", "version"]),
        ],
        {},
        fresh=False,
    )
    read, update = body(script)
    assert read.endswith(r"\gset r_")
    assert update == "UPDATE t SET v = :r_version + 1 WHERE v = :r_version;"


def test_each_client_prepares_once_what_its_statements_execute():
    heard = [
        Sent("PREPARE one AS SELECT $1", (), atomic=False, begins=False),
        Sent("SELECT 2", (), atomic=False, begins=False),
        Sent("PREPARE other AS SELECT $1", (), atomic=False, begins=False),
    ]
    script = pgbench.script([statement("EXECUTE one (%s)", ["number", 5])], prepared_by(heard), fresh=False)
    assert body(script) == [
        r"\if :ready = 0", "PREPARE one AS SELECT $1;", r"\set ready 1", r"\endif", "EXECUTE one (5);",
    ]  # fmt: skip


def test_statements_of_one_transaction_stand_between_begin_and_commit():
    script = pgbench.script(
        [
            statement("SELECT 1"),
            statement("SELECT 2", atomic=True, begins=True),
            statement("SELECT 3", atomic=True),
            statement("SELECT 4", atomic=True, begins=True),
        ],
        {},
        fresh=False,
    )
    assert body(script) == [
        "SELECT 1;", "BEGIN;", "SELECT 2;", "SELECT 3;", "COMMIT;", "BEGIN;", "SELECT 4;", "COMMIT;",
    ]  # fmt: skip


def test_a_load_is_written_for_psql_transaction_by_transaction():
    out = io.BytesIO()
    script = Script(out)
    for sent in (
        Sent("SELECT 1", (), False, False, b"SELECT 1"),
        Sent("COPY t FROM STDIN", (), True, True, b"COPY t FROM STDIN", "1\ta\n2\tb\n"),
        Sent("UPDATE p SET n = %s", (2,), True, False, b"UPDATE p SET n = 2; "),
        Sent("UPDATE p SET n = %s", (3,), True, True, b"UPDATE p SET n = 3"),
    ):
        script.hear(sent)
    script.close()
    assert out.getvalue().decode().splitlines() == [
        "SELECT 1;", "BEGIN;", "COPY t FROM STDIN;", "1\ta", "2\tb", "\\.", "UPDATE p SET n = 2;", "COMMIT;",
        "BEGIN;", "UPDATE p SET n = 3;", "COMMIT;",
    ]  # fmt: skip
    assert script.statements == 4


@pytest.mark.parametrize(
    ("statements", "message"),
    [([], "no SQL"), ([statement("SELECT %s, %s", ["number", 1])], "1 parameters for a statement with 2")],
)
def test_what_can_not_be_the_same_sql_is_refused(statements: list[dict[str, object]], message: str):
    with pytest.raises(HarnessError, match=message):
        pgbench.script(statements, {}, fresh=False)


def test_runs_on_one_database_count_events_from_different_numbers():
    def start(run_number: int) -> str:
        command = pgbench.command(
            "postgres://x", Path("a.sql"), connections=64, seconds=4, people=10, run_number=run_number
        )
        return next(part for part in command if part.startswith("n="))

    assert start(1) != start(2)
    assert all(len(start(run_number).removeprefix("n=")) == 8 for run_number in (0, 1, 400))


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, ["null", None]),
        (7, ["number", 7]),
        (VERSION, ["known", "version"]),
        (b"\x00\xff", ["bytes", "00ff"]),
        (memoryview(b"who"), ["known", "subject"]),
        ("email", ["text", "email"]),
        (EVENT, ["event", str(EVENT)]),
        (REQUEST, ["uuid", str(REQUEST)]),
    ],
)
def test_parameters_are_described(value: object, described: list[object]):
    assert describe(value, {b"who": "subject", VERSION: "version", NEXT_VERSION: "next_version"}) == described


def test_a_parameter_that_nobody_knows_is_refused():
    with pytest.raises(TypeError, match="float"):
        describe(1.5, {})
