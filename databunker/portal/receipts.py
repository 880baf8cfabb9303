"""Where anybody may check the receipt of an erasure, in the browser or, without JavaScript, by this server."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from databunker.erasure import verifying
from databunker.erasure.queries import public_keys
from databunker.erasure.statement import KEPT_NOTHING
from databunker.erasure.verifying import MAX_RECEIPT_BYTES, ReceiptRefused
from databunker.ids import parse_token
from databunker.pages.views import Page

__all__ = ["Receipt", "receipt_address", "receipt_path"]


def receipt_path(receipt: UUID) -> str:
    return f"{reverse('portal:receipt')}?id={receipt}"


def receipt_address(request: HttpRequest, receipt: UUID) -> str:
    """With scheme and host: to be written down while the person can still be reached."""
    return request.build_absolute_uri(receipt_path(receipt))


class Receipt(Page):
    """For everyone: nothing of it is personal, and nothing is changed."""

    template_name: ClassVar[str] = "portal/receipt.html"

    def admit(self, request: HttpRequest) -> None:  # noqa: ARG002 - Django's signature
        return

    def get(self, request: HttpRequest) -> HttpResponse:
        receipt = parse_token(request.GET.get("id", ""))
        return self._shown(id=str(receipt) if receipt else "")

    def post(self, request: HttpRequest) -> HttpResponse:
        text = request.POST.get("receipt", "")[: MAX_RECEIPT_BYTES + 1]
        token, person = (request.POST.get(name, "").strip() for name in ("token", "person"))
        return self._shown(text=text, **_judged(text, token=token, person=person))

    def _shown(self, **context: Any) -> HttpResponse:
        keys = " ".join(b64encode(key).decode() for key in public_keys())
        return self.render(**({"keys": keys, "results": []} | context))


def _judged(text: str, *, token: str, person: str) -> dict[str, Any]:
    """`person` is the token's hash in hex: of a browser that hashes, but knows no Ed25519."""
    try:
        receipt = verifying.parse_receipt(text.encode())
        found = verifying.verify_receipt(receipt)
    except ReceiptRefused:
        return {"results": ["refused"]}
    if found.public not in public_keys():
        return {"results": ["foreign"]}
    results = ["genuine", "kept-nothing" if found.kept == KEPT_NOTHING else "kept-preserved"]
    if token or person:
        results.append("mine" if _is_of(receipt, token, person) else "not-mine")
    return {"results": results, "when": found.when}


def _is_of(receipt: Mapping[str, Any], token: str, person: str) -> bool:
    parsed = parse_token(token)
    return verifying.is_of(receipt, parsed) if parsed else person == receipt["person"]
