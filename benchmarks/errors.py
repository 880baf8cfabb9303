"""What stops a measurement."""

__all__ = ["HarnessError"]


class HarnessError(Exception):
    """A figure can't be had, or would be wrong; the message says why."""
