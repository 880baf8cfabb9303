"""The OpenAPI document: each method of each route says what it takes and answers in an `Operation` above it.

From these declarations, the routes and their rules the document is made (`document.py`) when it is first asked
for. Tests hold the declarations to what the routes really do.
"""

from .answers import Answer, either, ok, page, row, text
from .operation import Body, Link, Operation, operation_of
from .parameters import PAGING, Query

__all__ = [
    "PAGING",
    "Answer",
    "Body",
    "Link",
    "Operation",
    "Query",
    "either",
    "ok",
    "operation_of",
    "page",
    "row",
    "text",
]
