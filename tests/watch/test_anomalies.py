"""A token that reads unusually many people is told of, once an incident."""

from __future__ import annotations

from typing import Any

import pytest

from audit.events import Outcome
from audit.models import Event
from databunker.access.actor import ActorKind, operator
from databunker.access.models import TokenKind
from databunker.ids import unix_now
from databunker.watch import readings
from databunker.watch.anomalies import watch_readings
from databunker.watch.incidents import list_incidents, purge_incidents, unusual_tokens
from databunker.watch.models import Incident, IncidentKind, Progress, Reading
from tests.api.helpers import opened, told_by
from tests.conftest import Api, new_token
from vault.events import RECORD_CREATED

from .conftest import DAY, HOUR, Told, people, read

pytestmark = pytest.mark.usefixtures("vault")


def watch(clock: Any) -> int:
    """Let the scheduler look, when all that was written is old enough."""
    clock.shift(11)
    return watch_readings(unix_now(), 500)


@pytest.fixture
def limits(settings: Any) -> Any:
    settings.ANOMALY_PEOPLE_PER_HOUR, settings.ANOMALY_PEOPLE_PER_DAY = 50, 0
    settings.ANOMALY_LEAST = 20
    return settings


def test_more_people_than_the_absolute_number_are_told_of(clock: Any, limits: Any, told: Told) -> None:
    read(people(45))
    assert watch(clock) == 0
    read(people(15))
    with told_by() as events:
        assert watch(clock) == 1
    assert told.numbers == (1, 1, 1)
    ((code, outcome, who, subject, detail, _),) = events
    assert (code, outcome, who, subject) == ("incident.anomaly", "ok", "operator", None)
    assert detail["usual"] == 50
    assert 55 <= detail["people"] <= 65
    assert detail["message"] == "somebody reads unusually many people: admin 7"


def test_the_same_people_again_are_no_more(clock: Any, limits: Any) -> None:
    some = people(40)
    for _ in range(5):
        read(some)
        assert watch(clock) == 0


def test_each_token_has_its_own_count(clock: Any, limits: Any) -> None:
    for token_id in (7, 8, 9):
        read(people(40), token_id=token_id)
    read(people(40), kind=ActorKind.ACCOUNT)
    assert watch(clock) == 0


def test_an_account_is_watched_as_a_token_is(clock: Any, limits: Any) -> None:
    for kind in (ActorKind.ACCOUNT, ActorKind.ADMIN):
        read(people(60), kind=kind)
    assert watch(clock) == 2
    _, incidents = list_incidents(operator(), offset=0, limit=10)
    assert {incident.who for incident in incidents} == {"account 7", "admin 7"}


def test_a_clock_that_was_ahead_hides_nothing(clock: Any, limits: Any) -> None:
    clock.shift(HOUR)
    read(people(5))
    watch(clock)
    clock.shift(-HOUR)
    read(people(60))
    assert watch(clock) == 1


def test_only_what_was_read_counts(clock: Any, limits: Any) -> None:
    read(people(100), event_type=RECORD_CREATED)
    read(people(100), outcome=Outcome.NOT_FOUND)
    read(people(100), kind=ActorKind.PERSON)
    read([None] * 100)  # type: ignore[list-item]
    assert watch(clock) == 0
    assert not Reading.objects.exists()


def test_an_incident_that_goes_on_is_told_once(clock: Any, limits: Any, told: Told) -> None:
    for _ in range(4):
        for _ in range(3):
            read(people(60))
            watch(clock)
        clock.shift(HOUR)
    assert told.numbers == (1, 1, 1)
    (incident,) = Incident.objects.all()
    assert incident.last - incident.start > 3 * HOUR
    assert incident.people > 150


def test_another_one_after_a_quiet_time_is_told_again(clock: Any, limits: Any, told: Told) -> None:
    for _ in range(2):
        read(people(60))
        watch(clock)
        clock.shift(3 * HOUR)
        watch(clock)
    assert told.numbers == (2, 2, 2)


def test_far_more_than_it_used_to_is_told_of(clock: Any, limits: Any, told: Told) -> None:
    limits.ANOMALY_PEOPLE_PER_HOUR = 0
    for _ in range(26):
        read(people(10))
        watch(clock)
        clock.shift(HOUR)
    read(people(27))
    assert watch(clock) == 0, "three times as many are usual"
    read(people(20))
    assert watch(clock) == 1
    assert Incident.objects.get().kind == IncidentKind.HOUR
    clock.shift(6 * HOUR)
    read(people(47))
    assert watch(clock) == 1, "what was unusual once has not become usual"


def test_who_came_only_just_now_has_no_usual(clock: Any, limits: Any) -> None:
    limits.ANOMALY_PEOPLE_PER_HOUR = 0
    read(people(2))
    watch(clock)
    clock.shift(2 * HOUR)
    read(people(500))
    assert watch(clock) == 0


def test_few_people_are_never_unusual_for_being_more_than_before(clock: Any, limits: Any) -> None:
    limits.ANOMALY_PEOPLE_PER_HOUR = 0
    for _ in range(26):
        read(people(1))
        watch(clock)
        clock.shift(HOUR)
    read(people(18))
    assert watch(clock) == 0
    limits.ANOMALY_FACTOR = 0
    read(people(500))
    assert watch(clock) == 0, "switched off"


def test_a_day_is_counted_beside_the_hours(clock: Any, limits: Any, told: Told) -> None:
    limits.ANOMALY_PEOPLE_PER_HOUR, limits.ANOMALY_PEOPLE_PER_DAY = 0, 100
    for _ in range(6):
        read(people(20))
        watch(clock)
        clock.shift(HOUR)
    assert [incident.kind for incident in Incident.objects.all()] == [IncidentKind.DAY]


def test_every_event_is_counted_once_also_in_small_batches(
    clock: Any, limits: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "EVENTS_AT_ONCE", 7)
    read(people(45))
    watch(clock)
    (hour,) = Reading.objects.filter(seconds=HOUR)
    assert 43 <= hour.people <= 47
    before = Progress.objects.get().position
    watch(clock)
    assert Progress.objects.get().position == before == Event.objects.order_by("-id").values_list("id", flat=True)[0]


def test_what_may_still_be_written_is_waited_for(clock: Any, limits: Any) -> None:
    read(people(60))
    assert watch_readings(unix_now(), 500) == 0
    assert not Reading.objects.exists()
    assert watch(clock) == 1


def test_old_counts_and_incidents_go(clock: Any, limits: Any) -> None:
    read(people(60))
    watch(clock)
    clock.shift(36 * DAY)
    watch(clock)
    assert not Reading.objects.exists()
    assert Incident.objects.count() == 1
    assert purge_incidents(unix_now() + 400 * DAY) == 1


def test_it_is_found_through_the_door_and_shown(clock: Any, limits: Any, api: Api) -> None:
    limits.ANOMALY_PEOPLE_PER_HOUR = 3
    caller = Api(new_token(TokenKind.ADMIN))
    for number in range(5):
        caller.get(f"/v1/user/token/{api.create(login=f'p{number}')}")
    assert watch(clock) == 1
    total, (incident,) = list_incidents(operator(), offset=0, limit=10)
    assert (total, incident.kind, incident.people) == (1, IncidentKind.HOUR, 5)
    assert set(unusual_tokens(1)) == {int(incident.who.split()[1])}
    assert 'databunker_incidents{kind="hour"} 1.0' in Api().get("/v1/metrics").content.decode()
    clock.shift(2 * DAY)
    assert unusual_tokens(1) == {}
    event = Event.objects.filter(type=342).get()
    assert "people" in opened(event)
