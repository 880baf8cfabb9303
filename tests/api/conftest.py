"""What the tests through the door share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from databunker import refusals
from tests.support.login import NOW


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test may be refused as often as a new process may, whatever the tests before it did."""
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})


@pytest.fixture
def login_set_up(settings: Any) -> None:
    """Both kinds of messages are set up; captchas are easy, limits far away."""
    settings.EMAIL_HOST = settings.SMS_URL = "127.0.0.1"
    settings.CAPTCHA_PROOF_BITS = 4
    for whom in ("PERSON", "ADDRESS"):
        setattr(settings, f"LOGIN_CODES_PER_{whom}", "1000/1h")
        setattr(settings, f"LOGIN_TRIES_PER_{whom}", "1000/1h")


@pytest.fixture
def clock() -> Iterator[Any]:
    """Time stands still at NOW until it is shifted."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller
