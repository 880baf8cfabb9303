"""The requests that wrk sends, made beforehand from the people in the vault."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks.errors import HarnessError
from benchmarks.people import people, write_jsonl
from benchmarks.server import Server

__all__ = ["ORDERS", "SEED", "Known", "Traffic", "known_people", "write_people"]

SEED = 1
KNOWN = 100_000  # far more than one run can ask for, and spread over the whole table
FIRST_NEW = 5_000_000  # people with numbers from here on are never loaded, so creating them meets no duplicate
ORDERS = {"get_token": "shuffled", "get_email": "shuffled", "update": "once", "create": "once"}


class Known(NamedTuple):
    """A person of the vault whom requests are made for."""

    number: int
    token: str
    email: str


def write_people(file: Path, number: int, *, shape: str, start: int = 0) -> None:
    with file.open("wb") as out:
        write_jsonl(people(number, seed=SEED, shape=shape, start=start), out)


def known_people(people_file: Path, tokens_file: Path, *, number: int) -> list[Known]:
    """Some of the `number` loaded people, chosen at random but the same each time.

    Raises:
        HarnessError: not everyone was loaded.
    """
    chosen = set(random.Random(SEED).sample(range(1, number + 1), min(KNOWN, number)))
    tokens, lines = {}, 0
    with tokens_file.open("rb") as rows:
        for row in rows:
            found = orjson.loads(row)
            lines += 1
            if found["line"] in chosen:
                tokens[found["line"]] = found["token"]
    if lines != number or len(tokens) != len(chosen):
        raise HarnessError(f"{lines:,} of {number:,} people were loaded")
    with people_file.open("rb") as rows:
        return [
            Known(line, tokens[line], orjson.loads(row)["email"])
            for line, row in enumerate(rows, start=1)
            if line in chosen
        ]


class Traffic:
    """Files of requests, one a line: method, path and body separated by tabs."""

    def __init__(self, folder: Path, known: list[Known]) -> None:
        self._folder = folder
        self._known = known
        self._dice = random.Random(SEED)
        self._changes = count(1)
        self._next_new = FIRST_NEW
        self._files = 0
        self._reads: dict[str, Path] = {}

    def requests(self, work: str, *, at_most: int) -> Path:
        """A file of requests; of those that change something it has `at_most`, each for one use only."""
        match work:
            case "get_token" | "get_email":
                return self._read_file(work)
            case "update":
                return self._write(self._updates(at_most))
            case "create":
                return self._write(self._creates(at_most))
        raise ValueError(f"unknown work {work!r}")

    def discard(self, file: Path) -> None:
        """Delete a file that was for one use."""
        if file not in self._reads.values():
            file.unlink(missing_ok=True)

    def _read_file(self, work: str) -> Path:
        if work not in self._reads:
            self._reads[work] = self._write(f"GET\t{_read_path(work, person)}\t\n" for person in self._known)
        return self._reads[work]

    def _updates(self, number: int) -> Iterator[str]:
        """Random people; the value is new each time, as an update that changes nothing costs less."""
        for _ in range(number):
            change = {"job": f"position {next(self._changes)}"}
            yield f"PUT\t/v1/user/token/{self._dice.choice(self._known).token}\t{json.dumps(change)}\n"

    def _creates(self, number: int) -> Iterator[str]:
        start, self._next_new = self._next_new, self._next_new + number
        for person in people(number, seed=SEED, shape="small", start=start):
            yield f"POST\t/v1/user\t{orjson.dumps(person).decode()}\n"

    def _write(self, lines: Iterator[str]) -> Path:
        self._files += 1
        file = self._folder / f"requests-{self._files}.tsv"
        with file.open("w", encoding="utf-8") as out:
            out.writelines(lines)
        return file

    def check(self, work: str, server: Server) -> None:
        """Do the work once and look at the answer, so that no figure is one of wrong answers.

        Raises:
            HarnessError: the answer is not what it must be.
        """
        person = self._dice.choice(self._known)
        if work == "create":
            new = next(people(1, seed=SEED, shape="small", start=self._next_new))
            self._next_new += 1
            answer = _good(server.call("POST", "/v1/user", orjson.dumps(new)), work)
            _expect(server, f"/v1/user/token/{answer['token']}", work, new)
        elif work == "update":
            change = {"job": f"position {next(self._changes)}"}
            _good(server.call("PUT", f"/v1/user/token/{person.token}", orjson.dumps(change)), work)
            _expect(server, f"/v1/user/token/{person.token}", work, change)
        else:
            loaded = next(people(1, seed=SEED, shape="small", start=person.number - 1))
            loaded.pop("job")  # an earlier update may have changed it
            _expect(server, _read_path(work, person), work, loaded)


def _read_path(work: str, person: Known) -> str:
    return f"/v1/user/token/{person.token}" if work == "get_token" else f"/v1/user/email/{person.email}"


def _good(answer: tuple[int, Any], work: str) -> Any:
    status, body = answer
    if status != 200 or not isinstance(body, dict) or body.get("status") != "ok":
        raise HarnessError(f"{work}: the server answered {status} {body!r:.200}")
    return body


def _expect(server: Server, path: str, work: str, part: dict[str, Any]) -> None:
    """The profile at `path` has everything of `part`."""
    profile = _good(server.call("GET", path), work)["data"]
    wrong = [name for name, value in part.items() if profile.get(name) != value]
    if wrong:
        raise HarnessError(f"{work}: the answer has other values than were stored in {', '.join(wrong)}")
