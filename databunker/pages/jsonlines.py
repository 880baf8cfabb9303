"""Lists as JSON Lines, sent while they are being read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.http import StreamingHttpResponse

__all__ = ["as_json_lines"]


def as_json_lines(rows: Iterable[Mapping[str, Any]], *, filename: str) -> StreamingHttpResponse:
    """One object a line. `filename` is code, never input."""
    return StreamingHttpResponse(
        (orjson.dumps(row) + b"\n" for row in rows),
        content_type="application/jsonl; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
