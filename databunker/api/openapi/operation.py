"""What the document says of one method of one route, written above the method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, TypeVar

from databunker.errors import VaultError

from .answers import Answer
from .parameters import Query
from .schemas import Schema

__all__ = ["Body", "Link", "Operation", "operation_of"]

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: JSON and, unless it can't be one, a form."""

    schema: Schema
    _: KW_ONLY
    form: bool = True
    required: bool = True


class Link:
    """What can be done next with something of the answer. `to` is an operation's id, such as `users.User.get`.

    Parameters and the body are runtime expressions of OpenAPI, such as `$response.body#/token`, or constants.
    """

    def __init__(self, to: str, *, body: Any = None, **parameters: str) -> None:
        self.to, self.body, self.parameters = to, body, parameters


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route; stands above its handler as a decorator, and leaves that as it is.

    Parts of the path, who may call, and the refusals that follow from these and from a body are found in the
    route itself; `refuses` names the others. `also` has further answers that are no refusals, by status. Several
    answers are of different media types.
    """

    summary: str
    _: KW_ONLY
    answer: Answer | tuple[Answer, ...]
    description: str = ""
    body: Body | None = None
    query: tuple[Query, ...] = ()
    refuses: tuple[type[VaultError], ...] = ()
    also: Mapping[int, Answer | tuple[Answer, ...]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    def __call__(self, handler: Handler) -> Handler:
        _operations[handler] = self
        return handler


_operations: dict[Callable[..., Any], Operation] = {}


def operation_of(view: type, method: str) -> Operation | None:
    """What is declared for this method (such as GET) of the view."""
    handler = getattr(view, method.lower(), None)
    return None if handler is None else _operations.get(handler)
