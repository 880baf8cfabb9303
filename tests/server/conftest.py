"""One vault and its server for each module of tests that leave it running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.clients import Client
from tests.support.vaults import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Logs all that it ever could. Stopped by SIGTERM after the module, which must leave nothing behind."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, LOG_LEVEL="DEBUG") as running:
        yield running
    assert list(folder.glob("databunker-metrics-*")) == []


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    """The root caller."""
    caller = server.client()
    yield caller
    caller.close()
