"""A person forgotten through `/v1/user`."""

from __future__ import annotations

from unittest.mock import ANY

import pytest

from databunker.access.models import AccessToken
from tests.api.helpers import ANN, MODES, assert_refused, contents, found, path, subject_of
from tests.conftest import Api
from vault.models import Identity, Record, RecordVersion


@pytest.mark.parametrize("mode", ["token", *MODES])
def test_forgetting_by_every_look_up(api: Api, mode: str) -> None:
    token = api.create(**ANN)
    person = api.as_person(token)
    api.put(path("token", token), {"note": "second version"})
    answer = api.delete(path(mode, {"token": token, **ANN}[mode]))
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "result": "done", "receipt": ANY}
    assert api.get(path("token", token)).json() == {"status": "ok", "token": token, "data": {}}
    for identity in MODES:
        assert found(api, identity, str(ANN[identity])) is None
    assert_refused(person.get(path("token", token)), 403, "Access denied")
    assert not RecordVersion.objects.exists()
    assert not Identity.objects.exists()
    assert not AccessToken.objects.filter(subject=subject_of(token)).exists()


def test_the_identities_of_a_forgotten_person_are_free(api: Api) -> None:
    gone = api.create(**ANN)
    api.delete(path("token", gone))
    newcomer = api.create(**ANN)
    assert newcomer != gone
    assert found(api, "email", "ann@example.com") == newcomer
    assert api.get(path("token", gone)).json()["data"] == {}
    # Forgetting the first once more must not touch the second.
    assert api.delete(path("token", gone)).status_code == 200
    assert found(api, "email", "ann@example.com") == newcomer


def test_forgetting_twice_is_done_by_token_and_finds_nobody_by_identity(api: Api) -> None:
    token = api.create(**ANN)
    answer = api.delete(path("token", token)).json()
    before = contents()
    assert api.delete(path("token", token)).json() == answer == {"status": "ok", "result": "done", "receipt": ANY}
    assert_refused(api.delete(path("email", "ann@example.com")), 404, "record not found")
    assert contents() == before


def test_a_forgotten_person_can_not_be_changed(api: Api) -> None:
    token = api.create(**ANN)
    api.delete(path("token", token))
    before = contents()
    assert_refused(api.put(path("token", token), {"login": "ann"}), 404, "record not found")
    assert_refused(api.put(path("token", token), [{"op": "add", "path": "/login", "value": "ann"}]), 404)
    assert contents() == before


def test_forgetting_destroys_the_key_that_opened_the_record(api: Api) -> None:
    token = api.create(**ANN)
    old = Record.objects.get()
    api.delete(path("token", token))
    new = Record.objects.get()
    assert (new.pk, new.subject, new.generation) == (old.pk, old.subject, old.generation + 1)
    assert bytes(new.wrapped_key) != bytes(old.wrapped_key)
    assert bytes(new.digests) == b""
