"""Nothing looks for garbage while a process loads; from then on something does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT, Vault, new_vault

pytestmark = pytest.mark.database_independent

LOADED = 10_000  # objects, at least, that are not looked at again
STEPS = """
import gc, runpy
conf = runpy.run_path({path!r})
conf["post_fork"](None, None)
print(gc.isenabled())
conf["post_worker_init"](None)
print(gc.isenabled(), gc.get_freeze_count() > {loaded})
"""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as made:
        yield made


def test_a_command_looks_for_garbage_once_it_is_loaded(vault: Vault) -> None:
    asked = f"import gc; print(gc.isenabled(), gc.get_freeze_count() > {LOADED})"
    done = vault.manage("shell", "--verbosity", "0", "--command", asked)
    assert (done.code, done.out.split()) == (0, ["True", "True"]), done.err


def test_a_worker_looks_for_garbage_once_it_is_loaded(vault: Vault) -> None:
    steps = STEPS.format(path=str(PROJECT / "deploy" / "gunicorn.conf.py"), loaded=LOADED)
    assert vault.script(steps).split() == ["False", "True", "True"]
