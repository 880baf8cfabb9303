"""Why a load does not start or does not go on. For the operator: may name files, never what stands in them."""

from __future__ import annotations

__all__ = ["LoadError", "LoadRefused", "LoadStopped"]


class LoadError(Exception):
    """Base; the text says what to do."""


class LoadRefused(LoadError):
    """Nothing was done: the command or its files are not as they must be."""


class LoadStopped(LoadError):
    """The batches before this one are stored, this one is not."""
