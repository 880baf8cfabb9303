"""Readings as the trail has them, and what was told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import time_machine

from audit import trail
from databunker.access.actor import Actor, ActorKind
from databunker.db.statements import insert_many
from databunker.notify.models import Job
from databunker.watch.models import Incident
from vault.events import RECORD_READ

NOW = 1_900_000_800  # an hour's beginning
HOUR, DAY = 3600, 86_400


@pytest.fixture
def clock() -> Iterator[Any]:
    """Time stands still until it is shifted."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def notified(settings: Any) -> None:
    settings.NOTIFICATION_URL, settings.NOTIFICATION_SECRET = "https://hooks.example.com/x", "s" * 32


def people(number: int) -> list[bytes]:
    """So many references."""
    return [os.urandom(16) for _ in range(number)]


def read(subjects: Iterable[bytes], *, token_id: int = 7, kind: ActorKind = ActorKind.ADMIN, **more: Any) -> None:
    """An event of each person's being read, now."""
    actor = Actor(kind=kind, token_id=token_id)
    event_type = more.pop("event_type", RECORD_READ)
    rows = [trail.build(actor, event_type, subject=subject, **more) for subject in subjects]
    insert_many(trail.insert(*rows))


class Told:
    """What is said of incidents: rows, events, webhooks and lines of the log."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        caplog.set_level(logging.WARNING)

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Incidents, webhooks and warnings so far."""
        return Incident.objects.count(), Job.objects.filter(kind="webhook").count(), len(self._caplog.records)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, notified: None) -> Told:
    return Told(caplog)
