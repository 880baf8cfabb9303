"""Each language's program creates, finds, changes, asks for consent, reads the trail and forgets."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.vaults import Server

from .conftest import command, run

pytestmark = pytest.mark.slow
PROGRAMS = ["python/walkthrough.py", "node/walkthrough.mjs", "curl/walkthrough.sh"]
STEPS = ["created", "found", "changed", "consented", "event", "forgotten", "gone"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_step_is_taken(program: str, server: Server, tmp_path: Path) -> None:
    token = server.vault.new_token("walkthrough")
    done = run(command(program), tmp_path, DATABUNKER_URL=f"http://127.0.0.1:{server.port}/", DATABUNKER_TOKEN=token)
    assert done.returncode == 0, done.stderr
    words = [line.split()[0] for line in done.stdout.splitlines()]
    assert [step for step in STEPS if step not in words] == []

    (person,) = re.findall(r"^created +([0-9a-f-]{36})$", done.stdout, re.MULTILINE)
    (receipt,) = re.findall(r"^forgotten +receipt ([0-9a-f-]{36})$", done.stdout, re.MULTILINE)
    with closing(server.client()) as root:
        assert root.call("GET", f"/v1/user/token/{person}").json()["data"] == {}
        assert root.call("GET", f"/v1/receipt/{receipt}").status in {200, 202}
        rows = root.call("GET", f"/v1/audit/list/{person}?limit=100").json()["rows"]
    titles = {row["title"] for row in rows}
    assert {"created the record", "changed the record", "withdrew an agreement", "forgot the person"} <= titles


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_token_ends_it_and_is_not_shown(program: str, server: Server, tmp_path: Path) -> None:
    token = "00000000-1111-4222-8333-444444444444"
    done = run(command(program), tmp_path, DATABUNKER_URL=f"http://127.0.0.1:{server.port}", DATABUNKER_TOKEN=token)
    assert done.returncode != 0
    assert "Access denied" in done.stderr
    assert token not in done.stdout + done.stderr
