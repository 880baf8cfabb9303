"""Django's WSGI handler, with a short way to the API and for requests that break Django's own request object."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest, get_path_info
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from .routing import Match, Routes

__all__ = ["Handler", "Request", "answered"]


class Request(WSGIRequest):
    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """A Content-Type that can't be read (an unknown encoding in a parameter, or parts that don't sort) is none."""
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc] # missing in the stubs
        except (LookupError, ValueError, TypeError):
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    """Calls the API's endpoints itself: they need no middleware and answer for each of their failures.

    Finding the view among all routes, walking Django's chain of wrappers and telling its signals, to which nobody
    listens (`databunker.db.connections`), was a fifth of a read (docs/performance.md). Whatever is no route of the
    API takes Django's way.
    """

    request_class = Request

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._routes = Routes()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        match = self._routes.find(get_path_info(environ))
        if match is None:
            return super().__call__(environ, start_response)
        request = self.request_class(environ)
        response = answered(request, match)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        if not isinstance(response, HttpResponse):
            return response  # a stream: the server closes it when it has been sent, or can't be
        request.close()
        return (response.content,)


def answered(request: Request, match: Match) -> HttpResponseBase:
    """The answer of the endpoint that `match` names."""
    request.resolver_match = match  # type: ignore[assignment] # endpoints want nothing but its route
    return match.endpoint().dispatch(request, **match.kwargs)
