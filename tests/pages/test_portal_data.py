"""My data: seen, corrected at once or by request, and never over somebody else's change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from databunker.access.actor import Actor, ActorKind
from databunker.errors import Conflict
from databunker.portal.edit_forms import MOST_FIELDS
from gdpr import actions
from tests.conftest import Api
from vault import events
from vault.references import subject_of

from .conftest import Visitor, text_of
from .portal import EMAIL, come_in

pytestmark = pytest.mark.usefixtures("channels")
PROFILE: dict[str, Any] = {
    "email": EMAIL,
    "phone": "+447700900001",
    "name": {"first": "Ann", "last": "E"},
    "tags": ["red", "blue", "green"],
    "cards": [{"brand": "visa", "limit": 9007199254740993}],
    "vip": True,
    "note": "one\ntwo",
    "nothing": None,
    "none": {},
    "a/b~c": "odd",
}


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def inside(ann: str) -> Visitor:
    return come_in()


@pytest.fixture
def alone(settings: Any) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = True
    settings.SELFSERVICE_APP_RECORD_CHANGE = ["shop"]


def filled(page: Any) -> dict[str, str]:
    """What the fields of a page's form hold, by name, as a browser would send it."""
    text = page.content.decode()
    found = dict(re.findall(r'<input type="(?:text|hidden)" name="([^"]+)"(?: value="([^"]*)")?', text))
    for name, value in re.findall(r'(?s)<textarea name="([^"]+)"[^>]*>\n?(.*?)</textarea>', text):
        found[name] = value.replace("\n", "\r\n")
    for name, options in re.findall(r'(?s)<select name="([^"]+)".*?>(.*?)</select>', text):
        found[name] = re.search(r'value="(\w+)" selected', options)[1]  # type: ignore[index]
    return {name: value for name, value in found.items() if name not in ("csrfmiddlewaretoken", "theme", "next")}


def named(page: Any, label: str) -> str:
    """The name of the field with this label."""
    (name,) = re.findall(rf'<label for="id_([^"]+)">{re.escape(label)}[ <]', page.content.decode())
    return str(name)


def edit(visitor: Visitor, path: str = "/my/data/edit", **changes: str) -> Any:
    page = visitor.get(path)
    fields = filled(page) | {named(page, label): value for label, value in changes.items()}
    return visitor.post(path, **fields)


def stored(api: Api, ann: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/user/token/{ann}").json()["data"]
    return found


def test_nothing_typed_changes_nothing(inside: Visitor, api: Api, ann: str, alone: None) -> None:
    answer = edit(inside)
    assert answer["Location"] == "/my/data"
    assert "You have changed nothing." in text_of(inside.get("/my/data"))
    assert stored(api, ann) == PROFILE
    assert not Event.objects.filter(type=events.RECORD_CHANGED.number).exists()


def test_each_kind_of_value_is_changed_as_it_is_meant(inside: Visitor, api: Api, ann: str, alone: None) -> None:
    changes = {
        "Name: First": "Anna",
        "Tags: 1": "",
        "Tags: 3": "",
        "Cards: 1: Limit": "9007199254740995",
        "Vip": "false",
        "Note": "one\r\ntwo\r\nthree",
        "Nothing": "something",
        "A/b~c": "even",
    }
    assert edit(inside, **changes)["Location"] == "/my/data"
    assert stored(api, ann) == PROFILE | {
        "name": {"first": "Anna", "last": "E"},
        "tags": ["blue"],
        "cards": [{"brand": "visa", "limit": 9007199254740995}],
        "vip": False,
        "note": "one\ntwo\nthree",
        "nothing": "something",
        "a/b~c": "even",
    }
    assert "Saved." in text_of(inside.get("/my/data"))


def test_an_emptied_field_is_gone(inside: Visitor, api: Api, ann: str, alone: None) -> None:
    edit(inside, Phone="", Vip="true")
    assert "phone" not in stored(api, ann)
    assert api.get("/v1/user/phone/+447700900001").status_code == 404


def test_what_may_not_be_done_alone_is_sent_for_approval(inside: Visitor, api: Api, ann: str) -> None:
    answer = edit(inside, **{"Name: First": "Anna"})
    assert answer["Location"].startswith("/my/requests/")
    page = text_of(inside.get(answer["Location"]))
    assert "sent for approval" in page
    assert "waits for a decision" in page
    assert "Name: First Ann Anna" in page
    assert stored(api, ann) == PROFILE
    assert api.post(f"/v1/request/{answer['Location'].rsplit('/', 1)[1]}").status_code == 200
    assert stored(api, ann)["name"]["first"] == "Anna"
    assert "done" in text_of(inside.get(answer["Location"]))


def test_a_second_wish_waits_for_the_first(inside: Visitor) -> None:
    first = edit(inside, **{"Name: First": "Anna"})["Location"]
    answer = edit(inside, **{"Name: First": "Annabel"})
    assert answer.status_code == 409
    assert f'href="{first}"' in answer.content.decode()
    assert 'value="Annabel"' in answer.content.decode()


def test_a_change_meanwhile_is_not_undone(inside: Visitor, api: Api, ann: str, alone: None) -> None:
    page = inside.get("/my/data/edit")
    api.put(f"/v1/user/token/{ann}", {"name": {"last": "F"}, "plan": "b"})
    answer = inside.post("/my/data/edit", **filled(page) | {named(page, "Name: First"): "Anna"})
    assert answer.status_code == 409
    assert "Your data was changed meanwhile, so that nothing was saved." in text_of(answer)
    assert 'value="Anna"' in answer.content.decode()
    assert stored(api, ann)["name"] == {"first": "Ann", "last": "F"}
    again = inside.post("/my/data/edit", **filled(answer))
    assert again.status_code == 409, "sending it once more must not save it either"


@pytest.mark.parametrize(
    ("label", "typed", "told"),
    [
        ("Cards: 1: Limit", "much", "This must be a number, such as 12 or 12.5."),
        ("Phone", "+44 what", "This can&#x27;t be used: it is not complete, or belongs to somebody else."),
        ("Email", "bob@example.com", "This can&#x27;t be used: it is not complete, or belongs to somebody else."),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    inside: Visitor, api: Api, ann: str, alone: None, label: str, typed: str, told: str
) -> None:
    api.create(email="bob@example.com")
    answer = edit(inside, **{label: typed, "Name: First": "Anna"})
    assert answer.status_code == 422
    text, name = answer.content.decode(), named(answer, label)
    assert re.search(rf'id="id_{name}-error">\s*<li>{re.escape(told)}', text)
    assert f'value="{typed}"' in text
    assert 'value="Anna"' in text
    assert stored(api, ann) == PROFILE


SCHEMA = {
    "type": "object",
    "required": ["email"],
    "properties": {
        "email": {"type": "string"},
        "born": {"type": "string", "locked": True},
        "plan": {"type": "string", "enum": ["a", "b"]},
        "tier": {"type": "string", "admin": True},
    },
}


def test_the_record_schema_speaks_at_its_fields(api: Api, settings: Any, alone: None, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    settings.USER_SCHEMA_FILE = str(tmp_path / "schema.json")
    ann = api.create(email=EMAIL, born="2000-01-01", plan="a", tier="x", login="ann")
    inside = come_in()
    answer = edit(inside, Plan="c", Email="")
    assert answer.status_code == 422
    assert "This is not what is expected here." in text_of(answer)
    assert "This can&#x27;t be left empty." in text_of(answer)
    page = inside.get("/my/data/edit")
    assert re.search(rf'name="{named(page, "Born")}"[^>]* disabled', page.content.decode())
    edit(inside, Born="1999-01-01", Plan="b")
    assert stored(api, ann) == {"email": EMAIL, "born": "2000-01-01", "plan": "b", "tier": "x", "login": "ann"}
    assert edit(inside, Tier="y")["Location"].startswith("/my/requests/")


def test_what_an_application_keeps_is_corrected_too(inside: Visitor, api: Api, ann: str, alone: None) -> None:
    api.post(f"/v1/userapp/token/{ann}/shop", {"shoeSize": 41, "colours": ["red"]})
    api.post(f"/v1/userapp/token/{ann}/bank", {"iban": "X"})
    edit(inside, "/my/data/apps/shop/edit", **{"Shoe size": "42"})
    assert api.get(f"/v1/userapp/token/{ann}/shop").json()["data"] == {"shoeSize": 42, "colours": ["red"]}
    answer = edit(inside, "/my/data/apps/bank/edit", Iban="Y")
    assert "bank" in text_of(inside.get(answer["Location"]))
    assert api.get(f"/v1/userapp/token/{ann}/bank").json()["data"] == {"iban": "X"}
    assert inside.get("/my/data/apps/nothing/edit").status_code == 404


def test_a_wish_for_an_older_version_is_refused_too(api: Api, ann: str) -> None:
    api.post(f"/v1/userapp/token/{ann}/bank", {"iban": "X"})
    api.put(f"/v1/userapp/token/{ann}/bank", {"iban": "Z"})
    person = Actor(ActorKind.PERSON, token_id=1, subject=subject_of(UUID(ann), tenant=1))
    wish: dict[str, Any] = {"mode": "token", "identity": ann, "app": "bank", "change": {"iban": "Y"}}
    with pytest.raises(Conflict, match="the data has changed meanwhile"):
        actions.change_app_data(person, **wish, version=1)
    assert isinstance(actions.change_app_data(person, **wish, version=2), actions.Requested)


def test_a_form_has_an_end(inside: Visitor, api: Api, ann: str, alone: None) -> None:
    api.post(f"/v1/userapp/token/{ann}/shop", {"many": list(range(MOST_FIELDS + 1))})
    page = inside.get("/my/data/apps/shop/edit")
    assert "There is more than this form has room for." in text_of(page)
    assert len(filled(page)) == MOST_FIELDS + 1, "and the version"
    edit(inside, "/my/data/apps/shop/edit", **{"Many: 2": "17"})
    assert api.get(f"/v1/userapp/token/{ann}/shop").json()["data"]["many"][:3] == [0, 17, 2]


def test_my_data_takes_few_queries_however_many_applications(inside: Visitor, api: Api, ann: str) -> None:
    for number in range(30):
        api.post(f"/v1/userapp/token/{ann}/app{number}", {"n": number})
    with CaptureQueriesContext(connection) as queries:
        text = text_of(inside.get("/my/data"))
    assert text.count("Correct it") == 31
    assert len(queries) <= 10, "\n".join(one["sql"] for one in queries)
    assert Event.objects.filter(type=events.APP_READ.number).count() == 30
