"""My rights: all my data to take along, its use restricted, objections, and being deleted after a look at it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.sealing import seal_everything
from databunker.ids import unix_now
from gdpr.actions import carry_out_erasures
from tests.conftest import Api

from .conftest import Visitor, text_of
from .portal import EMAIL, come_in

pytestmark = pytest.mark.usefixtures("channels")


@pytest.fixture
def ann(api: Api) -> str:
    for brief, kind in (("fraud", "legitimate-interest"), ("news", "consent")):
        api.post(f"/v1/lbasis/{brief}", {"basistype": kind, "shortdesc": f"About {brief}"})
    return api.create(email=EMAIL, first_name="Ann")


@pytest.fixture
def inside(ann: str) -> Visitor:
    return come_in()


@pytest.mark.parametrize("path", ["/my/rights", "/my/delete"])
def test_pages_take_few_queries(inside: Visitor, api: Api, ann: str, path: str) -> None:
    for number in range(30):
        api.post(f"/v1/userapp/token/{ann}/app{number}", {"n": number})
        api.post(f"/v1/lbasis/more-{number}", {"basistype": "public-interest"})
        inside.post("/my/rights/object", "/my/rights", brief=f"more-{number}")
    with CaptureQueriesContext(connection) as queries:
        assert inside.get(path).status_code == 200
    assert len(queries) <= 10, "\n".join(one["sql"] for one in queries)


def test_all_of_it_is_there_to_take_along(inside: Visitor, api: Api, ann: str) -> None:
    answer = inside.get("/my/report.json")
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer["Cache-Control"] == "no-store"
    report = json.loads(answer.content)
    assert report["token"] == ann
    assert report["profile"] == {"email": EMAIL, "first_name": "Ann"}
    document = inside.get("/my/report.pdf")
    assert document["Content-Type"] == "application/pdf"
    assert document.content.startswith(b"%PDF-")
    assert inside.get("/my/report.html").status_code == 404


def test_it_is_taken_only_so_often(inside: Visitor, settings: Any) -> None:
    settings.REPORTS_PER_PERSON = "1/1h"
    assert inside.get("/my/report.pdf").status_code == 200
    answer = inside.get("/my/report.pdf")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 3000
    assert "wait a while" in answer.content.decode()


def test_the_use_is_restricted_and_allowed_again(inside: Visitor, api: Api, ann: str) -> None:
    assert inside.post("/my/rights/restrict", "/my/rights", ground="no-ground").status_code == 422
    inside.post("/my/rights/restrict", "/my/rights", ground="accuracy", reason="I have moved")
    text = text_of(inside.get("/my/rights"))
    assert "My data is wrong, and I want that verified. I have moved" in text
    assert api.get(f"/v1/user/token/{ann}").status_code == 409
    assert inside.get("/my/data").status_code == 200
    again = inside.post("/my/rights/restrict", "/my/rights", ground="claims", reason="for the court")
    assert again.status_code == 422
    assert "The use of your data is restricted already." in text_of(again)
    assert "for the court" in again.content.decode(), "what was typed is kept"
    assert "for the court" not in text_of(inside.get("/my/rights"))
    assert inside.post("/my/rights/lift", "/my/rights")["Location"] == "/my/rights"
    assert api.get(f"/v1/user/token/{ann}").status_code == 200


def test_a_restriction_that_others_have_set_is_theirs_to_lift(inside: Visitor, api: Api, ann: str) -> None:
    answer = api.post(f"/v1/restriction/token/{ann}", {"ground": "accuracy"})
    assert answer.status_code == 200, answer.content
    assert "only those who did so can lift it" in text_of(inside.get("/my/rights"))
    assert inside.post("/my/rights/lift", "/my/rights").status_code == 403


def objections(api: Api, ann: str) -> list[str]:
    return [one["brief"] for one in api.get(f"/v1/rights/token/{ann}").json()["objections"]]


def test_one_objects_and_takes_it_back(inside: Visitor, api: Api, ann: str) -> None:
    page = inside.get("/my/rights").content.decode()
    assert re.findall(r'<option value="(\w*)"', page[page.index('name="brief"') :]) == ["", "fraud"]
    inside.post("/my/rights/object", "/my/rights", brief="fraud", reason="It is unfair")
    inside.post("/my/rights/object", "/my/rights", brief="")
    assert objections(api, ann) == ["fraud", ""] or objections(api, ann) == ["", "fraud"]
    again = inside.post("/my/rights/object", "/my/rights", brief="fraud", reason="once more")
    assert again.status_code == 422
    assert "You have objected to this already." in text_of(again)
    assert "once more" in again.content.decode()
    assert inside.post("/my/rights/object", "/my/rights", brief="news").status_code == 422
    for brief in ("fraud", ""):
        inside.post("/my/rights/withdraw-objection", "/my/rights", brief=brief)
    assert objections(api, ann) == []


def delete(visitor: Visitor, word: str = "delete") -> Any:
    return visitor.post("/my/delete", word=word)


def gone(api: Api, ann: str) -> bool:
    return bool(api.get(f"/v1/user/email/{EMAIL}").status_code == 404)


def test_before_anything_happens_one_sees_what_goes_and_what_stays(
    inside: Visitor, api: Api, ann: str, settings: Any, tmp_path: Path
) -> None:
    schema = {"properties": {"invoice": {"type": "string", "preserve": True}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    settings.USER_SCHEMA_FILE = str(tmp_path / "schema.json")
    api.put(f"/v1/user/token/{ann}", {"invoice": "17"})
    text = text_of(inside.get("/my/delete"))
    erased, _, kept = text.partition("What would be kept")
    assert "Your data email, first_name 2" in erased
    assert "Your data invoice 1 The law demands that this is kept." in kept
    assert ann in kept
    assert "Somebody has to approve it first" in kept
    assert not gone(api, ann)


def test_without_the_word_nothing_is_deleted(inside: Visitor, api: Api, ann: str, settings: Any) -> None:
    settings.SELFSERVICE_FORGET_ME = True
    answer = delete(inside, "yes")
    assert answer.status_code == 422
    assert "Please type the word DELETE." in text_of(answer)
    assert not gone(api, ann)


def test_where_it_must_be_approved_it_becomes_a_request(inside: Visitor, api: Api, ann: str) -> None:
    where = delete(inside)["Location"]
    assert "Delete me" in text_of(inside.get(where))
    assert delete(inside)["Location"] == where
    assert inside.post(f"{where}/cancel", where)["Location"] == where
    assert "taken back" in text_of(inside.get(where))
    assert receipt_told(inside, where) == ""
    assert not gone(api, ann)


def receipt_told(inside: Visitor, page: str) -> str:
    """The id of the receipt that the page tells of in advance."""
    found = re.search(r'href="https?://[a-z.]+/receipt\?id=([0-9a-f-]{36})"', inside.get(page).content.decode())
    return found[1] if found else ""


def test_who_waits_for_approval_knows_where_the_receipt_will_be(inside: Visitor, api: Api, ann: str) -> None:
    where = delete(inside)["Location"]
    receipt = receipt_told(inside, where)
    assert Api().get(f"/v1/receipt/{receipt}").status_code == 404
    assert api.post(f"/v1/request/{where.rpartition('/')[2]}").json()["receipt"] == receipt
    seal_everything(tell=lambda _: None)
    assert Api().get(f"/v1/receipt/{receipt}").status_code == 200


def test_whoever_is_deleted_gets_a_receipt_to_keep(inside: Visitor, api: Api, ann: str, settings: Any) -> None:
    settings.SELFSERVICE_FORGET_ME = True
    where = delete(inside, " Delete ")["Location"]
    path, _, receipt = where.partition("?id=")
    assert path == "/receipt"
    assert ann not in where
    assert gone(api, ann)
    assert inside.get("/my/data")["Location"] == "/"
    seal_everything(tell=lambda _: None)
    assert f'href="/v1/receipt/{receipt}"' in inside.get(where).content.decode()
    kept = Api().get(f"/v1/receipt/{receipt}").json()["receipt"]
    proofs: list[tuple[dict[str, str], list[str]]] = [
        ({"token": ann}, ["mine"]),
        ({"token": receipt}, ["not-mine"]),
        ({"token": "x"}, ["not-mine"]),
        # A browser that hashes, but knows no Ed25519, sends no token.
        ({"token": "", "person": kept["person"]}, ["mine"]),
        ({"token": "", "person": "00" * 32}, ["not-mine"]),
        ({"token": "", "person": ""}, []),
    ]
    for proof, told in proofs:
        answer = inside.post("/receipt", where, receipt=json.dumps(kept), **proof)
        shown = re.findall(r'data-result="([\w-]+)">', answer.content.decode())
        assert shown == ["genuine", "kept-nothing", *told]


def test_with_a_cooling_off_time_one_may_change_ones_mind(inside: Visitor, api: Api, ann: str, settings: Any) -> None:
    settings.SELFSERVICE_FORGET_ME, settings.FORGET_ME_COOLING_OFF = True, "3d"
    assert "It happens in 3 days, and you can call it off until then." in text_of(inside.get("/my/delete"))
    assert delete(inside)["Location"] == "/my/rights"
    assert "Your data will be deleted at" in text_of(inside.get("/my/rights"))
    receipt = receipt_told(inside, "/my/rights")
    assert api.get(f"/v1/rights/token/{ann}").json()["erasure"]["receipt"] == receipt
    assert inside.post("/my/rights/withdraw-deletion", "/my/rights")["Location"] == "/my/rights"
    assert carry_out_erasures(unix_now() + 10**6, 10) == 0
    assert not gone(api, ann)
    delete(inside)
    with time_machine.travel(time.time() + 4 * 86_400):
        assert carry_out_erasures(unix_now(), 10) == 1
    assert gone(api, ann)
    seal_everything(tell=lambda _: None)
    assert Api().get(f"/v1/receipt/{receipt}").status_code == 200
