"""The operator's own colour on every page, in light and dark: readable, or the vault says at its start why not.

WCAG 2.2, 1.4.3: texts have a contrast of 4.5:1. What is asked of a colour is that of links on each background and of
white words on buttons. Backgrounds are those of `static/vault.css`.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

__all__ = ["AA", "check_colours", "contrast", "link_colours", "stylesheet", "stylesheet_version"]

AA = 4.5
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 50
_LINEAR_UNTIL = 0.04045  # of sRGB
_WHITE, _BLACK = "#ffffff", "#000000"
_LIGHT, _DARK = ("#f6f7f9", _WHITE, "#eef1f5"), ("#14171c", "#1c2027", "#262b34")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= _LINEAR_UNTIL else ((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _mixed(colour: str, other: str, share: float) -> str:
    """`colour` with so much of `other`, from 0 to 1."""
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + bytes(round(one + (two - one) * share) for one, two in pairs).hex()


class _Theme(NamedTuple):
    """A colour for links with the wash behind what is marked by it."""

    accent: str
    wash: str
    backgrounds: tuple[str, ...]

    def worst(self) -> float:
        return min(contrast(self.accent, background) for background in (*self.backgrounds, self.wash))


def _light(colour: str) -> _Theme:
    return _Theme(colour, _mixed(colour, _WHITE, 0.92), _LIGHT)


def _dark(colour: str) -> _Theme:
    return _Theme(colour, _mixed(colour, _DARK[0], 0.85), _DARK)


def _lightened(colour: str) -> str:
    """As much white in it as readers in the dark need."""
    shades = (_mixed(colour, _WHITE, step / _STEPS) for step in range(_STEPS + 1))
    return next((shade for shade in shades if _dark(shade).worst() >= AA), _WHITE)


def stylesheet() -> str:
    """The tokens that are the operator's; empty where the pages keep their own colours."""
    return _stylesheet(settings.UI_COLOR, settings.UI_COLOR_DARK)


@lru_cache(maxsize=8)
def _stylesheet(colour: str, in_the_dark: str) -> str:
    if not _HEX.fullmatch(colour):
        return ""
    light, dark = _light(colour), _dark(_in_the_dark(colour, in_the_dark))
    hover = _mixed(colour, _BLACK, 0.2)
    tokens = {
        "accent": f"light-dark({light.accent}, {dark.accent})",
        "accent-wash": f"light-dark({light.wash}, {dark.wash})",
        "accent-fill": colour,
        "accent-fill-hover": hover,
        "on-accent": _WHITE,
    }
    return ":root {\n" + "".join(f"  --{name}: {value};\n" for name, value in tokens.items()) + "}\n"


def _in_the_dark(colour: str, wanted: str) -> str:
    return wanted if _HEX.fullmatch(wanted) else _lightened(colour)


def link_colours() -> tuple[str, str]:
    """The colour of links, in light and in dark; those of `static/vault.css` where none is set."""
    colour = settings.UI_COLOR
    return (colour, _in_the_dark(colour, settings.UI_COLOR_DARK)) if _HEX.fullmatch(colour) else _OURS


_OURS = ("#1f4fa3", "#8ab4ff")


def stylesheet_version() -> str:
    """Changes with the colours, so that browsers may keep them for ever; empty where there are none."""
    text = stylesheet()
    return f"{zlib.crc32(text.encode()):08x}" if text else ""


@register()
def check_colours(**_: Any) -> list[CheckMessage]:
    """The vault doesn't start with colours that not everybody can read."""
    wanted = {"UI_COLOR": (_light, "darker"), "UI_COLOR_DARK": (_dark, "lighter")}
    return [
        problem
        for name, (theme, better) in wanted.items()
        if (value := getattr(settings, name))
        for problem in _problems(name, value, theme, better)
    ]


def _problems(name: str, value: str, theme: Any, better: str) -> list[CheckMessage]:
    if not _HEX.fullmatch(value):
        return [Error(f"{name} must be a colour such as #1f4fa3", id="databunker.E002")]
    found = theme(value).worst()
    if found >= AA:
        return []
    told = f"{name} has a contrast of {found:.1f}:1 with the background; texts need {AA}:1 (WCAG 2.2 AA)"
    return [Error(told, hint=f"Take a {better} colour.", id="databunker.E003")]
