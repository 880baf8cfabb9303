"""A form over a JSON document: a field for each value, and the change that the filled-in form asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker import jsontext
from databunker.errors import VaultError
from databunker.pages.errors import explained
from vault import patch
from vault.schema import Fault, RecordSchema

from .documents import Row, rows_of

__all__ = ["MOST_FIELDS", "EditForm"]

MOST_FIELDS = 300  # more make no form that anybody fills in, and Django takes no more than a thousand
_LONG = 80
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_GONE = object()


class EditForm(forms.Form):
    """`version` is that of the document which its reader has seen.

    Texts, numbers and yes or no keep their kind. A field that is emptied is taken out of the document, and what is
    empty stays as it is until something is typed. Empty lists and objects have no field.
    """

    use_required_attribute = False
    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, document: Any, version: int, rules: RecordSchema | None = None) -> None:
        super().__init__(data, initial={"version": version})
        self._document, self._rules = document, rules
        rows = [row for row in rows_of(document) if row.value not in ({}, [])]
        self.is_cut = len(rows) > MOST_FIELDS
        self._rows = {_name(row): row for row in rows[:MOST_FIELDS]}
        for name, row in self._rows.items():
            self.fields[name] = self._field(row)

    @property
    def values(self) -> list[forms.BoundField]:
        """The fields that are shown."""
        return [self[name] for name in self._rows]

    def _field(self, row: Row) -> forms.Field:
        told: dict[str, Any] = {"label": row.label, "initial": _typed(row.value)}
        if self._rules and self._rules.is_marked("locked", row.path):
            told |= {"disabled": True, "help_text": _("This can't be changed.")}
        elif self._rules and settings.SELFSERVICE_USER_RECORD_CHANGE and self._rules.is_marked("admin", row.path):
            told["help_text"] = _("Somebody has to approve a change of this.")
        if isinstance(row.value, bool):
            return forms.ChoiceField(choices=[("true", _("yes")), ("false", _("no"))], **told)
        if _is_number(row.value):
            return _NumberField(**told)
        return _TextField(widget=_widget(row.value), **told)

    def change(self) -> list[dict[str, Any]]:
        """What the filled-in form makes of the document, as a JSON Patch (RFC 6902); empty: nothing."""
        replaced, removed = [], []
        for name, row in self._rows.items():
            after = _meant(row.value, self.cleaned_data[name])
            if after is _GONE:
                removed.append({"op": "remove", "path": row.pointer})
            elif not patch.equal(after, row.value):
                replaced.append({"op": "replace", "path": row.pointer, "value": after})
        # From the last on, as what is taken out of a list moves what follows.
        return [*replaced, *reversed(removed)]

    def tell(self, refusal: VaultError) -> None:
        """Say what is wrong at the fields that are, or above the form where no field is."""
        broken: list[tuple[str | None, str]] = [*self._broken()]
        for name, words in broken or [self._named_by(refusal)]:
            self.add_error(name, words)

    def _broken(self) -> Iterable[tuple[str, str]]:
        """The fields that break the record schema."""
        if self._rules is None:
            return
        after = patch.apply(self._document, self.change(), max_bytes=settings.MAX_BODY_BYTES)
        for fault in self._rules.faults(after):
            for name, row in self._rows.items():
                if row.path == fault.path:
                    yield name, _in_words(fault)

    def _named_by(self, refusal: VaultError) -> tuple[str | None, str]:
        """Refusals of identities name the field: `phone is not a telephone number`, `duplicate index: email`."""
        words = set(re.findall(r"\w+", refusal.message))
        named = [name for name, row in self._rows.items() if len(row.path) == 1 and row.path[0] in words]
        if len(named) == 1:
            return named[0], _("This can't be used: it is not complete, or belongs to somebody else.")
        return None, explained(refusal)


class _TextField(forms.CharField):
    """May be emptied, which takes the value out: the form does not call it optional."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def validate(self, value: Any) -> None:
        """Whatever is typed is text."""


class _NumberField(_TextField):
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and not _NUMBER.fullmatch(text):
            raise forms.ValidationError(_("This must be a number, such as 12 or 12.5."))
        return text


def _name(row: Row) -> str:
    """Of the form's field: the same for the same place, with signs that every name may have."""
    return f"v{row.pointer.encode().hex()}"


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | bool | type(None))


def _typed(value: Any) -> str:
    """How a value stands in its field."""
    if value is None or isinstance(value, str):
        return value or ""
    return jsontext.dumps(value).decode()


def _meant(before: Any, text: str) -> Any:
    """The value that `text` says in the place of `before`."""
    if _lines(text) == _lines(_typed(before)):
        return before
    if not text:
        return _GONE
    if isinstance(before, str | None):
        return _lines(text)
    return jsontext.loads(text.encode())


def _lines(text: str) -> str:
    """Browsers send each end of a line as two signs."""
    return text.replace("\r\n", "\n")


def _widget(value: str | None) -> forms.Widget:
    text = value or ""
    if "\n" in text or len(text) > _LONG:
        return forms.Textarea(attrs={"rows": 4})
    return forms.TextInput(attrs={"autocomplete": "off"})


_MISSING = gettext_lazy("This can't be left empty.")
_UNFIT = gettext_lazy("This is not what is expected here.")


def _in_words(fault: Fault) -> str:
    return str(_MISSING if "missing" in fault.rule else _UNFIT)
