"""Guarded reads of the workflows: permission and event before the answer."""

from .agreements import (
    AgreementView,
    History,
    HistoryLine,
    list_agreements,
    list_histories,
    read_agreement,
    read_history,
)
from .cases import CaseEvent, case_events
from .choices import Choice, list_choices, read_choice
from .cookies import CookieSettings, cookie_settings
from .erasure import Erased, ErasurePreview, Kept, Part, Why, preview_erasure
from .evidence import Evidence, read_evidence
from .legal_bases import (
    COUNTED,
    BasisLine,
    BasisPage,
    BasisView,
    Revocation,
    TextVersion,
    look_at_bases,
    look_at_basis,
    preview_revocation,
)
from .people import PersonView, look_at_person, open_for_edit, reveal_app, reveal_fields, reveal_person
from .person_parts import AppSeen, PersonData, SessionSeen, ShareSeen, look_at_data
from .registers import (
    ActivityPage,
    ActivityView,
    export_activities,
    list_activities,
    list_legal_bases,
    list_linkable,
    look_at_activities,
    look_at_activity,
)
from .report import read_report
from .requests import (
    RequestExport,
    RequestPage,
    RequestView,
    export_requests,
    list_requests,
    list_requests_of,
    read_request,
)
from .retention import ExpirationView, expirations_of, read_expiration
from .rights import Objection, Rights, list_objectionable, objectionable_briefs, read_rights, seen_rights
from .sign_ins import SignInView, list_sign_ins

__all__ = [
    "COUNTED",
    "ActivityPage",
    "ActivityView",
    "AgreementView",
    "AppSeen",
    "BasisLine",
    "BasisPage",
    "BasisView",
    "CaseEvent",
    "Choice",
    "CookieSettings",
    "Erased",
    "ErasurePreview",
    "Evidence",
    "ExpirationView",
    "History",
    "HistoryLine",
    "Kept",
    "Objection",
    "Part",
    "PersonData",
    "PersonView",
    "RequestExport",
    "RequestPage",
    "RequestView",
    "Revocation",
    "Rights",
    "SessionSeen",
    "ShareSeen",
    "SignInView",
    "TextVersion",
    "Why",
    "case_events",
    "cookie_settings",
    "expirations_of",
    "export_activities",
    "export_requests",
    "list_activities",
    "list_agreements",
    "list_choices",
    "list_histories",
    "list_legal_bases",
    "list_linkable",
    "list_objectionable",
    "list_requests",
    "list_requests_of",
    "list_sign_ins",
    "look_at_activities",
    "look_at_activity",
    "look_at_bases",
    "look_at_basis",
    "look_at_data",
    "look_at_person",
    "objectionable_briefs",
    "open_for_edit",
    "preview_erasure",
    "preview_revocation",
    "read_agreement",
    "read_choice",
    "read_evidence",
    "read_expiration",
    "read_history",
    "read_report",
    "read_request",
    "read_rights",
    "reveal_app",
    "reveal_fields",
    "reveal_person",
    "seen_rights",
]
