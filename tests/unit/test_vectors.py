"""The vectors as a collection: each file says where it comes from, and refusals outnumber acceptances."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FILES = sorted((Path(__file__).resolve().parent.parent / "vectors").glob("*.json"))
NAMES = {
    "pack", "envelope_v1", "hashing", "master_key", "record_key", "subject", "identity", "event_mac", "token_digest",
    "backup_v1", "erasure_journal_v1", "merkle", "ed25519",
}  # fmt: skip


def test_no_format_has_lost_its_vectors() -> None:
    assert {path.stem for path in FILES} >= NAMES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_has_its_provenance_and_more_negatives_than_positives(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "Made with" in content["about"]
    assert "never change an entry" in content["about"]
    assert len(content["negative"]) > len(content["positive"]) > 0
