"""A profile is changed after a preview: exactly as shown, or not at all, and nothing typed is lost."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from databunker.access.models import TokenKind
from tests.api.helpers import told_by
from tests.conftest import Api, new_token

from .conftest import Visitor, make_account, text_of

PROFILE = {
    "login": "ann",
    "email": "ann@example.com",
    "name": "Ann Example",
    "age": 41,
    "amount": 0.5,
    "tags": ["a", "b"],
    "address": {"street": "1 Long Road", "a/b~c": "odd"},
    "note": "two\nlines",
}


@pytest.fixture
def root(vault: None) -> Api:
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def ann(root: Api) -> str:
    return root.create(**PROFILE)


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def sent_by(answer: Any) -> dict[str, str]:
    """What a browser would send of the page's form with the fields as they are."""
    html = answer.content.decode()
    form = html[html.index("<form", html.index("<main")) :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and ('type="checkbox"' not in tag or "checked" in tag):
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, value in re.findall(r'<textarea name="([^"]*)"[^>]*>\r?\n?(.*?)</textarea>', form, re.DOTALL):
        found[unescape(name)] = unescape(value)
    found.pop("csrfmiddlewaretoken", None)
    return {name: value.replace("\r\n", "\n").replace("\n", "\r\n") for name, value in found.items()}


def opened(officer: Visitor, ann: str) -> dict[str, str]:
    answer = officer.post(f"/console/people/{ann}/edit", reason="a letter of 3 May")
    assert answer.status_code == 200
    return sent_by(answer)


def profile_of(root: Api, ann: str) -> dict[str, Any]:
    found: dict[str, Any] = root.get(f"/v1/user/token/{ann}").json()["data"]
    return found


def test_the_form_opens_for_a_reason_and_tells_of_it(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/edit"
    assert "Ann Example" not in text_of(officer.get(path))
    with told_by() as told:
        answer = officer.post(path, reason=" ")
    assert answer.status_code == 422
    assert "Ann Example" not in answer.content.decode()
    assert "person.reveal" not in [event.code for event in told]
    with told_by() as told:
        answer = officer.post(path, reason="a letter of 3 May")
    assert 'value="Ann Example"' in answer.content.decode()
    (event,) = [event for event in told if event.code == "person.reveal"]
    assert (event.who, event.detail) == ("account", {"purpose": "a letter of 3 May"})


def test_what_is_typed_is_shown_before_it_is_saved(officer: Visitor, root: Api, ann: str) -> None:
    fields = {**opened(officer, ann), "at/name": "Ann Other", "at/age": "42", "remove/address/street": "on"}
    fields |= {"new_path": "address.city", "new_value": "Bergen"}
    preview = officer.post(f"/console/people/{ann}/edit/preview", **fields)
    assert preview.status_code == 200
    html = preview.content.decode()
    for shown in ("Ann Example", "41", "1 Long Road"):
        assert f"<del>{shown}</del>" in html
    for shown in ("Ann Other", "42", "Bergen"):
        assert f"<ins>{shown}</ins>" in html
    assert "4 fields change" in text_of(preview)
    assert profile_of(root, ann) == PROFILE
    with told_by() as told:
        saved = officer.post(f"/console/people/{ann}/edit/save", **sent_by(preview))
    assert (saved.status_code, saved["Location"]) == (303, f"/console/people/{ann}")
    expected = {**PROFILE, "name": "Ann Other", "age": 42, "address": {"a/b~c": "odd", "city": "Bergen"}}
    assert profile_of(root, ann) == expected
    (event,) = [event for event in told if event.code == "record.change"]
    assert event.detail["purpose"] == "a letter of 3 May"


def test_nothing_is_changed_by_what_was_not_touched(officer: Visitor, ann: str) -> None:
    answer = officer.post(f"/console/people/{ann}/edit/preview", **opened(officer, ann))
    assert answer.status_code == 422
    assert "Nothing is changed yet." in text_of(answer)


def test_back_to_the_form_keeps_what_was_typed(officer: Visitor, ann: str) -> None:
    typed = {**opened(officer, ann), "at/name": "Ann Other", "at/note": "three\r\nlines\r\nnow"}
    preview = officer.post(f"/console/people/{ann}/edit/preview", **typed)
    again = officer.post(f"/console/people/{ann}/edit/preview", **sent_by(preview), again="1")
    assert again.status_code == 200
    assert sent_by(again)["at/name"] == "Ann Other"
    assert sent_by(again)["at/note"] == "three\r\nlines\r\nnow"


@pytest.mark.parametrize("step", ["preview", "save"])
def test_of_two_changes_the_second_is_refused_and_nothing_typed_is_lost(
    officer: Visitor, root: Api, ann: str, step: str
) -> None:
    typed = {**opened(officer, ann), "at/name": "Ann Other"}
    root.put(f"/v1/user/token/{ann}", {"name": "Ann Third", "age": 50, "amount": None, "city": "Bergen"})
    answer = officer.post(f"/console/people/{ann}/edit/{step}", **typed)
    assert answer.status_code == 422
    page = text_of(answer)
    assert "The profile has changed meanwhile, and nothing was saved" in page
    assert "Now it says: Ann Third" in page
    assert sent_by(answer)["at/name"] == "Ann Other"
    assert profile_of(root, ann)["name"] == "Ann Third"
    assert sent_by(answer)["at/age"] == "50"
    preview = officer.post(f"/console/people/{ann}/edit/preview", **sent_by(answer))
    assert preview.status_code == 200
    assert "1 field changes" in text_of(preview)
    assert officer.post(f"/console/people/{ann}/edit/save", **sent_by(preview)).status_code == 303
    expected = {**PROFILE, "name": "Ann Other", "age": 50, "city": "Bergen"}
    del expected["amount"]
    assert profile_of(root, ann) == expected


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"at/age": "old"}, "This is no JSON."),
        ({"at/tags": '["a",'}, "This is no JSON."),
        ({"new_value": "x"}, "Say what this field is called."),
        ({"new_path": "address", "new_value": "x"}, "There is this field already."),
        ({"new_path": "name.first", "new_value": "x"}, "No field can be inside of this one."),
        ({"at/email": "", "remove/login": "on"}, "one identity has to stay"),
        ({"new_path": "phone", "new_value": "none"}, "phone is not a telephone number"),
    ],
)
def test_mistakes_are_told_and_change_nothing(
    officer: Visitor, root: Api, ann: str, typed: dict[str, str], told: str
) -> None:
    fields = {**opened(officer, ann), **typed, "at/name": "Typed Name"}
    for step in ("preview", "save"):
        answer = officer.post(f"/console/people/{ann}/edit/{step}", **fields)
        assert answer.status_code == 422
        assert told in text_of(answer)
        assert sent_by(answer)["at/name"] == "Typed Name"
    assert profile_of(root, ann) == PROFILE


def test_an_identity_of_somebody_else_is_told_at_its_field(officer: Visitor, root: Api, ann: str) -> None:
    root.create(login="bob", email="bob@example.com")
    fields = {**opened(officer, ann), "at/email": "bob@example.com"}
    answer = officer.post(f"/console/people/{ann}/edit/save", **fields)
    assert answer.status_code == 422
    assert '<ul class="wrong" id="id_at/email-error">\n<li>Somebody else has this.</li>' in answer.content.decode()
    assert profile_of(root, ann) == PROFILE


def test_what_the_record_schema_refuses_is_told_at_its_field(
    officer: Visitor, root: Api, ann: str, tmp_path: Path
) -> None:
    file = tmp_path / "schema.json"
    properties = {"age": {"type": "integer"}, "login": {"type": "string", "locked": True}}
    file.write_text(json.dumps({"type": "object", "required": ["name"], "properties": properties}))
    with override_settings(USER_SCHEMA_FILE=str(file)):
        wrong = {**opened(officer, ann), "at/age": '"old"', "remove/name": "on"}
        answer = officer.post(f"/console/people/{ann}/edit/preview", **wrong)
        assert answer.status_code == 422
        html = answer.content.decode()
        assert 'id="id_at/age-error"' in html
        assert 'id="id_at/name-error"' in html
        officer.client.cookies["language"] = "de"
        german = officer.post(f"/console/people/{ann}/edit/preview", **wrong).content.decode()
        assert 'id="id_at/age-error">\n<li>muss vom Typ integer sein' in german
        assert 'id="id_at/name-error">\n<li>ein Pflichtfeld fehlt' in german
        officer.client.cookies["language"] = "en"
        locked = officer.post(f"/console/people/{ann}/edit/save", **{**opened(officer, ann), "at/login": "anna"})
        assert locked.status_code == 422
        assert 'id="id_at/login-error">\n<li>This field can&#x27;t be changed.' in locked.content.decode()
    assert profile_of(root, ann) == PROFILE


def test_without_a_reason_no_step_opens_the_profile(officer: Visitor, root: Api, ann: str) -> None:
    fields = {**opened(officer, ann), "at/name": "Ann Other", "reason": " "}
    for step in ("preview", "save"):
        answer = officer.post(f"/console/people/{ann}/edit/{step}", **fields)
        assert answer.status_code == 422
        assert "1 Long Road" not in answer.content.decode()
    assert profile_of(root, ann) == PROFILE


def test_a_profile_of_many_fields_goes_through_every_step(officer: Visitor, root: Api) -> None:
    many = {f"field{n}": str(n) for n in range(900)}
    person = root.create(login="many", **many)
    fields = {**opened(officer, person), "at/field7": "seven", "remove/field8": "on"}
    preview = officer.post(f"/console/people/{person}/edit/preview", **fields)
    assert preview.status_code == 200
    assert officer.post(f"/console/people/{person}/edit/save", **sent_by(preview)).status_code == 303
    del many["field8"]
    assert profile_of(root, person) == {"login": "many", **many, "field7": "seven"}


def test_nobody_edits_somebody_forgotten(officer: Visitor, root: Api, ann: str) -> None:
    fields = opened(officer, ann)
    root.delete(f"/v1/user/token/{ann}")
    for step in ("", "/preview", "/save"):
        assert officer.post(f"/console/people/{ann}/edit{step}", **fields).status_code == 404
    assert f"/console/people/{ann}/edit" not in officer.get(f"/console/people/{ann}").content.decode()
