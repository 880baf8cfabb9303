"""A stream of frames opens as it was sealed: in order, whole, behind its preamble, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.secret_stream import (
    FRAME_OVERHEAD,
    STREAM_HEADER_BYTES,
    StreamOpener,
    StreamSealer,
    new_stream_key,
)

KEY = bytes(range(32))
PREAMBLE = b"what stands before"
PARTS = [b"one", b"", b"three" * 1000, b"four"]


def sealed(parts: list[bytes] = PARTS, *, key: bytes = KEY) -> tuple[bytes, list[bytes]]:
    sealer = StreamSealer(key, preamble=PREAMBLE)
    frames = [sealer.seal(part, final=number == len(parts)) for number, part in enumerate(parts, start=1)]
    return sealer.header, frames


def opened(header: bytes, frames: list[bytes], *, key: bytes = KEY, preamble: bytes = PREAMBLE) -> list[bytes]:
    """What they hold, if the last one and only that is the final one."""
    opener = StreamOpener(key, header=header, preamble=preamble)
    found = [opener.open(frame) for frame in frames]
    if [final for _, final in found] != [False] * (len(found) - 1) + [True]:
        raise IntegrityFailure("the stream was cut")
    return [part for part, _ in found]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=8))
def test_what_is_sealed_opens(parts: list[bytes]) -> None:
    header, frames = sealed(parts)
    assert len(header) == STREAM_HEADER_BYTES
    assert [len(frame) for frame in frames] == [len(part) + FRAME_OVERHEAD for part in parts]
    assert opened(header, frames) == parts


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([1, 0, 2, 3], id="swapped"),
        pytest.param([0, 2, 3], id="left out"),
        pytest.param([1, 2, 3], id="the first left out"),
        pytest.param([0, 1, 1, 2, 3], id="repeated"),
        pytest.param([0, 1, 2], id="cut"),
        pytest.param([0, 1, 2, 3, 3], id="the last one twice"),
        pytest.param([3], id="the last one alone"),
    ],
)
def test_frames_open_only_in_their_order(order: list[int]) -> None:
    header, frames = sealed()
    with pytest.raises(IntegrityFailure):
        opened(header, [frames[place] for place in order])


def test_a_frame_of_another_stream_does_not_open() -> None:
    header, frames = sealed()
    _, others = sealed()
    for place in range(len(frames)):
        with pytest.raises(IntegrityFailure):
            opened(header, [*frames[:place], others[place], *frames[place + 1 :]])


def test_each_changed_bit_is_refused() -> None:
    header, frames = sealed([b"one", b"two"])
    whole = header + frames[0]
    for at in range(len(whole)):
        for bit in range(8):
            changed = bytearray(whole)
            changed[at] ^= 1 << bit
            with pytest.raises(IntegrityFailure):
                opened(bytes(changed[:STREAM_HEADER_BYTES]), [bytes(changed[STREAM_HEADER_BYTES:]), frames[1]])


@pytest.mark.parametrize("preamble", [b"", PREAMBLE[:-1], PREAMBLE + b"\x00", b"another"])
def test_another_preamble_is_refused(preamble: bytes) -> None:
    header, frames = sealed()
    with pytest.raises(IntegrityFailure):
        opened(header, frames, preamble=preamble)


def test_another_key_is_refused() -> None:
    header, frames = sealed()
    with pytest.raises(IntegrityFailure):
        opened(header, frames, key=bytes(32))


@pytest.mark.parametrize("length", range(FRAME_OVERHEAD))
def test_what_is_too_short_for_a_frame_is_refused(length: int) -> None:
    header, frames = sealed()
    with pytest.raises(IntegrityFailure):
        opened(header, [frames[0][:length]])


def test_two_streams_of_the_same_have_nothing_in_common() -> None:
    (first, frames), (second, others) = sealed([b"same"]), sealed([b"same"])
    assert first != second
    assert frames != others
    assert new_stream_key() != new_stream_key()
