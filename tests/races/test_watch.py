"""Several hosts watch the same trail: what is noticed is told once, and every event is counted."""

from __future__ import annotations

import pytest

from audit.models import Event
from databunker.access.actor import operator
from databunker.access.models import TokenKind
from databunker.ids import unix_now
from databunker.notify.models import Job
from databunker.watch import readings
from databunker.watch.anomalies import watch_readings
from databunker.watch.canaries import add_canaries, watch_canaries
from databunker.watch.models import Incident, Reading
from tests.conftest import Api, new_token
from tests.watch.conftest import people, read
from vault.actions import Created

from .conftest import racing

HOSTS = 6


@pytest.fixture(autouse=True)
def _notified(settings: pytest.FixtureRequest) -> None:
    settings.NOTIFICATION_URL, settings.NOTIFICATION_SECRET = "https://hooks.example.com/x", "s" * 32  # type: ignore[attr-defined]


def test_a_canary_is_told_of_by_one_host(committed_api: Api) -> None:
    (canary,) = add_canaries(operator(), profiles=[{"login": "bait"}])
    assert isinstance(canary, Created)
    for turn in range(1, 6):
        Api(new_token(TokenKind.ADMIN)).get(f"/v1/user/token/{canary.token}")
        told = racing(lambda _: watch_canaries(unix_now(), 500), range(HOSTS))
        assert sum(told) == 1
        assert Incident.objects.count() == turn
        assert Job.objects.filter(topic="canary").count() == turn
        assert Event.objects.filter(type=343).count() == turn


def test_readings_are_counted_once_and_told_of_by_one_host(
    committed_api: Api, settings: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANOMALY_PEOPLE_PER_HOUR = 50  # type: ignore[attr-defined]
    monkeypatch.setattr(readings, "EVENTS_AT_ONCE", 10)
    read(people(120))
    told = racing(lambda _: watch_readings(unix_now() + 60, 500), range(HOSTS))
    assert sum(told) == len(Incident.objects.filter(kind=1)) == 1
    assert all(110 <= counted.people <= 130 for counted in Reading.objects.all())
    assert Job.objects.filter(topic="anomaly").count() == 1
