"""The prepared requests are those of people in the vault, and none that changes something comes twice."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from benchmarks.database import durability
from benchmarks.errors import HarnessError
from benchmarks.processes import family, pss_megabytes
from benchmarks.profiling import REST, part_of
from benchmarks.traffic import Traffic, known_people, write_people

NUMBER = 20


@pytest.fixture
def loaded(tmp_path: Path) -> tuple[Path, Path]:
    people_file, tokens_file = tmp_path / "people.jsonl", tmp_path / "tokens.jsonl"
    write_people(people_file, NUMBER, shape="small")
    lines = (orjson.dumps({"line": line, "token": f"token-{line}"}) + b"\n" for line in range(1, NUMBER + 1))
    tokens_file.write_bytes(b"".join(lines))
    return people_file, tokens_file


@pytest.fixture
def traffic(tmp_path: Path, loaded: tuple[Path, Path]) -> Traffic:
    return Traffic(tmp_path, known_people(*loaded, number=NUMBER))


def lines(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in file.read_text().splitlines()]


def test_tokens_and_emails_belong_together(loaded: tuple[Path, Path]):
    emails = [orjson.loads(line)["email"] for line in loaded[0].read_bytes().splitlines()]
    known = known_people(*loaded, number=NUMBER)
    assert [(person.token, person.email) for person in known] == [
        (f"token-{number}", email) for number, email in enumerate(emails, start=1)
    ]


def test_people_that_were_not_loaded_are_noticed(loaded: tuple[Path, Path]):
    people_file, tokens_file = loaded
    tokens_file.write_bytes(b"".join(tokens_file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(HarnessError, match="19 of 20"):
        known_people(people_file, tokens_file, number=NUMBER)


@pytest.mark.parametrize(("work", "path"), [("get_token", "/v1/user/token/token-"), ("get_email", "/v1/user/email/")])
def test_reads_ask_for_everyone_known_and_their_file_is_kept(traffic: Traffic, work: str, path: str):
    file = traffic.requests(work, at_most=1)
    found = lines(file)
    assert len({target for _, target, _ in found}) == NUMBER
    assert all(method == "GET" and target.startswith(path) and body == "" for method, target, body in found)
    traffic.discard(file)
    assert traffic.requests(work, at_most=1) == file
    assert file.exists()


def test_no_update_sets_what_an_earlier_one_did(traffic: Traffic):
    bodies = [body for _ in range(2) for _, _, body in lines(traffic.requests("update", at_most=50))]
    assert len(set(bodies)) == 100
    assert all(list(orjson.loads(body)) == ["job"] for body in bodies)


def test_no_person_is_created_twice_and_none_is_loaded(traffic: Traffic, loaded: tuple[Path, Path]):
    bodies = [body for _ in range(2) for _, _, body in lines(traffic.requests("create", at_most=50))]
    new = [orjson.loads(body) for body in bodies]
    old = [orjson.loads(line) for line in loaded[0].read_bytes().splitlines()]
    for field in ("login", "email", "phone"):
        assert len({person[field] for person in [*new, *old]}) == 100 + NUMBER


def test_files_of_changes_are_deleted_after_use(traffic: Traffic):
    file = traffic.requests("create", at_most=1)
    traffic.discard(file)
    assert not file.exists()


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_database_that_may_lose_a_commit_is_refused(name: str):
    on = dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "on")
    durability([*on.items(), ("wal_level", "replica")])
    with pytest.raises(HarnessError, match=name):
        durability(list({**on, name: "off"}.items()))


def test_the_memory_of_this_very_process_is_found():
    import os

    assert os.getpid() in family(os.getpid())
    count, megabytes = pss_megabytes(os.getpid())
    assert count >= 1
    assert 1 < megabytes < 10_000


@pytest.mark.parametrize(
    ("file", "function", "part"),
    [
        ("~", "<method 'execute' of 'psycopg2.extensions.cursor' objects>", "waiting for PostgreSQL (with its driver)"),
        ("site-packages/django/db/backends/utils.py", "execute", "Django: database"),
        ("site-packages/django/urls/resolvers.py", "resolve", "Django: URLs"),
        ("site-packages/nacl/bindings/crypto_aead.py", "seal", "libsodium (seal, open)"),
        ("app/databunker/crypto/envelope.py", "seal", "own code: crypto"),
        ("app/vault/records.py", "profile", "own code: vault"),
        ("/usr/lib/python3.11/uuid.py", "__init__", REST),
    ],
)
def test_functions_belong_to_parts(file: str, function: str, part: str):
    assert part_of(file, function) == part
