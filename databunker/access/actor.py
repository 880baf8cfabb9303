"""Who acts. An `Actor` is made at the door (API, console, command line) and passed down explicitly."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from .models import DEFAULT_TENANT

if TYPE_CHECKING:
    from .scopes import Scope

__all__ = ["Actor", "ActorKind", "operator"]


class ActorKind(enum.IntEnum):
    """Numbers stand in audit events: never change or reuse one."""

    ANYONE = 0
    ROOT = 1
    ADMIN = 2
    PERSON = 3
    OPERATOR = 4  # manage.py on the server
    ACCOUNT = 5  # somebody at the console

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Actor:
    """The caller of one request or command.

    `token_id` is the row of its access token, never the token; of an account the row of that. `subject` is the person
    that a person's own token belongs to. `request_id` ties together all that one request did; `address` is the
    client's. `scope` narrows what its kind may do; None: it doesn't. `purpose` is what the caller says it acts for.
    """

    kind: ActorKind
    tenant: int = DEFAULT_TENANT
    token_id: int | None = None
    subject: bytes | None = None
    request_id: UUID = field(default_factory=uuid4)
    address: str = ""
    scope: Scope | None = None
    purpose: str = ""


def operator() -> Actor:
    """The operator at the command line, who holds the keys anyway."""
    return Actor(kind=ActorKind.OPERATOR)
