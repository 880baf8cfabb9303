"""The workflows' audit event types."""

from audit.events import register

__all__ = [
    "ACTIVITIES_EXPORTED",
    "ACTIVITIES_LISTED",
    "ACTIVITY_CHANGED",
    "ACTIVITY_DELETED",
    "ACTIVITY_LINKED",
    "ACTIVITY_READ",
    "ACTIVITY_UNLINKED",
    "AGREEMENTS_DROPPED",
    "AGREEMENTS_EXPIRED",
    "AGREEMENTS_LINKED",
    "AGREEMENTS_LISTED",
    "AGREEMENTS_REVOKED",
    "AGREEMENT_ACCEPTED",
    "AGREEMENT_ADOPTED",
    "AGREEMENT_HISTORY_READ",
    "AGREEMENT_READ",
    "AGREEMENT_WITHDRAWN",
    "APP_REVEALED",
    "ENDS_LISTED",
    "ERASURE_PREVIEWED",
    "ERASURE_SCHEDULED",
    "ERASURE_WITHDRAWN",
    "EXPIRATION_CANCELLED",
    "EXPIRATION_READ",
    "EXPIRATION_STARTED",
    "IMPORT_FINISHED",
    "IMPORT_STARTED",
    "LEGAL_BASES_LISTED",
    "LEGAL_BASIS_CHANGED",
    "LEGAL_BASIS_DELETED",
    "LEGAL_BASIS_READ",
    "LOGIN_CODE_SENT",
    "LOGIN_DONE",
    "LOGIN_REFUSED",
    "MAINTENANCE_DONE",
    "OBJECTION_MADE",
    "OBJECTION_WITHDRAWN",
    "PERSON_DATA_LOOKED_AT",
    "PERSON_DELETED",
    "PERSON_FIELDS_REVEALED",
    "PERSON_LOOKED_AT",
    "PERSON_RETAINED",
    "PERSON_REVEALED",
    "PROCESSING_RESTRICTED",
    "REPORT_READ",
    "REQUESTS_COUNTED",
    "REQUESTS_LISTED",
    "REQUEST_ADOPTED",
    "REQUEST_APPROVED",
    "REQUEST_ASSIGNED",
    "REQUEST_CANCELED",
    "REQUEST_COMMENTED",
    "REQUEST_EVIDENCE_READ",
    "REQUEST_EXTENDED",
    "REQUEST_IDENTITY",
    "REQUEST_OPENED",
    "REQUEST_READ",
    "RESTRICTION_LIFTED",
    "REVOCATION_PREVIEWED",
    "RIGHTS_READ",
    "SIGN_INS_LISTED",
    "SIGN_IN_ENDED",
]

LEGAL_BASES_LISTED = register(200, "lbasis.list", "listed legal bases")
LEGAL_BASIS_CHANGED = register(201, "lbasis.change", "changed a legal basis")
LEGAL_BASIS_DELETED = register(202, "lbasis.delete", "deleted a legal basis")
AGREEMENT_ACCEPTED = register(203, "agreement.accept", "accepted an agreement")
AGREEMENT_WITHDRAWN = register(204, "agreement.withdraw", "withdrew an agreement")
AGREEMENTS_REVOKED = register(205, "agreement.revoke_all", "revoked an agreement for everyone")
AGREEMENT_READ = register(206, "agreement.read", "read an agreement")
AGREEMENTS_LISTED = register(207, "agreement.list", "listed the person's agreements")
AGREEMENT_HISTORY_READ = register(208, "agreement.history", "read the history of an agreement")
AGREEMENTS_LINKED = register(209, "agreement.link", "linked agreements given before the person was known")
AGREEMENTS_EXPIRED = register(210, "agreement.expire", "ended agreements whose time was over")
ACTIVITIES_LISTED = register(211, "pactivity.list", "listed processing activities")
ACTIVITY_CHANGED = register(212, "pactivity.change", "changed a processing activity")
ACTIVITY_DELETED = register(213, "pactivity.delete", "deleted a processing activity")
ACTIVITY_LINKED = register(214, "pactivity.link", "linked a legal basis to a processing activity")
ACTIVITY_UNLINKED = register(215, "pactivity.unlink", "unlinked a legal basis from a processing activity")
AGREEMENTS_DROPPED = register(216, "agreement.drop", "deleted agreements of people who never came")
LEGAL_BASIS_READ = register(401, "lbasis.read", "looked at a legal basis, and at how many agree to it")
REVOCATION_PREVIEWED = register(402, "agreement.preview_revocation", "looked at how many a revocation would concern")
ACTIVITY_READ = register(403, "pactivity.read", "looked at a processing activity")
ACTIVITIES_EXPORTED = register(404, "pactivity.export", "took the register of processing activities as a file")
EXPIRATION_STARTED = register(240, "retention.start", "set when the person is to be forgotten")
EXPIRATION_READ = register(241, "retention.status", "read when the person is to be forgotten")
EXPIRATION_CANCELLED = register(242, "retention.cancel", "cancelled the person's expiration")
PERSON_RETAINED = register(243, "retention.retain", "had the person kept, by the link of the expiration")
PERSON_DELETED = register(244, "retention.delete", "had the person forgotten, by the link of the expiration")
MAINTENANCE_DONE = register(245, "maintenance.expire", "deleted what had expired")
REQUEST_OPENED = register(220, "request.open", "asked for approval")
REQUEST_READ = register(221, "request.read", "read a request")
REQUESTS_LISTED = register(222, "request.list", "listed requests")
REQUEST_APPROVED = register(223, "request.approve", "approved a request")
REQUEST_CANCELED = register(224, "request.cancel", "canceled or refused a request")
REQUEST_EXTENDED = register(225, "request.extend", "extended the time for a request")
REQUEST_IDENTITY = register(226, "request.identity", "asked for or accepted proof of identity")
REQUEST_ASSIGNED = register(420, "request.assign", "assigned a request")
REQUEST_COMMENTED = register(421, "request.comment", "commented on a request")
REQUEST_EVIDENCE_READ = register(422, "request.evidence", "downloaded the evidence of a request")
REQUESTS_COUNTED = register(423, "request.count", "looked at which requests could be approved together")
REPORT_READ = register(250, "report.read", "read the report")
RIGHTS_READ = register(370, "rights.read", "read which rights the person has exercised")
PROCESSING_RESTRICTED = register(371, "restriction.set", "restricted the processing of the person's data")
RESTRICTION_LIFTED = register(372, "restriction.lift", "lifted the restriction of processing")
OBJECTION_MADE = register(373, "objection.make", "objected to the processing of the person's data")
OBJECTION_WITHDRAWN = register(374, "objection.withdraw", "withdrew an objection")
ERASURE_PREVIEWED = register(375, "erasure.preview", "looked at what forgetting the person would erase")
ERASURE_SCHEDULED = register(376, "erasure.schedule", "had the person's erasure scheduled")
ERASURE_WITHDRAWN = register(377, "erasure.withdraw", "withdrew the person's erasure")
PERSON_LOOKED_AT = register(378, "person.look", "looked the person up, with masked values")
PERSON_REVEALED = register(379, "person.reveal", "saw the profile in clear")
PERSON_DATA_LOOKED_AT = register(380, "person.data", "looked at the data beside the profile, with masked values")
PERSON_FIELDS_REVEALED = register(381, "person.reveal_fields", "saw some fields of the profile in clear")
APP_REVEALED = register(382, "person.reveal_app", "saw an application's data in clear")
ENDS_LISTED = register(383, "retention.list", "listed whose time is over soon")


LOGIN_CODE_SENT = register(140, "login.prelogin", "asked for a login code")
LOGIN_DONE = register(141, "login.ok", "logged in")
LOGIN_REFUSED = register(142, "login.bad", "was refused the login")
IMPORT_STARTED = register(262, "import.start", "started an import from Databunker")
IMPORT_FINISHED = register(263, "import.finish", "finished an import from Databunker")
AGREEMENT_ADOPTED = register(264, "agreement.adopt", "imported an agreement from Databunker")
REQUEST_ADOPTED = register(265, "request.adopt", "imported a request from Databunker")
SIGN_INS_LISTED = register(390, "login.list", "listed where the person is signed in")
SIGN_IN_ENDED = register(391, "login.end", "ended a login of the person")
