"""Django's WSGI handler, for requests that break Django's own request object."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest

__all__ = ["Handler", "Request"]


class Request(WSGIRequest):
    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """A Content-Type that can't be read (an unknown encoding in a parameter) is none."""
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc] # missing in the stubs
        except (LookupError, ValueError):
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    request_class = Request
