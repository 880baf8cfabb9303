"""What is shown while a load runs, where nobody sits at a terminal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vault.loading import Options, Tally
from vault.loading.display import Lines, display, summary

OPTIONS = Options(Path("rejects"), None, 1000, restart=False)


def tally(**given: Any) -> Tally:
    return Tally(**({"skipped": 0, "bytes_skipped": 0, "recorded": True} | given))


def test_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("vault.loading.display.time.monotonic", lambda: now)
    written: list[str] = []
    with display(written.append, terminal=False, size=10_000) as shown:
        now += Lines.EVERY_SECONDS - 1
        shown.show(tally(created=500, bytes_read=3_000))
        assert written == []
        now += 1
        shown.show(tally(created=990, rejected=10, skipped=1_000, bytes_skipped=2_000, bytes_read=4_000))
        now += 1
        shown.show(tally(created=2_000, bytes_read=5_000))
    assert written == ["2,000 records, 100/s, 40 %, about 30 s left"]


def test_a_pipe_has_no_end_to_foresee(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lines, "EVERY_SECONDS", 0.0)
    written: list[str] = []
    with display(written.append, terminal=False, size=None) as shown:
        shown.show(tally(created=7, bytes_read=100))
    assert written[0].startswith("7 records, ")
    assert written[0].endswith("/s")


def test_many_reasons_are_shortened() -> None:
    reasons = Counter({f"reason {n:02}": 100 - n for n in range(30)})
    text = summary(tally(rejected=reasons.total(), reasons=reasons, has_rejects=True), OPTIONS, label="x", seconds=1.0)
    lines = text.splitlines()
    assert "                   100 reason 00" in lines
    assert "                    81 reason 19" in lines
    assert "reason 20" not in text
    assert f"          {sum(100 - n for n in range(20, 30)):>12,} for other reasons" in lines
