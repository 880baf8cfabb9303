"""The login takes as long for somebody as for nobody, measured by the clock as an attacker would.

Counting calls and statements (`test_login_tells_nothing.py`) is exact; this looks for what they don't show. Pairs of
requests are interleaved, so that whatever else the machine does falls upon both alike, and compared by rank, so that a
few slow ones decide nothing. What must not happen is a difference that many requests could make visible.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conftest import Api
from tests.support.login import prelogin_path, solved

PAIRS = 400
SOMEBODY, NOBODY = "ann@example.com", "nobody@example.com"
# The share of pairs in which somebody took longer. A half is no difference at all; with so many pairs chance alone
# stays within a half and four standard deviations (0.4 to 0.6), and a machine that does other things adds to that.
MOST_UNEVEN = 0.12
# In time: the median difference, as a share of what the request takes.
MOST_DIFFERENT = 0.03

pytestmark = pytest.mark.slow


@pytest.fixture
def ann(committed_api: Api, settings: Any) -> str:
    settings.EMAIL_HOST = "127.0.0.1"
    settings.CAPTCHA_PROOF_BITS = 4
    for what in ("CODES", "TRIES"):
        for whom in ("PERSON", "ADDRESS"):
            setattr(settings, f"LOGIN_{what}_PER_{whom}", "1000000/1h")
    return committed_api.create(email=SOMEBODY, biography="x" * 500_000)


def timed(path: str) -> float:
    began = time.perf_counter()
    Api().get(path)
    return time.perf_counter() - began


def in_pairs(path: Callable[[str], str], pairs: int = PAIRS) -> list[tuple[float, float]]:
    """Of somebody and of nobody, in an order that is drawn anew for each pair."""
    dice = random.Random(7)
    for identity in (SOMEBODY, NOBODY) * 5:
        timed(path(identity))
    found = []
    for _ in range(pairs):
        paths = {identity: path(identity) for identity in (SOMEBODY, NOBODY)}
        order = [SOMEBODY, NOBODY] if dice.random() < 0.5 else [NOBODY, SOMEBODY]
        seconds = {identity: timed(paths[identity]) for identity in order}
        found.append((seconds[SOMEBODY], seconds[NOBODY]))
    return found


def unevenness(pairs: Sequence[tuple[float, float]]) -> float:
    """How far from a half is the share of pairs in which the first took longer."""
    return abs(sum(first > second for first, second in pairs) / len(pairs) - 0.5)


def difference(pairs: Sequence[tuple[float, float]]) -> float:
    """The median of the differences, as a share of the median time."""
    usual = statistics.median(second for _, second in pairs)
    return abs(statistics.median(first - second for first, second in pairs)) / usual


ACTS: dict[str, Callable[[str], str]] = {
    "prelogin": lambda identity: prelogin_path("email", identity, solved(Api())),
    "login": lambda identity: f"/v1/login/email/{identity}/000000",
}


@pytest.mark.parametrize("path", ACTS.values(), ids=ACTS)
def test_nobody_takes_as_long_as_somebody(ann: str, path: Callable[[str], str]) -> None:
    pairs = in_pairs(path)
    assert unevenness(pairs) < MOST_UNEVEN or difference(pairs) < MOST_DIFFERENT, (unevenness(pairs), difference(pairs))


def test_a_difference_would_be_seen() -> None:
    """A tenth more work for somebody, with noise like that of a busy machine."""
    dice = random.Random(3)

    def noisy(usual: float) -> float:
        return usual * math.exp(dice.gauss(0, 0.08)) + (dice.random() < 0.05) * dice.expovariate(1 / usual)

    pairs = [(noisy(1.1), noisy(1.0)) for _ in range(PAIRS)]
    assert unevenness(pairs) > MOST_UNEVEN
    assert difference(pairs) > MOST_DIFFERENT
    same = [(noisy(1.0), noisy(1.0)) for _ in range(PAIRS)]
    assert unevenness(same) < MOST_UNEVEN
    assert difference(same) < MOST_DIFFERENT
