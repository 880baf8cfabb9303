"""Equal values don't look equal: neither sealed nor hashed, but for one identity field within one tenant."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from audit.models import Event
from databunker.access.actor import Actor, ActorKind
from databunker.access.models import DEFAULT_TENANT
from databunker.access.tokens import _unlock_digest, token_digest
from databunker.crypto import envelope
from databunker.crypto.keyring import Keyring, new_keys
from databunker.ids import new_token
from gdpr import actions as workflows
from tests.conftest import Api
from vault import actions, identities, queries, references
from vault.models import Identity
from vault.sessions import session_digest
from vault.shares import share_digest

from .conftest import OTHER_TENANT, cells

SAME = "the same value everywhere"
PEOPLE = 40


@pytest.fixture
def alike(vault: None, settings: object) -> list[str]:
    """Forty people with one profile but for the login, half of them in another tenant; and their tokens."""
    tokens = []
    for number in range(PEOPLE):
        actor = Actor(ActorKind.ADMIN, tenant=(DEFAULT_TENANT, OTHER_TENANT)[number % 2], token_id=1)
        profile = {"login": f"login {number:02}", "note": SAME, "again": SAME}
        token = str(actions.create_record(actor, profile=profile))
        actions.change_record(actor, mode="token", identity=token, change={"more": SAME})
        actions.store_app_data(actor, mode="token", identity=token, app="shop", data={"note": SAME})
        session = f"00000000-0000-4000-8000-{number:012}"
        actions.store_session(actor, session=session, data={"note": SAME} | ({"token": token} if number % 4 else {}))
        workflows.save_legal_basis(actor, brief="news", wish={})
        for who in ({"mode": "token", "identity": token}, {"mode": "email", "identity": f"{number}@example.com"}):
            workflows.accept_agreement(actor, brief="news", **who, wish={"referencecode": SAME})
        actions.create_share(actor, mode="token", identity=token, wish={"partner": SAME})
        queries.read_record(actor, mode="login", identity=f"login {number:02}")
        tokens.append(token)
    return tokens


def test_sealed_values_share_no_eight_bytes(alike: list[str]) -> None:
    """Nor nonces: a repeated one would show where texts are alike. Among so many random bytes none repeat by chance."""
    values = [cell.get() for cell in cells(id__isnull=False) + cells(tenant__isnull=False)]
    distinct = set(values)
    assert len(distinct) > 10 * PEOPLE
    header = envelope.HEADER.size
    nonces = [value[header : header + envelope.NONCE_BYTES] for value in distinct]
    assert len(set(nonces)) == len(nonces)
    windows = Counter(value[at : at + 8] for value in distinct for at in range(header, len(value) - 7))
    assert max(windows.values()) == 1


def test_sealed_bytes_are_evenly_spread(alike: list[str]) -> None:
    """The chi-squared statistic over 255 degrees of freedom: beyond 400 by chance once in a thousand million times."""
    body = envelope.HEADER.size
    text = b"".join(cell.get()[body:] for cell in cells(tenant__isnull=False))
    expected = len(text) / 256
    statistic = sum((count - expected) ** 2 / expected for count in Counter(text).values())
    assert len(text) > 40_000
    assert len(Counter(text)) == 256
    assert statistic < 400


def test_one_value_has_a_digest_of_its_own_in_every_field_and_tenant(vault: None, settings: object) -> None:
    settings.IDENTITY_FIELDS = ["customer_id", "household:shared"]  # type: ignore[attr-defined]
    fields = ("login", "email", "custom", "customer_id", "household")
    for tenant in (DEFAULT_TENANT, OTHER_TENANT):
        actor = Actor(ActorKind.ADMIN, tenant=tenant, token_id=1)
        actions.create_record(actor, profile=dict.fromkeys(fields, "same@example.com"))
    rows = Identity.objects.values_list("tenant", "field", "digest")
    assert len(rows) == 2 * len(fields)
    digests = {digest for _, _, digest in rows}
    assert len(digests) == len(rows)
    assert_unlike(digests)


def test_a_uuid_has_a_reference_of_its_own_in_every_use_and_tenant(vault: None) -> None:
    """As a person's token, a session, a share, an access token and an unlock: only the keys can join the tables."""
    token = new_token()
    references_of = [references.subject_of(token, tenant=tenant) for tenant in (DEFAULT_TENANT, OTHER_TENANT)]
    references_of += [session_digest(token, tenant=tenant) for tenant in (DEFAULT_TENANT, OTHER_TENANT)]
    references_of += [share_digest(token), token_digest(str(token)), _unlock_digest(str(token))]
    assert len(set(references_of)) == len(references_of)
    assert_unlike(set(references_of))


def test_another_vault_has_other_digests_for_the_same_values(vault: None) -> None:
    field = identities.field_named("email")
    digests = {identities.identity_digest(field, "same@example.com", tenant=DEFAULT_TENANT)}
    for _ in range(5):
        other = Keyring(new_keys())
        digests.add(identities.identity_digest(field, "same@example.com", tenant=DEFAULT_TENANT, keyring=other))
    assert len(digests) == 6
    assert_unlike(digests)


def test_a_look_up_that_finds_nobody_leaves_a_digest_of_its_own_tenant(
    vault: None, root: Api, other_tenant: Api
) -> None:
    """Sealed, too: the trail doesn't show in clear that the same value was looked for twice."""
    for caller in (root, root, other_tenant):
        assert caller.get("/v1/user/email/nobody@example.com").status_code == 404
    details = [event.detail for event in Event.objects.order_by("id")]
    assert len({bytes(detail) for detail in details}) == 3
    assert len({bytes(detail)[29:45] for detail in details}) == 3


def assert_unlike(digests: set[bytes]) -> None:
    """They differ in about half of their bits: 128 of them, less than 20 or more than 108 never by chance."""
    for one, other in itertools.combinations(digests, 2):
        assert 20 < (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count() < 108
