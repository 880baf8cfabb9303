"""Verify the trail: every event against its leaf, every leaf against the signed heads, and what has no leaf yet."""

from .findings import Findings, Kind, Problem
from .run import Options, Report, verify

__all__ = ["Findings", "Kind", "Options", "Problem", "Report", "verify"]
