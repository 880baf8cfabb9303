"""A backup is taken back as it was made or not at all, whatever somebody without the master key does to it."""

from __future__ import annotations

import io
import os

import pytest

from databunker.access.models import TokenKind
from databunker.backup import BackupError, verify_backup
from databunker.backup.format import LENGTH
from databunker.crypto.errors import MasterKeyError
from tests.conftest import Api, new_token
from tests.support.backups import cut, emptied, everything, restored, taken

REFUSALS = (BackupError, MasterKeyError)


def refused(backup: bytes) -> str:
    with pytest.raises(REFUSALS) as told:
        verify_backup(io.BytesIO(backup))
    return told.value.message


@pytest.fixture
def small(committed_api: Api) -> bytes:
    """Of a vault with two people."""
    committed_api.create(login="ann")
    committed_api.create(login="bob")
    return taken()


# The default run looks at some places, the slow one at all.
EVERY = pytest.mark.parametrize(
    "step", [97, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.database_independent])]
)


@EVERY
def test_every_changed_byte_is_refused(small: bytes, step: int) -> None:
    verify_backup(io.BytesIO(small))
    changed = bytearray(small)
    for at in range(0, len(small), step):
        changed[at] ^= 0xFF
        refused(bytes(changed))
        changed[at] ^= 0x01  # all bits but the last one
        refused(bytes(changed))
        changed[at] = small[at]


@EVERY
def test_every_cut_is_refused(small: bytes, step: int) -> None:
    for length in range(0, len(small), step):
        refused(small[:length])
    assert "ends too early" in refused(small[:-1])
    assert "ends too early" in refused(cut(small)[0])


@pytest.mark.parametrize("more", [b"\x00", b"\n", b"x" * 100])
def test_whatever_follows_the_end_is_refused(small: bytes, more: bytes) -> None:
    assert refused(small + more) == "something follows the end of the backup"
    assert refused(small + small) == "something follows the end of the backup"


def test_frames_stay_in_their_order_and_number(small: bytes) -> None:
    head, frames = cut(small)
    assert len(frames) > 4
    assert b"".join([head, *frames]) == small
    last = len(frames) - 1
    for place in range(len(frames)):
        refused(b"".join([head, *frames[:place], *frames[place + 1 :]]))
        refused(b"".join([head, *frames[:place], frames[place], *frames[place:]]))
        other = (place + 1) % (last + 1)
        swapped = frames.copy()
        swapped[place], swapped[other] = swapped[other], swapped[place]
        refused(b"".join([head, *swapped]))
    refused(b"".join([head, *reversed(frames)]))
    refused(head + frames[last])


def test_frames_of_another_backup_don_t_fit(small: bytes) -> None:
    head, frames = cut(small)
    other_head, others = cut(taken())
    refused(b"".join([head, *others]))
    refused(b"".join([other_head, *frames]))
    for place in range(len(frames)):
        refused(b"".join([head, *frames[:place], others[place], *frames[place + 1 :]]))


def test_invented_frames_are_refused(small: bytes) -> None:
    head, frames = cut(small)
    for size in (0, 16, 17, 100):
        invented = LENGTH.pack(size) + os.urandom(size)
        refused(b"".join([head, invented, *frames]))
        refused(b"".join([head, *frames[:-1], invented]))
    refused(b"".join([head, LENGTH.pack(2**32 - 1), *frames]))


def test_nothing_of_a_changed_backup_gets_into_the_database(small: bytes, committed_api: Api) -> None:
    new_token(TokenKind.ADMIN)
    emptied()
    empty = everything()
    step = max(len(small) // 40, 1)
    for at in [*range(0, len(small), step), len(small) - 1]:
        changed = bytearray(small)
        changed[at] ^= 0x80
        for backup in (bytes(changed), small[:at], small + b"x"):
            with pytest.raises(REFUSALS):
                restored(backup)
            assert everything() == empty, at
    restored(small)
    assert committed_api.get("/v1/user/login/ann").status_code == 200
