"""Recovery shares: enough of them give the secret, fewer nothing; a copy opens only where it belongs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from databunker.crypto import hashing
from databunker.crypto.encoding import pack
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Key, Purpose
from databunker.crypto.recovery import RecoveryKey, RecoverySecret
from databunker.crypto.shares import MAX_SHARES, ShareError, Shares, split
from tests.support.damage import flipped

SECRET = RecoverySecret(bytes(range(32)))
seeds = st.binary(min_size=32, max_size=32).map(RecoverySecret)


@settings(max_examples=6, deadline=None)
@given(seeds)
def test_any_three_of_five_recover_and_no_two_do(secret: RecoverySecret) -> None:
    words = split(secret, threshold=3, shares=5)
    assert {len(share.split()) for share in words} == {33}
    for chosen in itertools.combinations(words, 3):
        assert Shares.of(chosen).combined() == secret
    for chosen in itertools.combinations(words, 2):
        with pytest.raises(ShareError, match="too few shares: 1 more are needed"):
            Shares.of(chosen).combined()


@settings(max_examples=6, deadline=None)
@given(seeds, st.data())
def test_any_that_are_enough_recover_whatever_the_split(secret: RecoverySecret, data: st.DataObject) -> None:
    threshold = data.draw(st.integers(2, 6))
    shares = data.draw(st.integers(threshold, 8))
    words = split(secret, threshold=threshold, shares=shares)
    assert len(set(words)) == shares
    chosen = data.draw(st.permutations(words))[:threshold]
    assert Shares.of(chosen).combined() == secret
    assert Shares.of(words).combined() == secret


@pytest.mark.parametrize(("threshold", "shares"), [(1, 5), (0, 3), (4, 3), (2, MAX_SHARES + 1)])
def test_impossible_splits_are_refused(threshold: int, shares: int) -> None:
    with pytest.raises(ShareError):
        split(SECRET, threshold=threshold, shares=shares)


def test_the_first_four_letters_of_a_word_are_enough() -> None:
    words = split(SECRET, threshold=2, shares=2)
    short = [" ".join(word[:4].upper() for word in share.split()) for share in words]
    assert Shares.of(short).combined() == SECRET


def test_wrong_repeated_and_foreign_shares_are_refused_and_those_before_them_stay() -> None:
    words, others = split(SECRET, threshold=3, shares=5), split(SECRET, threshold=3, shares=5)
    shares = Shares.of(words[:2])
    listed = words[2].split()
    for text, why in [
        ("", "this is no share"),
        ("three words only", "this is no share"),
        (" ".join([*listed[:-1], "academic" if listed[-1] != "academic" else "acid"]), "this is no share"),
        (" ".join([listed[1], listed[0], *listed[2:]]), "this is no share"),
        (" ".join(listed[:-1]), "this is no share"),
        (words[0], "entered already"),
        (others[3], "another split"),
    ]:
        with pytest.raises(ShareError, match=why):
            shares.add(text)
        assert len(shares) == 2
    shares.add(words[2])
    assert shares.combined() == SECRET


def test_refusals_repeat_no_word() -> None:
    listed = split(SECRET, threshold=2, shares=3)[0].split()
    with pytest.raises(ShareError) as caught:
        Shares.of([" ".join(reversed(listed))])
    assert not set(listed) & set(caught.value.message.replace(":", "").split())
    assert caught.value.__cause__ is None


def copy_of(key: Key) -> bytes:
    return SECRET.key.seal(key.secret, purpose=key.purpose.value.encode(), number=key.id)


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=100), st.integers(0, 2**31 - 1), st.sampled_from(Purpose))
def test_a_copy_opens_as_what_it_was_made_for(secret: bytes, number: int, purpose: Purpose) -> None:
    key = Key(number, purpose, secret)
    copy = copy_of(key)
    assert SECRET.open_key(copy, purpose=purpose, number=number) == key
    other = next(one for one in Purpose if one is not purpose)
    for wrong_number, wrong_purpose in [(number ^ 1, purpose), (number, other)]:
        with pytest.raises(IntegrityFailure):
            SECRET.open_key(copy, purpose=wrong_purpose, number=wrong_number)


def test_a_changed_copy_does_not_open() -> None:
    copy = copy_of(Key(1, Purpose.DATA, bytes(32)))
    for at in range(len(copy)):
        changed = flipped(copy, at)
        with pytest.raises(IntegrityFailure):
            SECRET.open_key(changed, purpose=Purpose.DATA, number=1)
    for length in range(len(copy)):
        with pytest.raises(IntegrityFailure):
            SECRET.open_key(copy[:length], purpose=Purpose.DATA, number=1)


def test_whoever_knows_the_public_key_alone_can_not_pass_off_a_key_of_their_own() -> None:
    """It is all that a forged copy could be made with by somebody who has the database and not the master key."""
    public = SECRET.key.public
    for guess in (bytes(32), public, hashing.mac(b"recovery copies", key=public)):
        forged = RecoveryKey(public, guess).seal(b"a key that I know", purpose=b"data", number=1)
        with pytest.raises(IntegrityFailure):
            SECRET.open_key(forged, purpose=Purpose.DATA, number=1)


def test_the_vault_s_own_half_opens_nothing_and_goes_to_and_from_bytes() -> None:
    key = SECRET.key
    assert RecoveryKey.from_bytes(key.to_bytes()) == key
    assert len(key.to_bytes()) == 64
    assert SECRET.seed not in key.to_bytes()
    assert RecoverySecret(bytes(32)).key != key
    assert "RecoverySecret" in repr(SECRET)
    assert str(SECRET.seed) not in repr(SECRET) + repr(key)


def test_a_copy_has_the_layout_that_is_written_down() -> None:
    copy = copy_of(Key(7, Purpose.AUDIT, bytes(32)))
    box = copy[33:]
    assert copy[:1] == b"\x01"
    assert copy[1:33] == hashing.mac(pack([b"\x01", b"audit", (7).to_bytes(4, "big"), box]), key=SECRET.key.mac_key)
    assert len(box) == 32 + 16 + 32  # an ephemeral public key, a tag, and the secret
