"""What a long command needs of its process: few garbage collections, and an end at the next good moment."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["few_collections", "signals"]

_COLLECTION_THRESHOLD = 200_000


@contextmanager
def few_collections() -> Iterator[None]:
    """A load makes many small objects and no cycles of them: to look for these as often as usual costs a tenth."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECTION_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def signals() -> Iterator[list[int]]:
    """The signals that came: the first ends the load after the batch at hand, another one at once."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return

    def note(number: int, _: Any) -> None:
        caught.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
