"""Real `manage.py load` processes: killed, interrupted, racing, fed through pipes."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import SECONDS, Vault, rows_of

pytestmark = pytest.mark.slow

PEOPLE = 2_000
TOKEN_LINE = '{"load":"0123456789abcdef","line":10,"token":"00000000-0000-0000-0000-000000000000"}\n'


def wait_for_growth(path: Path, process: subprocess.Popen[bytes], *, beyond: int) -> None:
    """Until the file has more bytes than `beyond`, or the process ended."""
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and (not path.exists() or path.stat().st_size <= beyond):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def with_bad_lines(file: Path) -> list[int]:
    """Make every 50th line a bad one; their numbers."""
    lines = file.read_bytes().splitlines()
    bad = list(range(50, len(lines) + 1, 50))
    for number in bad:
        lines[number - 1] = b'{"bad":'
    file.write_bytes(b"\n".join(lines))
    return bad


def test_killed_at_any_moment_and_resumed_it_loads_each_person_once(own_vault: Vault) -> None:
    file = own_vault.people_file("people.jsonl", PEOPLE)
    bad = with_bad_lines(file)
    lines = enumerate(file.read_bytes().splitlines(), start=1)
    logins = {number: json.loads(line)["login"] for number, line in lines if number not in bad}
    tokens = own_vault.folder / "tokens.jsonl"
    command = ("load", str(file), "--tokens", str(tokens), "--batch", "40")
    dice, kills = random.Random(1), 0
    for _ in range(7):
        process = own_vault.start(*command)
        wait_for_growth(tokens, process, beyond=size_of(tokens))
        time.sleep(dice.random() * 0.15)
        process.kill()
        process.communicate(timeout=SECONDS)
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 3
    code, out, err = own_vault.manage(*command)
    assert code == 0, err
    state = own_vault.state()
    assert sorted(login for login, _ in state["people"]) == sorted(logins.values())
    rows = rows_of(tokens)
    assert [row["line"] for row in rows] == sorted(logins)
    assert {logins[row["line"]]: row["token"] for row in rows} == dict(state["people"])
    rejects = rows_of(Path(f"{file}.rejects.jsonl"))
    assert [row["line"] for row in rejects] == bad
    assert {row["record"] for row in rejects} == {'{"bad":'}
    assert state["events"]["100"] == len(logins)
    assert state["loaded"] == {"created": len(logins), "rejected": len(bad)}
    code, out, _ = own_vault.manage(*command)
    assert code == 0
    assert "nothing to do" in out


def test_racing_loads_of_the_same_file_store_each_person_once(own_vault: Vault) -> None:
    file = own_vault.people_file("people.jsonl", 1_000)
    processes = [
        own_vault.start("load", str(file), "--batch", "20", "--rejects", f"rejects{n}", "--tokens", f"tokens{n}")
        for n in range(3)
    ]
    ended = [(process.communicate(timeout=SECONDS), process.returncode) for process in processes]
    codes = sorted(code for _, code in ended)
    # One wins. The others stop with a message, or come when all is done.
    assert codes[0] == 0
    assert set(codes) <= {0, 1, 2}
    for (out, err), code in ended:
        assert b"Traceback" not in err
        assert code == 0 or b"another load of this input" in err or b"earlier run of this input" in err
        assert code != 0 or b"Created:" in out or b"nothing to do" in out
    people = own_vault.state()["people"]
    assert len(people) == len({login for login, _ in people}) == 1_000
    written = [row["token"] for n in range(3) for row in rows_of_committed(own_vault.folder / f"tokens{n}")]
    assert {token for _, token in people} <= set(written)


def rows_of_committed(path: Path) -> list[dict[str, str]]:
    return rows_of(path) if path.exists() else []


def test_a_second_load_with_the_same_files_is_refused(own_vault: Vault) -> None:
    file = own_vault.people_file("people.jsonl", PEOPLE)
    tokens = own_vault.folder / "tokens.jsonl"
    first = own_vault.start("load", str(file), "--tokens", str(tokens), "--batch", "10")
    wait_for_growth(tokens, first, beyond=0)
    first.send_signal(signal.SIGSTOP)
    try:
        code, _, err = own_vault.manage("load", str(file), "--tokens", str(tokens))
    finally:
        first.send_signal(signal.SIGCONT)
    assert code == 2
    assert "another load is writing" in err
    first.communicate(timeout=SECONDS)
    assert first.returncode == 0
    assert len(own_vault.state()["people"]) == len(rows_of(tokens)) == PEOPLE


def test_ctrl_c_finishes_the_batch_and_says_how_to_go_on(own_vault: Vault) -> None:
    file = own_vault.people_file("people.jsonl", PEOPLE)
    tokens = own_vault.folder / "tokens.jsonl"
    for number in (signal.SIGINT, signal.SIGTERM):
        process = own_vault.start("load", str(file), "--tokens", str(tokens), "--batch", "20")
        wait_for_growth(tokens, process, beyond=size_of(tokens))
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 128 + number
        assert b"Stopped." in err
        assert b"Run the same command again" in err
        assert b"Traceback" not in err
        assert b"Created:" in out
    code, _, err = own_vault.manage("load", str(file), "--tokens", str(tokens))
    assert code == 0, err
    assert len(own_vault.state()["people"]) == len(rows_of(tokens)) == PEOPLE


def test_standard_input_with_a_name_goes_on(own_vault: Vault) -> None:
    content = own_vault.people_file("people.jsonl", 200).read_bytes()
    lines = content.splitlines(keepends=True)
    command = ("load", "-", "--name", "crm", "--batch", "50", "--tokens", "tokens")
    process = own_vault.start(*command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"".join(lines[:120]))
    process.stdin.flush()
    wait_for_growth(own_vault.folder / "tokens", process, beyond=50 * len(TOKEN_LINE))
    process.kill()
    process.communicate(timeout=SECONDS)
    code, out, err = own_vault.manage(*command, stdin=content)
    assert code == 0, err
    assert "records that an earlier run loaded" in out
    assert [row["line"] for row in rows_of(own_vault.folder / "tokens")] == list(range(1, 201))
    assert len(own_vault.state()["people"]) == 200
    assert "nothing to do" in own_vault.manage(*command, stdin=content)[1]
    code, _, err = own_vault.manage(*command, stdin=b"".join(lines[:10]))
    assert code == 2
    assert "this is another input" in err


def test_standard_input_without_a_name_says_that_it_cannot_be_resumed(own_vault: Vault) -> None:
    code, out, err = own_vault.manage("load", "-", stdin=b'{"login":"ann"}\n{"login":')
    assert code == 0, err
    assert "This load can't be resumed" in out
    assert "Rejected records: stdin.rejects.jsonl" in out
    assert [row["line"] for row in rows_of(own_vault.folder / "stdin.rejects.jsonl")] == [2]
    code, out, _ = own_vault.manage("load", "-", "--format", "csv", "--rejects", "other", stdin=b"login\r\nann\r\nbob")
    assert code == 0
    assert [login for login, _ in own_vault.state()["people"]] == ["ann", "bob"]
    code, _, err = own_vault.manage("load", "-", stdin=b'{"login":"cat"}\n')
    assert code == 2
    assert "stdin.rejects.jsonl exists already" in err


def test_ctrl_c_while_waiting_for_standard_input(own_vault: Vault) -> None:
    process = own_vault.start("load", "-", "--batch", "2", "--tokens", "tokens", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b'{"login":"ann"}\n{"login":"bob"}\n{"login":"cat"}\n')
    process.stdin.flush()
    wait_for_growth(own_vault.folder / "tokens", process, beyond=100)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=SECONDS) == 130
    assert process.stderr is not None
    err = process.stderr.read()
    assert b"Stopped. This load can't be resumed." in err
    assert b"Fatal" not in err
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    assert [login for login, _ in own_vault.state()["people"]] == ["ann", "bob"]


def test_a_terminal_gets_a_bar(own_vault: Vault) -> None:
    file = own_vault.people_file("people.jsonl", 300)
    ours, theirs = pty.openpty()
    try:
        process = own_vault.start("load", str(file), "--batch", "50", stderr=theirs)
        out, _ = process.communicate(timeout=SECONDS)
        shown = os.read(ours, 1 << 20).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0
    assert "records" in shown
    assert "100%" in shown
    assert "/s" in shown
    assert b"Created:           300" in out


def test_a_vault_that_is_not_ready_is_said_so(own_vault: Vault) -> None:
    file = own_vault.people_file("people.jsonl", 1)
    own_vault.environment["DATABUNKER_MASTERKEY"] = "00" * 32
    code, _, err = own_vault.manage("load", str(file))
    assert code == 1
    assert "Traceback" not in err
    assert "key" in err
