"""Answers: a JSON object with a `status`, never stored by a cache on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django.http import HttpResponse, StreamingHttpResponse

from databunker import jsontext

__all__ = ["JSON_UTF8", "answer", "failure", "raw", "streamed"]

JSON_UTF8 = "application/json; charset=utf-8"


def raw(body: bytes, *, status: int = 200, content_type: str = JSON_UTF8) -> HttpResponse:
    return HttpResponse(
        body,
        status=status,
        headers={
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def answer(**fields: Any) -> HttpResponse:
    """`{"status":"ok", …fields}`; JSON that is at hand as bytes goes in as `orjson.Fragment`."""
    return raw(jsontext.dumps({"status": "ok", **fields}))


def failure(message: str, *, status: int, **shown: str) -> HttpResponse:
    return raw(orjson.dumps({"status": "error", "message": message, **shown}), status=status)


def streamed(parts: Iterable[bytes], *, filename: str) -> StreamingHttpResponse:
    """A file that is sent while it is being made. `parts` is closed in the end, if it can be."""
    return StreamingHttpResponse(
        parts,
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
