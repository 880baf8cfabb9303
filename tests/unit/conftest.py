"""What the unit tests share: the vectors, a keyring of their own, and how hard hypothesis tries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from databunker.crypto import store
from databunker.crypto.keyring import Keyring, new_keys

# A loaded machine is no failure, so there is no deadline. The fixtures that properties use never change.
settings.register_profile(
    "unit", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("unit")

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], dict[str, Any]]:
    """The content of one file of `tests/vectors/`."""

    def read(name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
        return content

    return read


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """A keyring of fresh keys, in no database."""
    return Keyring(new_keys())


@pytest.fixture
def keyring_in_use(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """`keyring`, where the code under test asks the store for the current one."""
    monkeypatch.setattr(store, "current_keyring", lambda: keyring)
    return keyring
