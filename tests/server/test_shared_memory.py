"""What all processes of a server have loaded is in memory once."""

from __future__ import annotations

import re
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.vaults import SECONDS, Server, serving


def kilobytes(server: Server, kind: str) -> int:
    """Of all its processes together."""
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in server.processes()]
    return sum(int(size) for text in texts for size in re.findall(rf"^{kind}: +(\d+) kB$", text, re.MULTILINE))


def wait_until_all_have_loaded(server: Server, processes: int) -> None:
    """As they have when there are so many, and none grows any more."""
    deadline = time.monotonic() + SECONDS
    before = 0
    while len(server.processes()) < processes or before != (before := kilobytes(server, "Rss")):
        assert time.monotonic() < deadline
        time.sleep(1)


@pytest.mark.database_independent
def test_most_of_it_is_shared(tmp_path: Path) -> None:
    """As long as nothing looks through the objects that were there before the workers, which would write to each."""
    with serving(tmp_path, BUNKER_WORKERS="4") as server:
        wait_until_all_have_loaded(server, 5)
        with closing(server.client()) as client:
            assert client.call("GET", "/v1/user/login/nobody").status == 404
        own, with_what_is_shared = kilobytes(server, "Pss"), kilobytes(server, "Rss")
        assert own < with_what_is_shared / 2
