"""Tell when a token or an account reads unusually many people: more than a number, or far more than it used to."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Max, Min, QuerySet

from databunker.db.statements import atomically, retrying

from .incidents import Notice, notice, purge_incidents
from .models import IncidentKind, Reading
from .readings import DAY, HOUR, count_readings

__all__ = ["watch_readings"]

_KINDS = {HOUR: IncidentKind.HOUR, DAY: IncidentKind.DAY}
_ABSOLUTE = {HOUR: "ANOMALY_PEOPLE_PER_HOUR", DAY: "ANOMALY_PEOPLE_PER_DAY"}
# A week's hours, four weeks' days. Whoever came only just now has no usual yet.
_HISTORY = {HOUR: 7 * DAY, DAY: 28 * DAY}
_NEW = {HOUR: DAY, DAY: 7 * DAY}
_KEPT_SECONDS = 35 * DAY
_PASSES = 40


def watch_readings(now: int, limit: int) -> int:  # noqa: ARG001 - it works in batches of its own
    """Count what was read since the last time, and judge it; how many incidents are new.

    Of very much (200,000 events) the rest is left to the next time.
    """
    told = 0
    for _ in range(_PASSES):
        found = retrying(lambda: _pass(now))
        if found is None:
            break
        told += found
    Reading.objects.filter(start__lt=now - _KEPT_SECONDS).delete()
    purge_incidents(now)
    return told


def _pass(now: int) -> int | None:
    """How many incidents are new among some events more; None: there were none."""
    with atomically():
        rows = count_readings(now)
        return None if rows is None else sum(_judge(row, now) for row in rows)


def _judge(row: Reading, now: int) -> bool:
    """Whether it is a new incident."""
    usual = _most_expected(row)
    if usual is None or row.people <= usual:
        return False
    _of(row).filter(start=row.start).update(unusual=True)
    return notice(
        Notice(
            tenant=row.tenant,
            kind=_KINDS[row.seconds],
            actor_kind=row.actor_kind,
            token_id=row.token_id,
            start=row.start,
            seconds=row.seconds,
            last=min(row.start + row.seconds, now),
            people=row.people,
            usual=usual,
        )
    )


def _of(row: Reading) -> QuerySet[Reading]:
    """All periods of this length of the same caller."""
    return Reading.objects.filter(
        tenant=row.tenant, actor_kind=row.actor_kind, token_id=row.token_id, seconds=row.seconds
    )


def _most_expected(row: Reading) -> int | None:
    """The least of the limits that hold for this token; None: there is none."""
    limits = [_of_history(row), getattr(settings, _ABSOLUTE[row.seconds]) or None]
    return min((limit for limit in limits if limit is not None), default=None)


def _of_history(row: Reading) -> int | None:
    """So many times the most that it read in a period before; None: there is no history to compare with."""
    if not settings.ANOMALY_FACTOR:
        return None
    before = _of(row).filter(start__lt=row.start, start__gte=row.start - _HISTORY[row.seconds])
    first = before.aggregate(first=Min("start"))["first"]
    if first is None or first > row.start - _NEW[row.seconds]:
        return None
    most: int = before.filter(unusual=False).aggregate(most=Max("people"))["most"] or 0
    factor: int = settings.ANOMALY_FACTOR
    least: int = settings.ANOMALY_LEAST
    return max(factor * most, least)
