"""The programs of examples/ as their readers run them: processes of their own, against a vault that is served."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT, Server, serving

EXAMPLES = PROJECT / "examples"
NEEDS = {"node": "node", "curl": "curl"}
SECONDS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def command(program: str) -> list[str]:
    """How it is started. Skips the test where the machine lacks what runs it."""
    language, _, _ = program.partition("/")
    needed = NEEDS.get(language)
    if needed and not shutil.which(needed):
        pytest.skip(f"{needed} is not installed")
    return [*{"python": [sys.executable], "node": ["node"]}.get(language, []), str(EXAMPLES / program)]


def environment(**more: str) -> dict[str, str]:
    """No setting of the product, nor of the tests."""
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"} | more


def run(arguments: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
