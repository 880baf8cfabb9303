"""Three people and what became of them: for the tests of what the trail says."""

from __future__ import annotations

from typing import NamedTuple

from tests.conftest import Api

__all__ = ["ANN", "NOBODY", "People", "make_people"]

ANN = {"login": "ann", "email": "ann@example.com"}
NOBODY = "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"


class People(NamedTuple):
    """Tokens of people, of whom one was forgotten, and an event of Ann's."""

    ann: str
    ben: str
    gone: str
    event: str


def make_people(api: Api) -> People:
    ann, ben, gone = api.create(**ANN), api.create(login="ben"), api.create(login="gone")
    api.delete(f"/v1/user/token/{gone}")
    (event,) = api.get(f"/v1/audit/list/{ann}?offset=1").json()["rows"]
    return People(ann, ben, gone, event["atoken"])
