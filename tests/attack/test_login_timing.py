"""Both doors take as long for somebody as for nobody, measured by the clock as an attacker would.

Counting calls and statements (`test_login_tells_nothing.py`, `test_console_tells_nothing.py`) is exact; this looks for
what they don't show. Pairs of
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

import databunker.settings as product
from tests.conftest import Api
from tests.pages.conftest import Visitor, make_account
from tests.support.login import prelogin_path, solved

PAIRS = 400
HASHED_PAIRS = 150  # each hash takes a tenth of a second; without it the difference is nearly all of the time
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


Act = Callable[[], object]


def timed(act: Act) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def in_pairs(prepared: Callable[[str], Act], pairs: int = PAIRS) -> list[tuple[float, float]]:
    """Of somebody and of nobody, in an order that is drawn anew for each pair."""
    dice = random.Random(7)
    for identity in (SOMEBODY, NOBODY) * 5:
        timed(prepared(identity))
    found = []
    for _ in range(pairs):
        acts = {identity: prepared(identity) for identity in (SOMEBODY, NOBODY)}
        order = [SOMEBODY, NOBODY] if dice.random() < 0.5 else [NOBODY, SOMEBODY]
        seconds = {identity: timed(acts[identity]) for identity in order}
        found.append((seconds[SOMEBODY], seconds[NOBODY]))
    return found


def unevenness(pairs: Sequence[tuple[float, float]]) -> float:
    """How far from a half is the share of pairs in which the first took longer."""
    return abs(sum(first > second for first, second in pairs) / len(pairs) - 0.5)


def difference(pairs: Sequence[tuple[float, float]]) -> float:
    """The median of the differences, as a share of the median time."""
    usual = statistics.median(second for _, second in pairs)
    return abs(statistics.median(first - second for first, second in pairs)) / usual


def is_even(pairs: Sequence[tuple[float, float]]) -> bool:
    return unevenness(pairs) < MOST_UNEVEN or difference(pairs) < MOST_DIFFERENT


PATHS: dict[str, Callable[[str], str]] = {
    "prelogin": lambda identity: prelogin_path("email", identity, solved(Api())),
    "login": lambda identity: f"/v1/login/email/{identity}/000000",
}


def get(path: str) -> Act:
    return lambda: Api().get(path)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_nobody_takes_as_long_as_somebody(ann: str, path: Callable[[str], str]) -> None:
    pairs = in_pairs(lambda identity: get(path(identity)))
    assert is_even(pairs), (unevenness(pairs), difference(pairs))


@pytest.mark.database_independent
def test_a_name_that_no_account_has_takes_as_long_at_the_console(committed_vault: None, settings: Any) -> None:
    """With the product's own Argon2: it is what takes the time, for everybody once."""
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    settings.CONSOLE_TRIES_PER_ACCOUNT = settings.CONSOLE_TRIES_PER_ADDRESS = "100000/1h"
    make_account(SOMEBODY, "dpo")
    stranger = Visitor()
    pairs = in_pairs(
        lambda name: lambda: stranger.post("/console/sign-in", name=name, password="quite another sentence"),
        HASHED_PAIRS,
    )
    assert is_even(pairs), (unevenness(pairs), difference(pairs))


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
