from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .vault_client import Unavailable, VaultError


class VaultAway:
    """Pages that need no personal data go on without the vault; the others say so, also where it refuses for now."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, VaultError):
            return None
        return render(request, "people/away.html", status=503 if isinstance(error, Unavailable) else 409)
