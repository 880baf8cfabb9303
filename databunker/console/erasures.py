"""An erasure wherever one is decided: what it would do, when, the word that is typed for it, and what is told then."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.ids import unix_now
from gdpr.queries import Erased, ErasurePreview, Kept

from .people.words import PART_NAMES, WHY_NAMES

__all__ = ["Erasure", "TypedForm", "erasure_told", "shown_erasure"]

_DAY = 86_400
_SHORTEST = 8


class Erasure(NamedTuple):
    """What the parts `console/parts/erasure*.html` show: what goes and what stays, each with its names.

    `lapsing` is how many open requests end with it, `days` how long it waits; 0: it happens at once.
    """

    restricted: bool
    erased: list[tuple[str | Promise, Erased]]
    kept: list[tuple[str | Promise, str | Promise, Kept]]
    lapsing: int
    days: int


def shown_erasure(preview: ErasurePreview, *, lapsing: int) -> Erasure:
    # One that is scheduled already stays as it is.
    waits = preview.waits if preview.due is None else min(preview.waits, max(preview.due - unix_now(), 1))
    return Erasure(
        preview.restricted,
        [(PART_NAMES[part.part], part) for part in preview.erased],
        [(PART_NAMES[part.part], WHY_NAMES[part.why], part) for part in preview.kept],
        lapsing,
        -(-waits // _DAY),
    )


def erasure_told(*, waits: bool) -> str:
    """What is said when it was decided."""
    return _("The erasure waits, and can be withdrawn until then.") if waits else _("The person is forgotten.")


class TypedForm(forms.Form):
    """Wants the beginning of the token that the page shows, as what it does can't be undone."""

    token = forms.CharField(
        label=gettext_lazy("First eight characters of the token"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, person: UUID, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person = person

    def clean_token(self) -> str:
        typed: str = self.cleaned_data["token"].strip().lower().rstrip("…")
        if len(typed) < _SHORTEST or not str(self._person).startswith(typed):
            raise forms.ValidationError(_("This is not the beginning of this person's token."))
        return typed
