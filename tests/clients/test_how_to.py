"""docs/clients.md shows the programs that are run against a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT


@pytest.mark.parametrize("script", ["agreements.js", "app.js", "store.js"])
def test_the_how_to_shows_this_very_code(script: str) -> None:
    shown = re.findall(r"^```js\n(.*?)^```$", (PROJECT / "docs/clients.md").read_text(), re.MULTILINE | re.DOTALL)
    assert (Path(__file__).parent / script).read_text() in shown
