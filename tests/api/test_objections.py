"""GDPR Art. 21, through the door: to what people object, and how it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from gdpr.models import ExercisedRight, LegalBasis
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import Api


@pytest.fixture
def ann(api: Api) -> str:
    api.post("/v1/lbasis/letters", {"basistype": "legitimate-interest"})
    api.post("/v1/lbasis/news", {"basistype": "consent"})
    return api.create(login="ann")


def standing(api: Api, ann: str) -> list[str]:
    rows = api.get(f"/v1/rights/token/{ann}").json()["objections"]
    return [row["brief"] for row in rows]


def test_people_object_to_one_basis_and_to_all(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    with told_by() as told:
        assert person.post(f"/v1/objection/token/{ann}", {"brief": "Letters", "reason": "too many"}).status_code == 200
    ((code, outcome, who, subject, detail, _),) = told
    assert (code, outcome, who, subject) == ("objection.make", "ok", "person", subject_of(ann))
    assert detail == {"brief": "letters", "message": "too many"}
    assert person.post(f"/v1/objection/token/{ann}").status_code == 200
    assert sorted(standing(api, ann)) == ["", "letters"]
    assert person.delete(f"/v1/objection/token/{ann}", {"brief": "letters"}).status_code == 200
    assert standing(api, ann) == [""]
    assert api.delete(f"/v1/objection/token/{ann}").status_code == 200
    assert standing(api, ann) == []


def test_the_same_objection_is_refused_a_second_time(api: Api, ann: str) -> None:
    api.post(f"/v1/objection/token/{ann}", {"brief": "letters", "reason": "first"})
    before = contents()
    again = api.post(f"/v1/objection/token/{ann}", {"brief": "letters", "reason": "second"})
    assert_refused(again, 409, "there is this objection already")
    assert contents() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [({"brief": "news"}, 400), ({"brief": "absent"}, 404), ({"brief": 1}, 400), ({"brief": "-"}, 400),
     ({"bref": "letters"}, 400), ({"reason": ["x"]}, 400)],
)  # fmt: skip
def test_to_what_nobody_objects_nothing_is_stored(api: Api, ann: str, body: dict[str, Any], status: int) -> None:
    before = contents()
    assert_refused(api.post(f"/v1/objection/token/{ann}", body), status)
    assert contents() == before


def test_a_basis_that_somebody_objects_to_stays_when_it_is_deleted(api: Api, ann: str) -> None:
    api.post(f"/v1/objection/token/{ann}", {"brief": "letters"})
    assert api.delete("/v1/lbasis/letters").status_code == 200
    assert LegalBasis.objects.filter(brief="letters").exists()
    assert standing(api, ann) == ["letters"]
    assert api.delete(f"/v1/objection/token/{ann}", {"brief": "letters"}).status_code == 200
    assert standing(api, ann) == []


def test_an_objection_goes_with_the_person_and_stands_in_the_report_before(api: Api, ann: str) -> None:
    api.post(f"/v1/objection/token/{ann}", {"brief": "letters", "reason": "private"})
    (shown,) = api.get(f"/v1/user/token/{ann}/report").json()["report"]["rights"]["objections"]
    assert (shown["brief"], shown["reason"]) == ("letters", "private")
    assert api.get(f"/v1/user/token/{ann}/report?format=pdf").status_code == 200
    api.delete(f"/v1/user/token/{ann}")
    assert not ExercisedRight.objects.exists()
    assert standing(api, ann) == []
