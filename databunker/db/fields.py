"""Column types that Django lacks: short binary values that can be indexed on all three databases.

Counters and numbers of enumerations are plain integer columns in our models: the CHECK that Django gives its
positive ones costs every INSERT, and only our own code writes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

__all__ = ["FixedBinaryField", "SealedField"]


if TYPE_CHECKING:
    _Binary = models.BinaryField[Any, Any]  # generic for the type checker alone
else:
    _Binary = models.BinaryField


class FixedBinaryField(_Binary):
    """Exactly `length` bytes (a keyed hash, a MAC). Unlike BinaryField it can be a key on MySQL."""

    def __init__(self, *args: Any, length: int, **kwargs: Any) -> None:
        self.length = length
        super().__init__(*args, **{**kwargs, "max_length": length})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_length", None)
        return name, path, args, {**kwargs, "length": self.length}

    def db_type(self, connection: Any) -> str | None:
        if connection.vendor == "mysql":
            return f"binary({self.length})"
        return super().db_type(connection)

    def from_db_value(self, value: Any, expression: object, connection: object) -> bytes | None:
        return None if value is None else bytes(value)


class SealedField(_Binary):
    """An envelope of `databunker.crypto.envelope`; always bytes on the way out, whatever the driver gives."""

    def from_db_value(self, value: Any, expression: object, connection: object) -> bytes | None:
        return None if value is None else bytes(value)
