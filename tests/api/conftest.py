"""What the tests through the door share."""

from __future__ import annotations

import pytest

from databunker.api import refusals


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test may be refused as often as a new process may, whatever the tests before it did."""
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})
