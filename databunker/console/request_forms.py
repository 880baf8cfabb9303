"""The forms of the queue of requests."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gdpr.actions import MAX_REASON
from gdpr.models import RequestAction
from gdpr.states import State
from vault import identities

__all__ = ["ACTION_NAMES", "STATE_NAMES", "FindRequestsForm", "ReasonForm", "RequestFilterForm"]

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
# What lets go of all undecided ones is the peer's word for them.
_UNDECIDED = State.OPEN.status
_STATUSES = [
    (_UNDECIDED, _("to be decided")),
    (State.AWAITING_IDENTITY.label, _("awaits proof of identity")),
    (State.APPROVED.label, _("approved")),
    (State.REFUSED.label, _("refused")),
    (State.CANCELED.label, _("taken back or refused")),
]
_ALL = "all"
_KINDS = [(_ALL, _("all")), *((action.label, ACTION_NAMES[action]) for action in RequestAction)]


class RequestFilterForm(forms.Form):
    """Which requests are shown."""

    status = forms.ChoiceField(label=_("State"), choices=_STATUSES)
    kind = forms.ChoiceField(label=_("Kind"), choices=_KINDS)

    @classmethod
    def of(cls, query: QueryDict) -> RequestFilterForm:
        """As the address has it; what can't be read there is as if it were not there."""
        status, kind = query.get("status", ""), query.get("kind", "")
        form = cls(
            {
                "status": status if status in dict(_STATUSES) else _UNDECIDED,
                "kind": kind if kind in dict(_KINDS) else _ALL,
            }
        )
        form.full_clean()
        return form

    @property
    def chosen_status(self) -> str:
        status: str = self.cleaned_data["status"]
        return status

    @property
    def chosen_action(self) -> RequestAction | None:
        return next((action for action in RequestAction if action.label == self.cleaned_data["kind"]), None)


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


class ReasonForm(forms.Form):
    """Why something is done with a request; `step` is what, so that a mistake is told at the form where it was made."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    sure = forms.BooleanField(label=_("I know that this can't be undone."), required=False)

    def __init__(self, data: Any, *, step: str, needs_reason: bool = False, needs_sure: bool = False) -> None:
        super().__init__(data, auto_id=f"{step}-%s")
        self.step = step
        self.fields["reason"].required = needs_reason
        self.fields["sure"].required = needs_sure
        if not needs_sure:
            del self.fields["sure"]
