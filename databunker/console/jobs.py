"""What happens in time by itself: which tasks there are, how they went, and when their turn is."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import witness
from databunker.access.permissions import Permission
from databunker.erasure import pushing
from databunker.ids import unix_now
from gdpr.maintenance import OUTBOX, Task, tasks
from gdpr.models import TaskRun
from gdpr.task_runs import list_runs

from .access import AccessPage
from .outgoing import KIND_NAMES

__all__ = ["Jobs"]

# So many turns may be missed before it is told: a pass may take long, and runs are noted once a minute.
_MISSED = 3
_LEAST_SECONDS = 300


class Line(NamedTuple):
    """A task in words. `next` is Unix seconds, None for what has its turn each second or never had one."""

    name: str
    run: TaskRun | None
    state: str
    tone: str
    next: int | None
    prompt: bool


class Jobs(AccessPage):
    template_name = "console/jobs.html"
    tab = "jobs"
    permission = Permission.CONFIGURATION_READ

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        runs, now = list_runs(self.actor), unix_now()
        lines = [_line(task, runs.get(task.name), now) for task in tasks()]
        latest = max((line.run.ended for line in lines if line.run), default=None)
        stopped = latest is None or latest < now - _longest_pause(prompt=False)
        return self.render(lines=lines, latest=latest, stopped=stopped, every=settings.MAINTENANCE_SECONDS)


def _line(task: Task, run: TaskRun | None, now: int) -> Line:
    state, tone = _state(task, run, now)
    turn = None if run is None or task.prompt else run.ended + settings.MAINTENANCE_SECONDS
    return Line(_named(task.name), run, state, tone, turn, task.prompt)


def _named(name: str) -> str:
    """The words for a task; for one that sends messages, of which kind."""
    kind, outbox = name.removeprefix(OUTBOX), _("outbox")
    if kind == name:
        return _(name)
    return f"{outbox}: {_KINDS.get(kind, kind)}"


_KINDS = {**KIND_NAMES, witness.KIND: gettext_lazy("signed heads"), pushing.KIND: gettext_lazy("erasures")}


def _state(task: Task, run: TaskRun | None, now: int) -> tuple[str, str]:
    if run is None:
        return _("has not run yet"), ""
    if run.outcome:
        return _("failed"), "bad"
    if run.ended < now - _longest_pause(prompt=task.prompt):
        return _("late"), "warning"
    return (_("done"), "good") if run.complete else (_("more is left"), "info")


def _longest_pause(*, prompt: bool) -> int:
    """For how long nothing is heard of a task before something is wrong."""
    return _LEAST_SECONDS if prompt else max(_MISSED * settings.MAINTENANCE_SECONDS, _LEAST_SECONDS)
