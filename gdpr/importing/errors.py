"""Why an import does not start or does not go on. For the operator: never what stands in a row."""

from __future__ import annotations

__all__ = ["ImportError_", "ImportRefused", "ImportStopped"]


class ImportError_(Exception):  # noqa: N801 - the language has an ImportError
    """Base; the text says what to do."""


class ImportRefused(ImportError_):
    """Nothing was done: the command or the other database is not as it must be."""


class ImportStopped(ImportError_):
    """What was stored stays, the batch at hand is not."""
