from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import RawEncoder
from nacl.hash import blake2b

from databunker.crypto.errors import IntegrityFailure, UnknownKey
from databunker.crypto.keyring import Key, Keyring, Purpose, new_keys
from tests.support.damage import flipped
from vault import references

tenants = st.integers(0, 2**32 - 1)
subjects = st.binary(min_size=16, max_size=16)


def subject_from(case: dict[str, Any]) -> str:
    root = bytes.fromhex(case["root"])
    keyring = Keyring(
        Key(key.id, key.purpose, root if key.purpose is Purpose.REFERENCE else key.secret) for key in new_keys()
    )
    return references.subject_of(UUID(case["token"]), tenant=case["tenant"], keyring=keyring).hex()


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("subject")["positive"]:
        assert subject_from(case) == case["subject"], case


def test_vectors_that_must_differ(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("subject")["negative"]:
        assert subject_from(case) != case["not_subject"], case["name"]


@given(st.uuids(), tenants)
def test_the_reference_written_out_by_hand(keyring: Keyring, token: UUID, tenant: int) -> None:
    context = b"\0\0\0\x07subject\0\0\0\x04" + tenant.to_bytes(4, "big")
    root = keyring.secret(Purpose.REFERENCE)
    key = blake2b(context, key=root, person=b"databunker.kdf.1", digest_size=32, encoder=RawEncoder)
    expected = blake2b(token.bytes, key=key, person=b"databunker.idx.1", digest_size=16, encoder=RawEncoder)
    assert references.subject_of(token, tenant=tenant, keyring=keyring) == expected


@given(st.tuples(st.uuids(), tenants), st.tuples(st.uuids(), tenants))
def test_equal_references_mean_the_same_token_and_tenant(
    keyring: Keyring, left: tuple[UUID, int], right: tuple[UUID, int]
) -> None:
    found = {references.subject_of(token, tenant=tenant, keyring=keyring) for token, tenant in (left, right)}
    assert (len(found) == 1) == (left == right)


def test_the_reference_takes_the_current_keyring(keyring_in_use: Keyring) -> None:
    token = UUID(int=5)
    assert references.subject_of(token, tenant=1) == references.subject_of(token, tenant=1, keyring=keyring_in_use)


@given(st.uuids(), tenants, subjects)
def test_a_sealed_token_opens_again_and_hides_the_token(
    keyring: Keyring, token: UUID, tenant: int, subject: bytes
) -> None:
    sealed = references.seal_token(token, tenant=tenant, subject=subject, keyring=keyring)
    assert references.open_token(sealed, tenant=tenant, subject=subject, keyring=keyring) == token
    assert token.bytes not in sealed


@given(st.uuids(), tenants, subjects, st.data())
def test_a_sealed_token_of_another_tenant_or_person_is_refused(
    keyring: Keyring, token: UUID, tenant: int, subject: bytes, data: st.DataObject
) -> None:
    sealed = references.seal_token(token, tenant=tenant, subject=subject, keyring=keyring)
    other_tenant = data.draw(tenants.filter(lambda value: value != tenant))
    other_subject = data.draw(subjects.filter(lambda value: value != subject))
    for place in ({"tenant": other_tenant, "subject": subject}, {"tenant": tenant, "subject": other_subject}):
        with pytest.raises(IntegrityFailure):
            references.open_token(sealed, keyring=keyring, **place)


def test_any_changed_byte_of_a_sealed_token_is_refused(keyring: Keyring) -> None:
    place = {"tenant": 1, "subject": bytes(16)}
    sealed = references.seal_token(UUID(int=7), keyring=keyring, **place)
    for at in range(len(sealed)):
        changed = flipped(sealed, at)
        with pytest.raises((IntegrityFailure, UnknownKey)):
            references.open_token(changed, keyring=keyring, **place)
