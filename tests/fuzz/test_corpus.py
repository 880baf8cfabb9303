"""Every kept input, and some that are made of them, through every reader of strangers' bytes."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databunker.crypto import store

from .corpus import CORPUS, inputs_of
from .targets import TARGETS, use_keyring

SECONDS_AN_INPUT = 2  # thousands of times what is usual, so that a busy machine is no failure


@pytest.fixture(autouse=True)
def _keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "current_keyring", store.current_keyring)
    use_keyring()


def test_every_target_has_inputs() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert all(len(inputs_of(target)) >= 4 for target in TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_no_kept_input_breaks_anything(target: str) -> None:
    """Those of the other targets neither: bytes of strangers come as they like."""
    for other in TARGETS:
        for name, data in inputs_of(other).items():
            began = time.perf_counter()
            TARGETS[target](data)
            assert time.perf_counter() - began < SECONDS_AN_INPUT, (other, name)


def mutated(target: str) -> st.SearchStrategy[bytes]:
    """Kept inputs cut, joined, repeated and with bytes changed."""
    kept = st.sampled_from(list(inputs_of(target).values()))
    flips = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=4)

    def act(first: bytes, second: bytes, cut: int, changes: list[tuple[int, int]], times: int) -> bytes:
        joined = bytearray((first[: cut % (len(first) + 1)] + second[cut % (len(second) + 1) :]) * times)
        for at, byte in changes:
            if joined:
                joined[at % len(joined)] = byte
        return bytes(joined[: 1 << 14])

    return st.builds(act, kept, kept, st.integers(0, 2**16), flips, st.sampled_from([1, 1, 1, 2, 9]))


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_like_them_does(target: str) -> None:
    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(target) | st.binary(max_size=200) | st.text(max_size=60).map(str.encode))
    def check(data: bytes) -> None:
        TARGETS[target](data)

    check()
