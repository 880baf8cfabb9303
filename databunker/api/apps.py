from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "databunker.api"
    label = "api"
    verbose_name = "HTTP API"

    def ready(self) -> None:
        from databunker.access import scopes  # noqa: PLC0415 - models are there from now on

        scopes.known_operations.append(_operations)


def _operations() -> frozenset[str]:
    """Asked for when somebody names a route: at start the routes aren't there yet."""
    from .routing import operations  # noqa: PLC0415

    return operations()
