from __future__ import annotations

import os
import shlex
import stat
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.crypto import masterkey
from databunker.crypto.envelope import Place, seal_with_nonce
from databunker.crypto.errors import IntegrityFailure, KeyringError, MasterKeyError
from databunker.crypto.keyring import Key, Purpose
from databunker.crypto.masterkey import MasterKey, Sources
from tests.support.damage import flipped

MASTER = MasterKey(bytes(range(32)))
KEY = Key(3, Purpose.REFERENCE, b"\x05" * 31 + b"\x06")


def test_vectors_unwrap_and_are_reproduced(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("master_key")["positive"]:
        master, secret = MasterKey(bytes.fromhex(case["master"])), bytes.fromhex(case["secret"])
        assert master.fingerprint == case["fingerprint"]
        key = master.unwrap(case["id"], Purpose(case["purpose"]), bytes.fromhex(case["wrapped"]))
        assert key == Key(case["id"], Purpose(case["purpose"]), secret)
        again = seal_with_nonce(
            secret,
            key=master.secret,
            key_id=case["fingerprint"],
            place=Place(0, b"keyring", case["purpose"].encode(), case["id"].to_bytes(4, "big")),
            nonce=bytes.fromhex(case["nonce"]),
        )
        assert again.hex() == case["wrapped"]


def test_vectors_that_must_not_unwrap(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("master_key")["negative"]:
        with pytest.raises((MasterKeyError, IntegrityFailure)):
            MasterKey(bytes.fromhex(case["master"])).unwrap(
                case["id"], Purpose(case["purpose"]), bytes.fromhex(case["wrapped"])
            )
            pytest.fail(case["name"])


def test_texts_that_write_a_key(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("master_key")["texts"]:
        assert masterkey.parse(case["text"]).secret.hex() == case["secret"], case


def test_texts_that_write_no_key_are_refused_without_repeating_them(vectors: Callable[[str], dict[str, Any]]) -> None:
    for text in vectors("master_key")["refused_texts"]:
        with pytest.raises(MasterKeyError) as refusal:
            masterkey.parse(text)
        assert not text.strip() or text.strip() not in str(refusal.value)


@given(st.text(max_size=80) | st.text("0123456789abcdef", min_size=60, max_size=68))
def test_any_text_is_a_key_of_32_bytes_or_refused(text: str) -> None:
    try:
        found = masterkey.parse(text)
    except MasterKeyError as refusal:
        assert "32 bytes" in str(refusal) or "one byte repeated" in str(refusal)
    else:
        assert len(found.secret) == 32


@given(st.binary(min_size=32, max_size=32).filter(lambda secret: len(set(secret)) > 1))
def test_hex_round_trip(secret: bytes) -> None:
    assert masterkey.parse(secret.hex()) == MasterKey(secret)


def test_generated_keys_are_random_and_can_be_written() -> None:
    keys = {masterkey.generate().secret for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {32}


def test_wrap_round_trip() -> None:
    assert MASTER.unwrap(KEY.id, KEY.purpose, MASTER.wrap(KEY)) == KEY


def test_another_master_key_is_named_as_the_reason_with_what_to_do() -> None:
    with pytest.raises(MasterKeyError, match="is not the one that this vault.*set DATABUNKER_MASTERKEY"):
        masterkey.generate().unwrap(KEY.id, KEY.purpose, MASTER.wrap(KEY))


@pytest.mark.parametrize(
    ("key_id", "purpose"), [(4, Purpose.REFERENCE), (3, Purpose.DATA), (3, Purpose.AUDIT), (0, Purpose.REFERENCE)]
)
def test_a_wrapped_key_can_not_pose_as_another(key_id: int, purpose: Purpose) -> None:
    with pytest.raises(MasterKeyError, match="changed in the database"):
        MASTER.unwrap(key_id, purpose, MASTER.wrap(KEY))


def test_any_changed_byte_of_a_wrapped_key_is_a_master_key_error() -> None:
    wrapped = MASTER.wrap(KEY)
    for at in range(len(wrapped)):
        with pytest.raises(MasterKeyError):
            MASTER.unwrap(KEY.id, KEY.purpose, flipped(wrapped, at))


def test_a_wrapped_key_truncated_at_any_length_is_a_master_key_error() -> None:
    wrapped = MASTER.wrap(KEY)
    for length in range(len(wrapped)):
        with pytest.raises(MasterKeyError):
            MASTER.unwrap(KEY.id, KEY.purpose, wrapped[:length])


def test_a_master_key_error_stops_the_service_as_any_lost_keyring() -> None:
    assert issubclass(MasterKeyError, KeyringError)
    assert MasterKeyError.http_status == 503


def test_the_fingerprint_tells_keys_apart_and_nothing_of_their_bytes() -> None:
    assert MASTER.fingerprint != masterkey.generate().fingerprint
    assert MASTER.fingerprint.to_bytes(4, "big") not in MASTER.secret


def test_a_master_key_never_shows_its_secret() -> None:
    shown = f"{MASTER!r}{MASTER}{[MASTER]}"
    assert MASTER.secret.hex() not in shown
    assert repr(MASTER.secret)[2:-1] not in shown


# Where it comes from


def unwrap(ciphertext: str) -> bytes:
    """Stands for a key management service, which has its own tests in tests/notify."""
    return {"vault:v1:right": MASTER.secret, "vault:v1:short": MASTER.secret[:31]}[ciphertext]


def load(**sources: str) -> MasterKey | None:
    return masterkey.load(Sources("DATABUNKER_MASTERKEY", **sources), unwrap=unwrap)


def printing(text: str) -> str:
    """A command that prints `text`."""
    return shlex.join([sys.executable, "-S", "-c", f"print({text!r})"])


def test_no_source_gives_no_key() -> None:
    assert load() is None


def test_each_source_gives_the_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(MASTER.secret.hex() + "\n", encoding="ascii")
    assert load(value=MASTER.secret.hex()) == MASTER
    assert load(file=str(path)) == MASTER
    assert load(command=printing(MASTER.secret.hex())) == MASTER


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ({"value": "x", "file": "y"}, ["DATABUNKER_MASTERKEY", "DATABUNKER_MASTERKEY_FILE"]),
        ({"file": "y", "command": "z"}, ["DATABUNKER_MASTERKEY_FILE", "DATABUNKER_MASTERKEY_COMMAND"]),
        ({"value": "x", "command": "z"}, ["DATABUNKER_MASTERKEY", "DATABUNKER_MASTERKEY_COMMAND"]),
        (
            {"value": "x", "file": "y", "command": "z"},
            ["DATABUNKER_MASTERKEY", "DATABUNKER_MASTERKEY_FILE", "DATABUNKER_MASTERKEY_COMMAND"],
        ),
    ],
)
def test_two_sources_are_refused_and_named(sources: dict[str, str], names: list[str]) -> None:
    with pytest.raises(MasterKeyError) as refusal:
        load(**sources)
    assert str(refusal.value) == f"set only one of {' and '.join(names)}"


def test_a_key_management_service_gives_the_key() -> None:
    assert load(transit="vault:v1:right") == MASTER
    with pytest.raises(MasterKeyError, match="32 bytes"):
        load(transit="vault:v1:short")


@pytest.mark.parametrize("source", ["file", "command"])
def test_the_old_key_is_named_as_such(source: str) -> None:
    with pytest.raises(MasterKeyError, match=f"^DATABUNKER_MASTERKEY_OLD_{source.upper()} "):
        masterkey.load(Sources("DATABUNKER_MASTERKEY_OLD", **{source: "/no/such/thing"}), unwrap=unwrap)
    with pytest.raises(
        MasterKeyError, match="set only one of DATABUNKER_MASTERKEY_OLD and DATABUNKER_MASTERKEY_OLD_FILE"
    ):
        Sources("DATABUNKER_MASTERKEY_OLD", value="x", file="y").check()


def test_sources_never_show_a_secret() -> None:
    shown = repr(Sources("DATABUNKER_MASTERKEY", value="MARKER", command="MARKER", transit="MARKER"))
    assert "MARKER" not in shown


def test_a_file_that_is_absent_or_no_file_is_named_by_its_setting(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(MasterKeyError, match="DATABUNKER_MASTERKEY_FILE can't be read"):
            load(file=str(path))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"not a key", b"\x00" * 32, "Zoë".encode()])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(MasterKeyError, match="hex"):
        load(file=str(path))


@pytest.mark.parametrize(
    "command",
    ["/no/such/program", "'unclosed", shlex.join([sys.executable, "-S", "-c", "import sys; sys.exit('MARKER')"])],
)
def test_a_command_that_fails_is_refused_without_what_it_printed(command: str) -> None:
    with pytest.raises(MasterKeyError, match="DATABUNKER_MASTERKEY_COMMAND failed") as refusal:
        load(command=command)
    assert "MARKER" not in "".join(traceback.format_exception(refusal.value)).split("failed: ")[-1]


def test_a_command_that_prints_no_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(MasterKeyError) as refusal:
        load(command=printing("MARKER"))
    assert "MARKER" not in str(refusal.value)


def test_a_command_runs_without_a_shell(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(MasterKeyError):
        load(command=f"{printing('x')} ; touch {trace}")
    assert not trace.exists()


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masterkey, "_COMMAND_SECONDS", 0.05)
    with pytest.raises(MasterKeyError, match="TimeoutExpired"):
        load(command=shlex.join([sys.executable, "-S", "-c", "import time; time.sleep(5)"]))


# A client of a KMS, as a program of its own


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """A command that runs these lines of shell."""

    def write(lines: str) -> str:
        path = tmp_path / "kms client"
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o700)
        return f"'{path}' --key-id 'alias/vault'"

    return write


# Of this run of the tests alone.
NAP = f"60.{os.getpid()}"


def ends(argument: str) -> bool:
    """Whether soon no process is left that was started with this argument; it may take a moment to die."""
    deadline = time.monotonic() + 30
    while any(argument in arguments_of(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def arguments_of(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []  # it has ended


def test_a_program_gives_the_key_and_gets_its_arguments(program: Callable[[str], str]) -> None:
    command = program(f'[ "$2" = alias/vault ] && printf %s {MASTER.secret.hex()}')
    assert load(command=command) == MASTER


def test_a_program_that_fails_after_it_has_printed_is_refused(program: Callable[[str], str]) -> None:
    with pytest.raises(MasterKeyError) as refusal:
        load(command=program(f"echo {MASTER.secret.hex()}; echo MARKER >&2; exit 3"))
    assert str(refusal.value) == "DATABUNKER_MASTERKEY_COMMAND failed: it ended with 3"
    with pytest.raises(MasterKeyError, match="it ended with -9"):
        load(command=program("kill -9 $$"))


@pytest.mark.parametrize("lines", ["", "echo", "echo access denied", "head -c 32 /dev/zero", r"printf '\377\376'"])
def test_a_program_that_prints_garbage_is_refused(program: Callable[[str], str], lines: str) -> None:
    with pytest.raises(MasterKeyError) as refusal:
        load(command=program(lines))
    assert "denied" not in "".join(traceback.format_exception(refusal.value))


def test_a_program_that_prints_without_end_is_stopped(program: Callable[[str], str]) -> None:
    started = time.monotonic()
    with pytest.raises(MasterKeyError, match="failed: ValueError"):
        load(command=program(f"exec yes {NAP}"))
    assert time.monotonic() - started < 10
    assert ends(NAP)


def test_a_program_that_hangs_is_ended_with_what_it_has_started(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masterkey, "_COMMAND_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(MasterKeyError, match="TimeoutExpired"):
        load(command=program(f"sleep {NAP} & sleep {NAP}"))
    assert time.monotonic() - started < 10
    assert ends(NAP)


def test_a_program_that_closes_its_output_and_stays_is_ended(
    program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masterkey, "_COMMAND_SECONDS", 0.3)
    with pytest.raises(MasterKeyError, match="TimeoutExpired"):
        load(command=program(f"echo {MASTER.secret.hex()}; exec >&-; sleep {NAP}"))
    assert ends(NAP)


def test_a_new_file_is_the_owners_alone_and_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "key"
    masterkey.write_new_file(path, MASTER)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(file=str(path)) == MASTER


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    masterkey.write_new_file(path, MASTER)
    with pytest.raises(FileExistsError):
        masterkey.write_new_file(path, masterkey.generate())
    assert load(file=str(path)) == MASTER
