"""The forms of the queue of requests."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from databunker.access.actor import Actor, ActorKind
from gdpr.actions import MAX_REASON
from gdpr.models import RequestAction
from gdpr.queries.deadlines import Urgency
from gdpr.states import UNDECIDED, State, states_of
from vault import identities

from .erasures import TypedForm

__all__ = [
    "ACTION_NAMES",
    "STATE_NAMES",
    "AssignForm",
    "CommentForm",
    "FindByNumberForm",
    "FindRequestsForm",
    "ForgetForm",
    "ReasonForm",
    "RequestFilterForm",
]

ACTION_NAMES: dict[RequestAction, str | Promise] = {
    RequestAction.FORGET_ME: _("Forget me"),
    RequestAction.CHANGE_PROFILE: _("Change of the profile"),
    RequestAction.CHANGE_APP_DATA: _("Change of application data"),
    RequestAction.AGREEMENT_WITHDRAW: _("Withdrawal of an agreement"),
}
STATE_NAMES: dict[State, tuple[str | Promise, str]] = {
    State.OPEN: (_("open"), "info"),
    State.AWAITING_IDENTITY: (_("awaits proof of identity"), "warning"),
    State.APPROVED: (_("approved"), "good"),
    State.CANCELED: (_("taken back"), ""),
    State.REFUSED: (_("refused"), "bad"),
}
_ALL = "all"
# What lets go of all undecided ones is the peer's word for them.
_UNDECIDED = State.OPEN.status
_STATUSES = [
    (_UNDECIDED, _("to be decided")),
    (State.AWAITING_IDENTITY.label, _("awaits proof of identity")),
    (State.APPROVED.label, _("approved")),
    (State.REFUSED.label, _("refused")),
    (State.CANCELED.label, _("taken back or refused")),
    (_ALL, _("any")),
]
_KINDS = [(_ALL, _("all")), *((action.label, ACTION_NAMES[action]) for action in RequestAction)]
_URGENCIES = [
    (_ALL, _("any time")),
    (Urgency.OVERDUE.value, _("overdue")),
    (Urgency.SOON.value, _("due within 7 days")),
    (Urgency.LATER.value, _("due later")),
]
_DAY = 86_400
_MINE, _NOBODYS = "me", "nobody"
_ASSIGNED = [(_ALL, _("anybody")), (_MINE, _("me")), (_NOBODYS, _("nobody"))]


class RequestFilterForm(forms.Form):
    """Which requests are shown."""

    status = forms.ChoiceField(label=_("State"), choices=_STATUSES)
    kind = forms.ChoiceField(label=_("Kind"), choices=_KINDS)
    due = forms.ChoiceField(label=_("Answer due"), choices=_URGENCIES)
    assigned = forms.ChoiceField(label=_("Assigned to"), choices=_ASSIGNED)
    week = forms.DateField(
        label=_("Received in the week of"),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    @classmethod
    def of(cls, query: QueryDict) -> RequestFilterForm:
        """As the address has it; what can't be read there is as if it were not there."""
        status, kind, due, assigned = (query.get(name, "") for name in ("status", "kind", "due", "assigned"))
        read = {
            "status": status if status in dict(_STATUSES) else _UNDECIDED,
            "kind": kind if kind in dict(_KINDS) else _ALL,
            "due": due if due in dict(_URGENCIES) else _ALL,
            "assigned": assigned if assigned in dict(_ASSIGNED) else _ALL,
        }
        form = cls({**read, "week": query.get("week", "")})
        if not form.is_valid():
            form = cls(read)
            form.full_clean()
        return form

    @property
    def chosen_status(self) -> str | None:
        """None: any."""
        status: str = self.cleaned_data["status"]
        return None if status == _ALL else status

    @property
    def chosen_action(self) -> RequestAction | None:
        return next((action for action in RequestAction if action.label == self.cleaned_data["kind"]), None)

    @property
    def chosen_urgency(self) -> Urgency | None:
        """Of what is decided nothing is due: there the choice says nothing."""
        undecided = self.chosen_status is not None and states_of(self.chosen_status) <= UNDECIDED
        return next((one for one in Urgency if undecided and one.value == self.cleaned_data["due"]), None)

    @property
    def chosen_week(self) -> range | None:
        """The Unix seconds of the week that has the day, from Monday, in UTC."""
        day: dt.date | None = self.cleaned_data["week"]
        if day is None:
            return None
        start = calendar.timegm(day.timetuple()) - day.weekday() * _DAY
        return range(start, start + 7 * _DAY)

    def assignee_for(self, actor: Actor) -> int | None:
        """As `queries.list_requests` takes it. Whoever is no account has none: nobody's are then its own."""
        chosen = self.cleaned_data["assigned"]
        if chosen == _MINE and actor.kind is ActorKind.ACCOUNT:
            return actor.token_id
        return None if chosen == _ALL else 0


class FindRequestsForm(forms.Form):
    """Whose requests are looked for."""

    mode = forms.ChoiceField(label=_("Find by"))
    identity = forms.CharField(
        label=_("Value"), widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = {"email": _("e-mail"), "phone": _("phone"), "login": _("login"), "token": _("token")}
        modes = dict.fromkeys(["email", "phone", "login", "token", *identities.configured()])
        self.fields["mode"].choices = [(mode, names.get(mode, mode)) for mode in modes]  # type: ignore[attr-defined]


class FindByNumberForm(FindRequestsForm):
    """The same, or one request by its number, which people see at the portal."""

    NUMBER = "request-number"  # no identity has a name with a hyphen

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mode: Any = self.fields["mode"]
        mode.choices = [*mode.choices, (self.NUMBER, _("number of the request"))]

    @property
    def number(self) -> str:
        """Of a valid form: the number that is looked for; empty where it is a person."""
        by_number = self.cleaned_data["mode"] == self.NUMBER
        return str(self.cleaned_data["identity"]).lower() if by_number else ""


class ReasonForm(forms.Form):
    """Why something is done with a request; `step` is what, so that a mistake is told at the form where it was made."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Any, *, step: str, needs_reason: bool = False) -> None:
        super().__init__(data, auto_id=f"{step}-%s")
        self.step = step
        self.fields["reason"].required = needs_reason


class ForgetForm(TypedForm, ReasonForm):
    """The same where somebody is forgotten by it."""

    field_order = ("token", "reason")


class AssignForm(forms.Form):
    """Who looks after a request: one of `accounts`, by number and name, or nobody."""

    account = forms.TypedChoiceField(label=_("Assigned to"), coerce=int, empty_value=None, required=False)

    def __init__(self, data: Any = None, *, accounts: dict[int, str], initial: Any = None) -> None:
        super().__init__(data, initial=initial, auto_id="assign-%s")
        self.fields["account"].choices = [("", _("nobody")), *accounts.items()]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> int | None:
        account: int | None = self.cleaned_data["account"]
        return account


class CommentForm(forms.Form):
    """What is said about a request among those who decide."""

    comment = forms.CharField(label=_("Comment"), max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="comment-%s")
