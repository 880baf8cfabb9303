from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import RawEncoder
from nacl.hash import blake2b

from databunker.access import tokens
from databunker.crypto import store
from databunker.crypto.keyring import Key, Keyring, Purpose, new_keys


def digest_under(root: bytes, token: str) -> bytes:
    keyring = Keyring(
        Key(key.id, key.purpose, root if key.purpose is Purpose.REFERENCE else key.secret) for key in new_keys()
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "current_keyring", lambda: keyring)
        return tokens.token_digest(token)


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("token_digest")["positive"]:
        assert digest_under(bytes.fromhex(case["root"]), case["token"]).hex() == case["digest"], case["name"]


def test_vectors_that_must_differ(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("token_digest")["negative"]:
        assert digest_under(bytes.fromhex(case["root"]), case["token"]).hex() != case["not_digest"], case["name"]


@given(st.uuids().map(str) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_the_digest_written_out_by_hand(token: str) -> None:
    root = bytes(range(32))
    key = blake2b(b"\0\0\0\x0caccess-token", key=root, person=b"databunker.kdf.1", digest_size=32, encoder=RawEncoder)
    expected = blake2b(token.encode(), key=key, person=b"databunker.idx.1", digest_size=16, encoder=RawEncoder)
    assert digest_under(root, token) == expected


@given(st.uuids())
def test_a_uuid_is_the_same_token_in_any_case(token: uuid.UUID) -> None:
    root = bytes(range(32))
    assert digest_under(root, str(token)) == digest_under(root, str(token).upper())
