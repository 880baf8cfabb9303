"""What the tests of notifications share: a real receiver that the settings lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from databunker.ids import unix_now
from databunker.notify.models import Job
from tests.support.receivers import Receiver

SECRET = "a secret of at least thirty-two characters"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Takes the webhooks; its private address is allowed."""
    with Receiver() as running:
        settings.NOTIFICATION_URL = running.url()
        settings.NOTIFICATION_SECRET = SECRET
        settings.NOTIFICATION_TIMEOUT_SECONDS = 2
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.0/8"]
        yield running


@pytest.fixture
def make_due() -> Callable[[], None]:
    """As if the time that the jobs wait for had come."""

    def act() -> None:
        Job.objects.update(next_attempt=unix_now())

    return act
