"""`/v1/openapi.json`: this description."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse

from databunker.api.answers import raw
from databunker.api.endpoint import Call, Endpoint
from databunker.api.openapi import Answer, Operation, schemas
from databunker.api.openapi.document import document_json

__all__ = ["Document"]


class Document(Endpoint):
    """`GET /v1/openapi.json`: what this server understands, as OpenAPI 3.1."""

    public: ClassVar = {"GET": None}

    @Operation("Read this document", answer=Answer(schemas.OBJECT))
    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        return raw(document_json())
