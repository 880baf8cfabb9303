"""Whether the vault looks after itself: its seal, its keys, and what waits to go out. Holds nothing personal."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings

from audit.search import SealState, seal_state
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.crypto import ageing, store
from databunker.db.counting import Count, counts_of
from databunker.db.planning import of_tenant
from databunker.ids import unix_now
from databunker.notify.models import Job, JobState

from ..task_runs import list_runs

__all__ = ["Upkeep", "read_upkeep"]

# A message is tried anew within minutes; what is due for longer nobody takes.
LATE_SECONDS = 900
MISSED_PASSES = 3
MOST_COUNTED = 1_000


class Upkeep(NamedTuple):
    """`old_keys` are in use for longer than KEY_LIFETIME; `dead` messages were given up, `late` ones nobody takes.

    `failing` tasks of the scheduler ended in a failure when they last ran; `stopped`: none has run lately.
    """

    seal: SealState
    old_keys: int
    failing: int
    stopped: bool
    dead: Count
    late: Count


def read_upkeep(actor: Actor) -> Upkeep:
    """
    Raises:
        AccessDenied: the actor may not read how the vault is set up.
    """
    require(actor, Permission.CONFIGURATION_READ)
    now = unix_now()
    jobs = of_tenant(Job.objects.all(), actor.tenant)
    found = counts_of(
        {
            "dead": jobs.filter(state=JobState.DEAD),
            "late": jobs.filter(state=JobState.DUE, next_attempt__lt=now - LATE_SECONDS),
        },
        most=MOST_COUNTED,
    )
    old = ageing.overdue_keys(store.stored_keys(), now=now)
    runs = list_runs(actor).values()
    heard = max((run.ended for run in runs), default=0)
    return Upkeep(
        seal=seal_state(actor.tenant),
        old_keys=len(old),
        failing=sum(bool(run.outcome) for run in runs),
        stopped=heard < now - max(MISSED_PASSES * settings.MAINTENANCE_SECONDS, LATE_SECONDS),
        dead=found["dead"],
        late=found["late"],
    )
