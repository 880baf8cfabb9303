"""What is answered where a person's wish may have become a request."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from databunker.api.answers import answer
from databunker.api.openapi import Answer, Link, either, ok, row, schemas
from gdpr.actions import Outcome, Requested

__all__ = ["ANOTHER_WAITS", "FOLLOW_REQUEST", "MAY_BE_REQUEST", "answer_outcome", "or_requested"]


MAY_BE_REQUEST = (
    "What a person may not do alone becomes a request, which waits for a decision: `request-exists` where the very "
    "same is asked for already, 409 with its `rtoken` where something else is."
)
ANOTHER_WAITS = {
    409: Answer(
        row(
            status=schemas.constant("error"),
            message=schemas.TEXT,
            optional={"rtoken": {**schemas.UUID, "description": "The request that waits for a decision"}},
        )
    )
}
_RTOKEN = "$response.body#/rtoken"
FOLLOW_REQUEST = tuple(Link(f"requests.RequestOne.{method}", rtoken=_RTOKEN) for method in ("get", "delete"))


def or_requested(done: Answer) -> Answer:
    """What is answered where it was done at once, or where it has become a request."""
    requested = ok(result=schemas.one_of("request-created", "request-exists"), rtoken=schemas.UUID)
    return either(done, requested)


def answer_outcome(outcome: Outcome | None, **done: Any) -> HttpResponse:
    """`done` is answered where it was done at once; without any, the person's token, where it is known."""
    if isinstance(outcome, Requested):
        result = "request-exists" if outcome.existed else "request-created"
        return answer(result=result, rtoken=str(outcome.token))
    return answer(**(done or ({"token": str(outcome.token)} if outcome else {})))
