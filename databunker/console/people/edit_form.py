"""The form of a profile: a field for each of its leaves, whatever they are called, and room for one more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker import jsontext
from databunker.errors import BadRequest
from databunker.pages.diffs import field_text
from gdpr.actions import MAX_REASON
from vault.leaves import leaves, path_of, pointer_of, with_leaves

__all__ = ["EditForm", "WhyForm"]

_AT, _REMOVE = "at", "remove"  # what the names of inputs begin with; a JSON Pointer follows
_LONG = 60
_A_MOST = 1 << 20


class WhyForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("Why the profile is changed. It stands in the trail, and the person can read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class EditForm(WhyForm):
    """`profile` is the one that is changed, at `version`; what was typed of fields that it hasn't any more stays.

    A field that held a text holds a text afterwards; all others are written as JSON, so that a number stays one.
    """

    version = forms.IntegerField(widget=forms.HiddenInput)
    new_path = forms.CharField(
        label=gettext_lazy("Further field"),
        required=False,
        max_length=256,
        help_text=gettext_lazy("Its name; with dots for what is inside of another: address.street"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    new_value = forms.CharField(label=gettext_lazy("Its value"), required=False, strip=False, max_length=_A_MOST)

    def __init__(self, data: dict[str, str] | None, *, profile: dict[str, Any], **initial: Any) -> None:
        super().__init__(data, initial=initial)
        self.stale = False
        self.fields["reason"].widget = forms.HiddenInput()
        self.profile = profile
        self.there = leaves(profile)
        typed = [name[len(_AT) :] for name in data or () if name.startswith(f"{_AT}/")]
        self.pointers = [pointer for pointer in dict.fromkeys([*self.there, *typed]) if pointer]
        for pointer in self.pointers:
            self.fields[_AT + pointer] = self._input(pointer)
            self.fields[_REMOVE + pointer] = forms.BooleanField(label=_("Remove %s") % path_of(pointer), required=False)

    def _input(self, pointer: str) -> forms.CharField:
        text = field_text(self.there.get(pointer, ""))
        long = len(text) > _LONG or "\n" in text or "\r" in text
        return forms.CharField(
            label=path_of(pointer),
            required=False,
            strip=False,
            max_length=_A_MOST,
            initial=text,
            help_text="" if self._is_text(pointer) else _("As JSON: a number, true, false, null, or a list."),
            widget=forms.Textarea(attrs={"rows": 3}) if long else forms.TextInput(attrs={"autocomplete": "off"}),
        )

    def _is_text(self, pointer: str) -> bool:
        return isinstance(self.there.get(pointer, ""), str)

    @property
    def rows(self) -> list[tuple[Any, Any, str | None]]:
        """Each field with the box that removes it, and the value that it has by now where something else was typed."""
        return [(self[_AT + at], self[_REMOVE + at], self._now(at)) for at in self.pointers]

    def _now(self, pointer: str) -> str | None:
        if not self.is_bound or not self.stale:
            return None
        now = field_text(self.there[pointer]) if pointer in self.there else _("it is not there any more")
        return None if _same(now, self.data.get(_AT + pointer, "")) else now

    def go_stale(self, version: int, before: dict[str, Any]) -> None:
        """The profile is not what it was `before`, when the form was shown, but at `version`.

        What was typed stays, and meets what is there now; what nobody has touched follows.
        """
        self.stale = True
        new = {_AT + at: field_text(value) for at, value in self.there.items()}
        data = {**new, **self.data, "version": str(version)}
        for at, value in leaves(before).items():
            if not _same(self.data.get(_AT + at, ""), field_text(value)):
                continue
            if at in self.there:
                data[_AT + at] = field_text(self.there[at])
            elif at in self.pointers:
                self.pointers.remove(at)
                del self.fields[_AT + at], self.fields[_REMOVE + at]
        self.data = data
        self.add_error(None, _("The profile has changed meanwhile, and nothing was saved: see what it says now."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        removed = frozenset(at for at in self.pointers if cleaned.get(_REMOVE + at))
        changed = {}
        for at in self.pointers:
            if at in removed:
                continue
            typed = cleaned.get(_AT + at, "")
            if not _same(typed, field_text(self.there.get(at, ""))) or at not in self.there:
                changed[at] = self._parsed(at, typed)
        new = self._new(cleaned)
        try:
            cleaned["after"] = with_leaves(self.profile, {**changed, **new}, removed & self.there.keys())
        except BadRequest:
            self.add_error("new_path" if new else None, _("No field can be inside of this one."))
        return cleaned

    def _new(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        path, value = cleaned.get("new_path", ""), cleaned.get("new_value", "")
        if not path:
            if value:
                self.add_error("new_path", _("Say what this field is called."))
            return {}
        pointer = pointer_of(path)
        if any(at == pointer or at.startswith(f"{pointer}/") for at in self.there):
            self.add_error("new_path", _("There is this field already."))
        return {pointer: value}

    def _parsed(self, pointer: str, typed: str) -> Any:
        if self._is_text(pointer):
            return typed.replace("\r\n", "\n")
        try:
            return jsontext.loads(typed.encode())
        except (BadRequest, UnicodeEncodeError):
            self.add_error(_AT + pointer, _("This is no JSON."))
            return None

    def refuse(self, path: tuple[str | int, ...], told: str) -> None:
        """Tell of a mistake at the field that it is in, or above all where there is none."""
        inside = "/" + "/".join(str(step) for step in path)
        at = next((at for at in self.pointers if inside == at or inside.startswith(f"{at}/")), None)
        if at is not None:
            self.add_error(_AT + at, told)
        elif self.cleaned_data.get("new_path") and inside == pointer_of(self.cleaned_data["new_path"]):
            self.add_error("new_value", told)
        else:
            self.add_error(None, f"{'.'.join(map(str, path))}: {told}" if path else told)


def _same(typed: str, text: str) -> bool:
    """Browsers send every end of a line as two characters."""
    return typed.replace("\r\n", "\n") == text.replace("\r\n", "\n")
