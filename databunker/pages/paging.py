"""Lists in pages: which rows, and where to go from there."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

__all__ = ["PAGE_SIZE", "Paging"]

PAGE_SIZE = 50
_MOST_PAGES = 20_000  # beyond them nobody reads, and databases count rows one by one
_DIGITS = 6


class Paging:
    """The page that the query string asks for by `page`; other fields of the query are kept in the links."""

    def __init__(self, query: QueryDict, *, size: int = PAGE_SIZE) -> None:
        self._query = query
        asked = query.get("page", "")
        number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < _DIGITS else 1
        self.number = min(max(number, 1), _MOST_PAGES)
        self.size = size
        self.total = 0

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def of(self, total: int) -> Paging:
        """To be told how many rows there are in all."""
        self.total = total
        return self

    @property
    def first(self) -> int:
        return self.offset + 1 if self.total else 0

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    @property
    def pages(self) -> int:
        return max(-(-self.total // self.size), 1)

    @property
    def previous(self) -> str:
        """The query of the page before; empty where there is none."""
        return self._to(self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        return self._to(self.number + 1) if self.number < self.pages else ""

    def _to(self, number: int) -> str:
        query: Any = self._query.copy()
        query["page"] = str(number)
        return f"?{query.urlencode()}"
