"""Those whom an incident concerns are found by what their caller did."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.vaults import Server

from .conftest import command, run


@pytest.mark.slow
def test_everybody_whom_one_token_saw_and_nobody_else(server: Server, tmp_path: Path) -> None:
    with closing(server.client()) as root:
        people = [root.call("POST", "/v1/user", {"login": f"seen-{n}"}).json()["token"] for n in range(3)]
    token = server.vault.new_token("leaked")
    with closing(server.client(token)) as leaked:
        for _ in range(2):
            assert leaked.call("GET", "/v1/user/login/seen-0").status == 200
        assert leaked.call("PUT", "/v1/user/login/seen-2", {"city": "Oslo"}).status == 200
        who = leaked.call("GET", f"/v1/audit/list/{people[0]}").json()["rows"][1]["who"]

    given = {"DATABUNKER_URL": f"http://127.0.0.1:{server.port}", "DATABUNKER_TOKEN": server.vault.root_token}
    done = run([*command("python/who_read.py"), who, "2020-01-01"], tmp_path, **given)
    assert done.returncode == 0, done.stderr
    found = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.stdout.splitlines()}
    assert set(found) == {people[0], people[2]}
    assert found[people[2]] == ["1", "changed the record"]
    assert int(found[people[0]][0]) >= 2

    later = run([*command("python/who_read.py"), who, "2100-01-01"], tmp_path, **given)
    assert (later.returncode, later.stdout) == (0, "")
