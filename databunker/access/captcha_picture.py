"""The picture of a captcha: digits turned, shifted, bent and crossed out, of one fixed size.

What is random about it comes from a keyed hash, so that a captcha has one picture and no stranger can draw it.
"""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling, Transform

from databunker.crypto import hashing

__all__ = ["HEIGHT", "WIDTH", "draw"]

WIDTH, HEIGHT = 220, 80
_MARGIN = 14
_BACKGROUND, _INK = 255, 40
_LINES, _DOTS, _STRIP = 6, 700, 4
_MOST_TURNED = 24


class _Chance:
    """Numbers that look random and are the same for the same seed."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._block = b""
        self._blocks = 0

    def below(self, end: int) -> int:
        """A number from 0 to `end` - 1, which is at most a few hundred: two bytes are even enough."""
        if len(self._block) < 2:  # noqa: PLR2004 - of a number
            self._block = hashing.mac(self._blocks.to_bytes(4, "big"), key=self._seed)
            self._blocks += 1
        number, self._block = int.from_bytes(self._block[:2], "big"), self._block[2:]
        return number % end

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)


def draw(digits: str, *, seed: bytes) -> bytes:
    """The digits as PNG."""
    chance = _Chance(seed)
    image = Image.new("L", (WIDTH, HEIGHT), _BACKGROUND)
    _write(image, digits, chance)
    image = _bent(image, chance)
    _spoil(image, chance)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _write(image: Image.Image, digits: str, chance: _Chance) -> None:
    width = (WIDTH - 2 * _MARGIN) // len(digits)
    for number, digit in enumerate(digits):
        # The font that comes with the library: no file to be found, none to be exchanged.
        font = ImageFont.load_default(size=chance.between(38, 48))
        glyph = Image.new("L", (HEIGHT, HEIGHT), 0)
        ImageDraw.Draw(glyph).text((HEIGHT // 2, HEIGHT // 2), digit, fill=255, font=font, anchor="mm")
        glyph = glyph.rotate(chance.between(-_MOST_TURNED, _MOST_TURNED), resample=Resampling.BICUBIC)
        center = _MARGIN + width * number + width // 2 + chance.between(-3, 3)
        image.paste(chance.between(0, _INK * 2), (center - HEIGHT // 2, chance.between(-8, 8)), glyph)


def _bent(image: Image.Image, chance: _Chance) -> Image.Image:
    """Each strip of columns moved up or down along a wave."""
    depth, length, phase = chance.between(4, 7), chance.between(60, 110), chance.below(100)
    mesh = []
    for left in range(0, WIDTH, _STRIP):
        right = min(left + _STRIP, WIDTH)
        down = depth * math.sin((left + phase) * 2 * math.pi / length)
        corners = (left, down, left, HEIGHT + down, right, HEIGHT + down, right, down)
        mesh.append(((left, 0, right, HEIGHT), corners))
    return image.transform(image.size, Transform.MESH, mesh, resample=Resampling.BILINEAR, fillcolor=_BACKGROUND)


def _spoil(image: Image.Image, chance: _Chance) -> None:
    """Lines in the ink and in the colour of the paper, and dots of both."""
    pencil = ImageDraw.Draw(image)
    for number in range(_LINES):
        ends = (0, chance.below(HEIGHT), WIDTH, chance.below(HEIGHT))
        pencil.line(ends, fill=_BACKGROUND if number % 3 == 0 else _INK, width=chance.between(1, 2))
    for number in range(_DOTS):
        spot = (chance.below(WIDTH), chance.below(HEIGHT))
        pencil.point(spot, fill=_BACKGROUND if number % 3 == 0 else chance.below(200))
