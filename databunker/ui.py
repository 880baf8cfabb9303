"""What pages show of the operator: name, address and links, with the keys that the peer's pages know."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

__all__ = ["check_links", "ui_configuration"]

# The peer's keys on the wire, each with the setting that it is made of.
_KEYS = {
    "LogoLink": "UI_LOGO_LINK",
    "CompanyTitle": "UI_COMPANY_TITLE",
    "CompanyVAT": "UI_COMPANY_VAT",
    "CompanyCity": "UI_COMPANY_CITY",
    "CompanyLink": "UI_COMPANY_LINK",
    "CompanyCountry": "UI_COMPANY_COUNTRY",
    "CompanyAddress": "UI_COMPANY_ADDRESS",
    "TermOfServiceTitle": "UI_TERM_OF_SERVICE_TITLE",
    "TermOfServiceLink": "UI_TERM_OF_SERVICE_LINK",
    "PrivacyPolicyTitle": "UI_PRIVACY_POLICY_TITLE",
    "PrivacyPolicyLink": "UI_PRIVACY_POLICY_LINK",
    "CustomCSSLink": "UI_CUSTOM_CSS_LINK",
    "SupportLink": "UI_SUPPORT_LINK",
}
# What people may do for themselves at once; everything else becomes a request.
_FEATURES = {
    "forget_me": "SELFSERVICE_FORGET_ME",
    "user_record_change": "SELFSERVICE_USER_RECORD_CHANGE",
    "app_record_change": "SELFSERVICE_APP_RECORD_CHANGE",
}


def ui_configuration() -> dict[str, Any]:
    """For anyone: it holds nothing but what pages show to everybody."""
    shown: dict[str, Any] = {key: getattr(settings, name) for key, name in _KEYS.items()}
    # The peer's pages ask for it; we have no such lookup in another product.
    shown["MagicLookup"] = False
    shown["features"] = {key: getattr(settings, name) for key, name in _FEATURES.items()}
    return shown


_BEGINNINGS = ("https://", "http://", "/", "mailto:")


@register()
def check_links(**_: Any) -> list[CheckMessage]:
    """Nothing but an address gets into the links of a page: no script either."""
    return [
        Error(f"{name} must begin with {', '.join(_BEGINNINGS[:-1])} or {_BEGINNINGS[-1]}", id="databunker.E001")
        for name in _KEYS.values()
        if name.endswith("_LINK") and (value := getattr(settings, name)) and not value.startswith(_BEGINNINGS)
    ]
