"""What a task of maintenance says of people whom it must not forget."""

from __future__ import annotations

__all__ = ["Tampered"]


class Tampered(Exception):
    """Somebody's end, or record, was changed in the database: nobody is forgotten by it. `done` others were."""

    def __init__(self, done: int) -> None:
        super().__init__("an expiration or a record was changed in the database")
        self.done = done
