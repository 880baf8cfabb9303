"""What browsers may load for our pages: files from here that carry the page's nonce, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF

__all__ = ["content_security_policy"]


def content_security_policy(logo: str) -> dict[str, Any]:
    """As django-csp takes it; `logo` is the address of the operator's picture, or empty."""
    parts = urlsplit(logo)
    pictures = [SELF] + ([f"{parts.scheme}://{parts.netloc}"] if parts.netloc else [])
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [NONCE],
            "style-src": [NONCE],
            "img-src": pictures,
            "font-src": [SELF],
            "connect-src": [SELF],
            "form-action": [SELF],
            "base-uri": [NONE],
            "frame-ancestors": [NONE],
            "object-src": [NONE],
        }
    }
