"""The console's first page: what is due, what has come and gone, and whether the vault looks after itself.

Each part is for those who may see the list that it leads to. Numbers have bounds (see `gdpr.queries.overview`), so that
the page is as quick in a vault of millions.
"""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.access.actor import ActorKind
from databunker.access.permissions import Permission
from databunker.accounts import queries as accounts
from databunker.db.counting import Count
from databunker.ids import unix_now
from databunker.pages.charts import Series
from databunker.pages.paging import PAGE_SIZE
from databunker.watch.models import IncidentKind
from databunker.watch.overview import Unusual, access_volume, unusual_access
from gdpr.models import RequestAction
from gdpr.queries import overview
from gdpr.queries.upkeep import Upkeep, read_upkeep

from .audit import seal_words
from .audit_forms import KIND_NAMES
from .forms import ROLE_NAMES
from .pages import ConsolePage
from .people.search import may_browse
from .request_forms import ACTION_NAMES

__all__ = ["Dashboard"]

WEEKS, DAYS_BACK, DAYS_AHEAD = 12, 14, 30
_DAY = 86_400
_MOST_INCIDENTS = 5
_INCIDENT_NAMES: dict[IncidentKind, str | Promise] = {
    IncidentKind.HOUR: gettext_lazy("unusually many people in an hour"),
    IncidentKind.DAY: gettext_lazy("unusually many people in a day"),
    IncidentKind.CANARY: gettext_lazy("a canary was read"),
}


class Figure(NamedTuple):
    """A number, what it counts, and where the list of that is; `tone` makes it stand out."""

    value: str
    label: str | Promise
    link: str = ""
    tone: str = ""


class Bars(NamedTuple):
    """What `{% bar_chart %}` draws."""

    title: str
    labels: list[str]
    series: list[Series]

    @property
    def empty(self) -> bool:
        return not any(any(one.values) for one in self.series)


class Incident(NamedTuple):
    view: Unusual
    name: str | Promise
    who: str | Promise
    link: str


class Dashboard(ConsolePage):
    template_name = "console/dashboard.html"
    section = "dashboard"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        shown: dict[str, Any] = {}
        for permission, part in (
            (Permission.REQUEST_LIST, self._requests),
            (Permission.LEGAL_BASIS_READ, self._consents),
            (Permission.RETENTION_READ, self._retention),
            (Permission.AUDIT_LIST_ALL, self._access),
            (Permission.CONFIGURATION_READ, self._upkeep),
        ):
            if self.may(permission):
                shown |= part()
        return self.render(**shown, **self._own())

    def _own(self) -> dict[str, Any]:
        account = self.account
        return {
            "sessions": accounts.own_sessions(self.actor),
            "codes_left": accounts.own_codes_left(account) if account else 0,
            "role": ROLE_NAMES[account.role] if account else "",
        }

    def _requests(self) -> dict[str, Any]:
        waiting, past = overview.open_requests(self.actor), overview.requests_behind(self.actor, weeks=WEEKS)
        queue = reverse("console:requests")
        late = "bad" if waiting.overdue else ""
        days = "–" if past.days is None else _("%s days") % formats.number_format(round(past.days, 1), 1)
        return {
            "requests": [
                Figure(_number(waiting.overdue, more=waiting.more), _("overdue"), f"{queue}?due=overdue", late),
                Figure(
                    _number(waiting.soon),
                    _("due within 7 days"),
                    f"{queue}?due=soon",
                    "warning" if waiting.soon else "",
                ),
                Figure(_number(waiting.later), _("due later"), f"{queue}?due=later"),
                Figure(_number(waiting.standing), _("wait for proof of identity"), f"{queue}?status=awaiting-identity"),
                Figure(days, _("median time to a decision, last 12 weeks"), f"{queue}?status=approved"),
            ],
            "weeks": Bars(
                _("Requests a week"),
                [_short(day) for day in past.starts],
                [
                    Series(
                        str(ACTION_NAMES[action]),
                        past.made[action],
                        tone,
                        [_asked(queue, action, monday) for monday in past.starts],
                    )
                    for tone, action in enumerate(RequestAction, 1)
                ],
            ),
            "weeks_more": past.more,
        }

    def _consents(self) -> dict[str, Any]:
        found = overview.consents_in_numbers(self.actor)
        return {"consents": [(one, _counted(one.accepted), _counted(one.withdrawn)) for one in found]}

    def _retention(self) -> dict[str, Any]:
        ahead = overview.ends_ahead(self.actor, days=DAYS_AHEAD)
        today = dt.datetime.now(tz=dt.UTC).date()
        labels = [_short(today + dt.timedelta(days=number)) for number in range(DAYS_AHEAD)]
        listed = reverse("console:ending_people")
        # The list has the next one first: each number leads to the page where its day begins.
        before = itertools.accumulate(ahead.days[:-1], initial=0)
        pages = [f"{listed}?page={number // PAGE_SIZE + 1}" for number in before]
        return {
            "ending": Figure(
                _number(ahead.total, more=ahead.more), _("people's time is over in the next 30 days"), listed
            ),
            "ends": Bars(_("People to be forgotten"), labels, [Series(_("people"), ahead.days, links=pages)]),
        }

    def _access(self) -> dict[str, Any]:
        volume = access_volume(self.actor, days=DAYS_BACK)
        days = [dt.datetime.fromtimestamp(start, tz=dt.UTC).date() for start in volume.days]
        people, forgotten = overview.people_in_numbers(self.actor, days=DAYS_AHEAD)
        since = dt.datetime.fromtimestamp(unix_now() - DAYS_AHEAD * _DAY, tz=dt.UTC).date().isoformat()
        trail = reverse("console:audit")
        return {
            "people": [
                Figure(
                    _counted(people),
                    _("people in the vault"),
                    reverse("console:everybody" if may_browse(self) else "console:people"),
                ),
                Figure(
                    _counted(forgotten),
                    _("forgotten in the last 30 days"),
                    f"{trail}?{urlencode({'action': 'record.forget', 'since': since})}",
                ),
            ],
            "volume": Bars(
                _("People read in a day"),
                [_short(day) for day in days],
                [
                    Series(str(KIND_NAMES[kind]), read, tone, [_done(trail, kind, day) for day in days])
                    for tone, (kind, read) in enumerate(volume.read.items(), 1)
                ],
            ),
            "incidents": [_incident(one) for one in unusual_access(self.actor, days=DAYS_AHEAD, limit=_MOST_INCIDENTS)],
        }

    def _upkeep(self) -> dict[str, Any]:
        state = read_upkeep(self.actor)
        sealed, tone = seal_words(state.seal, unix_now())
        keys = (_("older than they may be"), "warning") if state.old_keys else (_("in order"), "good")
        return {
            "upkeep": [
                Figure(sealed, _("Audit trail"), self._link("console:audit", Permission.AUDIT_LIST_ALL), tone),
                Figure(keys[0], _("Keys"), self._link("console:keys", Permission.KEY_MANAGE), keys[1]),
                _jobs(state, self._link("console:jobs", Permission.CONFIGURATION_READ)),
                _outgoing(state, self._link("console:outgoing", Permission.NOTIFICATION_MANAGE)),
            ]
        }

    def _link(self, view: str, permission: Permission) -> str:
        return reverse(view) if self.may(permission) else ""


def _asked(queue: str, action: RequestAction, monday: dt.date) -> str:
    """The requests of one kind that came in one week, whatever became of them."""
    return f"{queue}?{urlencode({'status': 'all', 'kind': action.label, 'week': monday})}"


def _done(trail: str, kind: ActorKind, day: dt.date) -> str:
    """What callers of one kind did on one day."""
    return f"{trail}?{urlencode({'since': day, 'until': day, 'who': kind.label})}"


def _jobs(state: Upkeep, link: str) -> Figure:
    if state.stopped:
        return Figure(_("none has run lately: does the scheduler run?"), _("Jobs"), link, "bad")
    if state.failing:
        return Figure(_("some fail"), _("Jobs"), link, "bad")
    return Figure(_("in order"), _("Jobs"), link, "good")


def _outgoing(state: Upkeep, link: str) -> Figure:
    if state.late.number:
        return Figure(_("wait: does the scheduler run?"), _("Messages to send"), link, "bad")
    if state.dead.number:
        return Figure(_("some were given up"), _("Messages to send"), link, "warning")
    return Figure(_("in order"), _("Messages to send"), link, "good")


def _incident(view: Unusual) -> Incident:
    link = reverse("console:incident", args=[view.number])
    return Incident(view, _INCIDENT_NAMES[view.kind], KIND_NAMES[view.actor_kind], link)


def _number(number: int, *, more: bool = False) -> str:
    text: str = formats.number_format(number, force_grouping=True)
    return f"{text}+" if more else text


def _counted(count: Count) -> str:
    return _number(count.number, more=count.more)


def _short(day: dt.date) -> str:
    text: str = formats.date_format(day, "j M", use_l10n=False)
    return text
