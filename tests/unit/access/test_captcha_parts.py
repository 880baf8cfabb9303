"""The puzzle and the picture of a captcha, each alone."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from PIL import Image

from databunker.access.captcha_picture import HEIGHT, WIDTH, draw
from databunker.access.proof_of_work import challenge, solves


def test_a_known_solution(settings: Any) -> None:
    """As anybody can check: printf '%s' c0ffee79 | sha256sum begins with eight zero bits, and no lower number does."""
    settings.CAPTCHA_PROOF_BITS = 8
    lowest = next(n for n in range(10_000) if hashlib.sha256(f"c0ffee{n}".encode()).hexdigest().startswith("00"))
    assert solves(str(lowest), salt="c0ffee")
    assert not any(solves(str(n), salt="c0ffee") for n in range(lowest))
    assert challenge("c0ffee") == {"algorithm": "SHA-256", "salt": "c0ffee", "bits": 8}


@pytest.mark.parametrize("bits", [4, 5, 11, 16])
def test_as_many_zero_bits_as_the_setting_says(settings: Any, bits: int) -> None:
    settings.CAPTCHA_PROOF_BITS = bits
    number = next(n for n in range(10_000_000) if solves(str(n), salt="salt"))
    head = int.from_bytes(hashlib.sha256(f"salt{number}".encode()).digest(), "big")
    assert head >> (256 - bits) == 0


@pytest.mark.parametrize("answer", ["", "x", "-1", " 1", "1 ", "1.0", "٣", "1" * 16, "0x1", "1\n"])
def test_what_is_no_number_solves_nothing(settings: Any, answer: str) -> None:
    settings.CAPTCHA_PROOF_BITS = 0
    assert not solves(answer, salt="salt")


def pixels(png: bytes) -> list[int]:
    return list(Image.open(io.BytesIO(png)).convert("L").tobytes())


def test_a_picture_follows_from_digits_and_seed() -> None:
    seed = bytes(range(16))
    assert draw("123456", seed=seed) == draw("123456", seed=seed)
    assert len({draw("123456", seed=bytes([number]) * 16) for number in range(10)}) == 10
    assert len(pixels(draw("000000", seed=seed))) == WIDTH * HEIGHT


@pytest.mark.parametrize("digit", "0123456789")
def test_every_digit_leaves_ink(digit: str) -> None:
    """More than the lines and dots would: a picture of nothing asks the impossible."""
    seed = bytes(range(16))
    dark = [sum(value < 128 for value in pixels(draw(text, seed=seed))) for text in (" " * 6, digit * 6)]
    assert dark[1] > dark[0] + 500
