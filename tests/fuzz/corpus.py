"""The inputs that are kept: each was made by hand or found by `make fuzz`, and every one is tried in every test run."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CORPUS", "inputs_of"]

CORPUS = Path(__file__).parent / "corpus"


def inputs_of(target: str) -> dict[str, bytes]:
    """By the names of their files."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / target).iterdir())}
