"""What deploy/ has is judged by the tools that will read it; `make deploy-check` has them all."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT

DEPLOY = PROJECT / "deploy"
# An environment of its own: requirements-deploy.txt.
JUDGES = Path(os.environ.get("DEPLOY_BIN") or PROJECT / ".venv" / "deploy" / "bin")

Judge = Callable[..., str]


@pytest.fixture
def judge() -> Judge:
    """Run a tool; what it says. Missing ones are skipped, but not under `make deploy-check`."""

    def act(tool: str, *arguments: str | Path, **settings: str) -> str:
        found = shutil.which(tool, path=f"{JUDGES}:{os.environ['PATH']}:/usr/sbin")
        if found is None:
            assert not os.environ.get("DEPLOY_CHECK"), f"{tool} is missing"
            pytest.skip(f"{tool} is missing")
        done = subprocess.run(
            [found, *map(str, arguments)],
            cwd=DEPLOY,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return act
