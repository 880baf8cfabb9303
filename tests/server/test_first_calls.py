"""What a process makes at its first call only is made once, however many make that call at the same moment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from databunker.api.openapi.document import document
from tests.support.clients import Answer, Client, at_once
from tests.support.vaults import Server, serving

CLIENTS = 12
PAGES = ("/", "/console/", "/console/sign-in", "/cookies.js", "/docs", "/my/data", "/readyz", "/receipt")
ONE_AT_A_TIME = "/v1/sys/backup"


def paths() -> list[str]:
    """What can be read without a person's token: the description of the API, what else the API has, a few pages."""
    read = [path for path, methods in document()["paths"].items() if "get" in methods and "{" not in path]
    assert ONE_AT_A_TIME in read
    return sorted({*read, *PAGES} - {ONE_AT_A_TIME}, key=lambda path: path != "/v1/openapi.json")


def read_by_all(server: Server, path: str) -> list[Answer]:
    def read(caller: Client) -> Answer:
        with closing(caller):
            return caller.call("GET", path)

    callers = [server.client() for _ in range(CLIENTS)]
    for caller in callers:
        caller.connect()
    return at_once(read, callers)


@pytest.mark.slow
def test_many_make_the_first_calls_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, BUNKER_WORKERS="1", BUNKER_THREADS=str(CLIENTS), BUNKER_QUEUE_MILLISECONDS="0") as server:
        answers = {path: read_by_all(server, path) for path in paths()}
    for path, read in answers.items():
        assert len({answer.status for answer in read}) == 1, path
        assert read[0].status < 500, path
    assert len({answer.body for answer in answers["/v1/openapi.json"]}) == 1
