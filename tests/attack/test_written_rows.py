"""Whoever can write to the database, and has no key, grants nothing: neither a way in nor another one's name."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from databunker.access import tokens
from databunker.access.models import AccessToken, TokenKind
from databunker.ids import unix_now
from tests.conftest import Api, new_token
from vault.models import Identity

from .conftest import OTHER_TENANT, Person

People = tuple[Person, Person, Person]


def row_of(token: str) -> AccessToken:
    return AccessToken.objects.get(digest=tokens.token_digest(token))


def status_of(token: str, path: str = "/v1/audit/admin") -> int:
    """As a process sees it that has never met this token."""
    tokens.forget_cached()
    return Api(token).get(path).status_code


CHANGES: dict[str, dict[str, Any]] = {
    "the kind": {"kind": TokenKind.ROOT},
    "the tenant": {"tenant": OTHER_TENANT},
    "the end": {"expires": None},
    "a later end": {"expires": 2**40},
    "the revocation": {"revoked": None, "expires": None},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_access_token_that_was_changed_by_sql_opens_nothing(vault: None, change: dict[str, Any]) -> None:
    token = new_token(TokenKind.ADMIN, expires=unix_now() + 60)
    row = row_of(token)
    if "revoked" in change:
        tokens.revoke_token(row.pk, tenant=row.tenant)
    else:
        assert status_of(token) == 200
    AccessToken.objects.filter(pk=row.pk).update(**change)
    assert status_of(token) == 403


def test_a_person_does_not_become_another_or_an_administrator_by_sql(people: People, root: Api) -> None:
    ann, bob, _ = people
    token = new_token(TokenKind.PERSON, person=ann.token)
    assert status_of(token, f"/v1/user/token/{ann.token}") == 200
    row = row_of(token)
    for change in ({"subject": bob.subject}, {"subject": None, "kind": TokenKind.ROOT}):
        AccessToken.objects.filter(pk=row.pk).update(**change)
        for person in (ann, bob):
            assert status_of(token, f"/v1/user/token/{person.token}") == 403


def test_the_row_of_a_known_token_cannot_take_the_rights_of_another(vault: None) -> None:
    """Its hash is put into the row of the root token, and so is all that proves its own row."""
    mine, roots = new_token(TokenKind.ADMIN), new_token(TokenKind.ROOT)
    row, target = row_of(mine), row_of(roots)
    AccessToken.objects.filter(pk=row.pk).delete()
    AccessToken.objects.filter(pk=target.pk).update(digest=row.digest)
    assert status_of(mine) == 403
    AccessToken.objects.filter(pk=target.pk).update(mac=row.mac)
    assert status_of(mine) == 403


def test_an_invented_token_cannot_be_stored_by_sql(vault: None) -> None:
    """Without the vault's keys nobody can say what its hash would be."""
    token = uuid.uuid4()
    for digest in (token.bytes, uuid.uuid5(token, "x").bytes):
        AccessToken.objects.create(tenant=1, kind=TokenKind.ROOT, digest=digest, label="mine", created=0, mac=bytes(32))
    assert status_of(str(token)) == 403


@pytest.mark.parametrize("field", ["login", "email"])
def test_an_identity_cannot_be_given_to_another_by_sql(people: People, root: Api, field: str) -> None:
    ann, bob, _ = people
    value = {"login": "ann", "email": "ann@example.com"}[field]
    assert Identity.objects.filter(subject=ann.subject, field=field).update(subject=bob.subject) == 1
    for answer in (
        root.get(f"/v1/user/{field}/{value}"),
        root.put(f"/v1/user/{field}/{value}", {"a": 1}),
        root.delete(f"/v1/user/{field}/{value}"),
        root.get(f"/v1/userapp/{field}/{value}/shop"),
        root.get(f"/v1/sessions/{field}/{value}"),
    ):
        assert (answer.status_code, answer.json()["message"]) == (500, "internal error")
        assert b"bob" not in answer.content


def test_an_invented_identity_finds_nobody(people: People, root: Api) -> None:
    """The hash of one of Bob's identities is given to Ann in another field."""
    ann, bob, _ = people
    row = Identity.objects.get(subject=bob.subject, field="login")
    Identity.objects.filter(subject=bob.subject, field="login").delete()
    Identity.objects.create(tenant=1, digest=row.digest, slot=row.slot, subject=ann.subject, field="email", tag=row.tag)
    for path in ("login/bob", "email/bob"):
        assert root.get(f"/v1/user/{path}").status_code in (404, 500)
        assert b"ann" not in root.get(f"/v1/user/{path}").content
