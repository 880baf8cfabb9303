"""The events of the trail in words for the person whom they are about: who, and what was done."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from gdpr.report_words import ACTORS

from .words import Words

__all__ = ["ACTORS", "DONE"]

_SAW_DATA = _("saw your data")
_LOOKED_UP = _("looked you up")
_ENTERED = _("entered your data")
_DELETED = _("deleted your data")
_SAW_APPS = _("saw what an application keeps")
_SAW_SHARES = _("saw what is shared of you")
_SAW_CONSENTS = _("saw your consents")
_UPDATED_CONSENTS = _("brought your consents up to date")
_SAW_REQUESTS = _("saw your requests")
_SAW_TRAIL = _("saw who has seen your data")
_SAW_END = _("saw how long your data is kept")
_KEPT = _("had your data kept for longer")

# By the code of the event's type. What is not here is told by its own title.
DONE: dict[str, Words] = {
    "record.create": _ENTERED,
    "record.adopt": _ENTERED,
    "record.load": _ENTERED,
    "record.read": _SAW_DATA,
    "record.list": _LOOKED_UP,
    "record.change": _("changed your data"),
    "record.forget": _DELETED,
    "person.look": _LOOKED_UP,
    "person.data": _LOOKED_UP,
    "person.reveal": _SAW_DATA,
    "person.reveal_fields": _SAW_DATA,
    "person.reveal_app": _SAW_APPS,
    "report.read": _("took a report with all your data"),
    "identity.left_out": _("left out an address or number of yours that somebody else has"),
    "app.store": _("changed what an application keeps"),
    "app.change": _("changed what an application keeps"),
    "app.read": _SAW_APPS,
    "app.list": _SAW_APPS,
    "app.delete": _("deleted what an application kept"),
    "session.store": _("began or renewed a session of yours"),
    "session.read": _("used a session of yours"),
    "session.delete": _("ended a session of yours"),
    "session.list": _("saw your sessions"),
    "share.create": _("shared a part of your data"),
    "share.read": _("read what is shared of you"),
    "share.revoke": _("ended a sharing of your data"),
    "share.list": _SAW_SHARES,
    "token.issue": _("made a key to your data"),
    "token.revoke": _("ended a key to your data"),
    "token.narrow": _("changed what a key to your data may do"),
    "agreement.accept": _("recorded a consent of yours"),
    "agreement.withdraw": _("recorded that you don't agree, or no longer"),
    "agreement.read": _SAW_CONSENTS,
    "agreement.list": _SAW_CONSENTS,
    "agreement.history": _SAW_CONSENTS,
    "agreement.link": _UPDATED_CONSENTS,
    "agreement.expire": _UPDATED_CONSENTS,
    "agreement.drop": _UPDATED_CONSENTS,
    "agreement.revoke_all": _UPDATED_CONSENTS,
    "agreement.adopt": _UPDATED_CONSENTS,
    "request.open": _("asked for a decision"),
    "request.read": _SAW_REQUESTS,
    "request.list": _SAW_REQUESTS,
    "request.approve": _("granted a request of yours"),
    "request.cancel": _("refused a request of yours, or took it back"),
    "request.extend": _("took more time for a request of yours"),
    "request.identity": _("asked for a proof that it is you, or accepted it"),
    "request.assign": _("chose who looks after a request of yours"),
    "request.comment": _("made a note on a request of yours"),
    "request.evidence": _("took a copy of a request of yours, to prove how it was handled"),
    "request.adopt": _("took over a request of yours"),
    "rights.read": _("saw which rights you have used"),
    "restriction.set": _("restricted the use of your data"),
    "restriction.lift": _("allowed the use of your data again"),
    "objection.make": _("recorded an objection of yours"),
    "objection.withdraw": _("recorded that you take back an objection"),
    "erasure.preview": _("looked at what a deletion would delete"),
    "erasure.schedule": _("set a day for the deletion of your data"),
    "erasure.withdraw": _("called off the deletion of your data"),
    "receipt.read": _("read the receipt of the deletion"),
    "retention.start": _("set how long your data is kept"),
    "retention.status": _SAW_END,
    "retention.list": _SAW_END,
    "retention.cancel": _KEPT,
    "retention.retain": _KEPT,
    "retention.delete": _DELETED,
    "login.prelogin": _("asked for a code to sign in as you"),
    "login.ok": _("signed in"),
    "login.bad": _("failed to sign in as you"),
    "login.list": _("saw where you are signed in"),
    "login.end": _("signed you out somewhere"),
    "audit.list": _SAW_TRAIL,
    "audit.get": _SAW_TRAIL,
    "audit.proof": _SAW_TRAIL,
}
