"""Every setting of the product: its name, type, default and meaning, in one table.

`docs/configuration.md` is made from this table (`manage.py show_settings --markdown`), and a test keeps
the two alike. Values come from the environment or from a `.env` file: beside `manage.py` in a clone, else where the
process was started.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

__all__ = ["BASE_DIR", "COMMAND", "RESOURCES", "SETTINGS", "Setting", "read"]

_PACKAGE = Path(__file__).resolve().parent.parent
_IN_A_CLONE = (_PACKAGE.parent / "manage.py").is_file()
# Where `.env` and `var/` are.
BASE_DIR = _PACKAGE.parent if _IN_A_CLONE else Path.cwd()
# Where `static/`, `templates/`, `locale/` and `deploy/` are; a wheel has them inside of the package.
RESOURCES = _PACKAGE.parent if _IN_A_CLONE else _PACKAGE / "resources"
# What starts a command of ours as a process of its own.
COMMAND = [sys.executable, str(BASE_DIR / "manage.py")] if _IN_A_CLONE else [sys.executable, "-m", "databunker"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable."""

    name: str
    kind: type
    default: Any
    meaning: str
    group: str
    secret: bool = False
    choices: tuple[str, ...] = field(default=())
    minimum: int | None = None
    maximum: int | None = None


def _group(group: str, *rows: tuple[Any, ...]) -> list[Setting]:
    """Rows of (name, kind, default, meaning[, options])."""
    return [
        Setting(name, kind, default, meaning, group, **(rest[0] if rest else {}))
        for name, kind, default, meaning, *rest in rows
    ]


SETTINGS: list[Setting] = [
    *_group(
        "Keys and tokens",
        ("DATABUNKER_MASTERKEY", str, "", "The wrapping key: 32 bytes as 64 hex digits or base64. Set exactly one of this, `_FILE`, `_COMMAND` and `_TRANSIT`; see [keys](keys.md).", {"secret": True}),
        ("DATABUNKER_MASTERKEY_FILE", str, "", "A file that holds the wrapping key. `manage.py init` creates it (mode 0600) for a new vault."),
        ("DATABUNKER_MASTERKEY_COMMAND", str, "", "A command (run without a shell, for at most 30 seconds) that prints the wrapping key, for a KMS client.", {"secret": True}),
        ("DATABUNKER_MASTERKEY_TRANSIT", str, "", "The wrapping key as HashiCorp Vault's Transit has encrypted it (`vault:v1:…`); needs `TRANSIT_URL`. `manage.py init` prints it for a new vault.", {"secret": True}),
        ("DATABUNKER_MASTERKEY_OLD", str, "", "The wrapping key before this one, while it is being replaced and to restore older backups: it opens, and wraps nothing any more. Also `_OLD_FILE`, `_OLD_COMMAND` and `_OLD_TRANSIT`.", {"secret": True}),
        ("DATABUNKER_MASTERKEY_OLD_FILE", str, "", "A file that holds the wrapping key before this one."),
        ("DATABUNKER_MASTERKEY_OLD_COMMAND", str, "", "A command that prints it.", {"secret": True}),
        ("DATABUNKER_MASTERKEY_OLD_TRANSIT", str, "", "What Transit has made of it.", {"secret": True}),
        ("TRANSIT_URL", str, "", "The address of HashiCorp Vault, or of what speaks its API, such as `https://vault.internal:8200`. A private address must be named in `OUTGOING_ALLOW_PRIVATE`."),
        ("TRANSIT_KEY", str, "", "The name of the key that encrypts the wrapping key there."),
        ("TRANSIT_MOUNT", str, "transit", "Where the Transit engine is mounted."),
        ("TRANSIT_NAMESPACE", str, "", "The namespace that it is in, if any."),
        ("TRANSIT_TOKEN", str, "", "The token to call it with; it needs `update` on `transit/decrypt/NAME`, and on `transit/encrypt/NAME` to make a new wrapping key.", {"secret": True}),
        ("TRANSIT_TOKEN_FILE", str, "", "A file that holds the token, such as Vault Agent keeps up to date; read anew at each call."),
        ("TRANSIT_TIMEOUT_SECONDS", int, 10, "How long one call of it may take.", {"minimum": 1, "maximum": 120}),
        ("DATABUNKER_ROOTTOKEN", str, "", "The root access token that `manage.py init` stores (as a keyed hash). Unset: it makes a random UUID and prints it once. At least 32 characters.", {"secret": True}),
        ("DATABUNKER_DEMO", bool, False, "Demonstration mode: allows short root tokens such as `DEMO`. Never with real data."),
        ("SECRET_KEY", str, "", "Django's key for signing cookies; at least 50 random characters, the same on all hosts. Unset: random for each process.", {"secret": True}),
        ("KEYRING_CACHE_SECONDS", int, 30, "How long a process uses its copy of the keyring: a rotated key is in use everywhere after this time.", {"minimum": 0}),
        ("KEY_LIFETIME", str, "365d", "How long the newest key that encrypts may be in use before the log warns once a day that `manage.py keys rotate` is due."),
        ("AUTH_CACHE_SECONDS", int, 5, "How long a process trusts an access token that it has checked: a revoked token is refused everywhere after this time.", {"minimum": 0}),
    ),
    *_group(
        "Server and database",
        ("DATABASE_URL", str, "", "`sqlite:///path`, `postgres://user:password@host:port/name` or `mysql://user:password@host:port/name`. Unset: SQLite in `var/databunker.sqlite3`. What follows a `?` goes to PostgreSQL's driver: `?sslmode=verify-full`; see [TLS](deployment.md#tls).", {"secret": True}),
        ("DATABASE_CONNECT_SECONDS", int, 5, "How long to wait for the database server when connecting.", {"minimum": 1}),
        ("DATABASE_ANSWER_SECONDS", int, 30, "How long a request waits for one answer of a PostgreSQL or MySQL server that hangs, before it is answered 503. Commands wait as long as it takes.", {"minimum": 1}),
        ("DATABASE_PREPARED_STATEMENTS", bool, True, "Prepare frequent statements in each PostgreSQL session. Switch off behind a pooler that shares sessions between transactions, such as pgbouncer in transaction mode."),
        ("SQLITE_BUSY_SECONDS", int, 30, "How long a SQLite writer waits for its turn.", {"minimum": 1}),
        ("BUNKER_HOST", str, "127.0.0.1", "The address that the server listens on."),
        ("BUNKER_PORT", int, 3000, "The port that the server listens on.", {"minimum": 1, "maximum": 65535}),
        ("BUNKER_WORKERS", int, 0, "Worker processes; 0 means one for each processor core.", {"minimum": 0}),
        ("BUNKER_THREADS", int, 4, "Threads of each worker; each holds one database connection.", {"minimum": 1}),
        ("BUNKER_CONNECTIONS", int, 900, "Open connections of each worker; to have more, raise the limit of file descriptors (`ulimit -n`, 1,024 as a rule). A new one takes the place of the one that has been idle for longest.", {"minimum": 1}),
        ("BUNKER_QUEUE_MILLISECONDS", int, 100, "How long requests may wait for a thread, or 16 times what a request takes, where that is longer. Once all have waited longer for 0.1 s, or so many wait that the last of them will wait longer, and longer than 0.25 s, most are answered 503 with Retry-After as they come, until nobody waits. 0: for ever.", {"minimum": 0}),
        ("REQUEST_SECONDS", int, 60, "How long a client may take to send a request that is too long to be waited for without a thread (64 KiB).", {"minimum": 1}),
        ("ALLOWED_HOSTS", list, ["localhost", "127.0.0.1", "[::1]"], "Host names that web pages answer to, separated by commas."),
        ("LOG_LEVEL", str, "INFO", "Least severity that is logged.", {"choices": ("DEBUG", "INFO", "WARNING", "ERROR")}),
        ("TRUSTED_PROXIES", int, 0, "How many reverse proxies stand in front and append to `X-Forwarded-For`.", {"minimum": 0}),
        ("METRICS_ALLOWED_ADDRESSES", list, ["127.0.0.1", "::1"], "Client addresses that may read `/v1/metrics` without a token."),
        ("READY_OUTBOX_LAG_SECONDS", int, 86_400, "How long a message may be due before `/readyz` answers `outbox`: for so long nothing has delivered, so the scheduler is gone. 0: it never does.", {"minimum": 0}),
        ("TRACING_URL", str, "", "Where spans of requests are sent to by OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`; needs `requirements-otel.txt`; see [operations](operations.md#traces). Unset: there are none.", {"secret": True}),
        ("TRACING_SERVICE", str, "databunker", "The `service.name` of these spans."),
        ("CORS_ALLOWED_ORIGINS", list, [], "Origins whose pages may call the API, such as `https://shop.example.com`."),
    ),
    *_group(
        "Records",
        ("USER_SCHEMA_FILE", str, "", "A JSON Schema (Draft 2020-12) that every profile must meet; see [record schema](schema.md)."),
        ("IDENTITY_FIELDS", list, [], "Further fields to find people by, each `name[:text|email|phone][:unique|shared]`, such as `customer_id:text:unique,work_email:email:shared`."),
        ("DEFAULT_COUNTRY", str, "GB", "Country (ISO 3166-1) of telephone numbers written without a country code."),
        ("LENIENT_PHONE", bool, False, "Accept a profile whose phone is not a telephone number; it is then not findable by phone."),
        ("CREATE_USER_WITHOUT_ACCESS_TOKEN", bool, False, "Let anyone call `POST /v1/user`."),
        ("LIST_USERS", str, "off", "`POST /v1/users`, and the console's list: `off`, `unlock` (needs an unlock of 60 s first) or `legacy` (as the peer: a token is enough; the console needs the unlock all the same).", {"choices": ("off", "unlock", "legacy")}),
        ("SELFSERVICE_USER_RECORD_CHANGE", bool, False, "Let people change their own record at once, except fields that the schema marks `admin`."),
        ("SELFSERVICE_APP_RECORD_CHANGE", list, [], "Applications whose data people may change themselves at once: names or patterns such as `*`, `ship*`, `*ing`, `*pp*`."),
        ("SELFSERVICE_FORGET_ME", bool, False, "Let people have themselves forgotten at once."),
        ("ANONYMOUS_AGREEMENTS", bool, False, "Let anyone accept an agreement by e-mail or phone for a person who does not exist yet."),
    ),
    *_group(
        "Requests",
        ("FORGET_ME_COOLING_OFF", str, "", "How long somebody who asked to be forgotten may still withdraw that, such as `7d`: the erasure waits so long where the person, an account of the console or the approval of a request wants it. Unset: it happens at once; see [erasure](erasure.md#cooling-off)."),
        ("REQUESTS_PER_DAY", int, 20, "How many requests one person may open in 24 hours, whatever becomes of them; those to be forgotten are not counted. 0: as many as the person likes.", {"minimum": 0}),
        ("REPORTS_PER_PERSON", str, "30/1h", "How often one person may take the report about itself: a number, a slash and a period."),
        ("RESTRICTED_PURPOSES", list, [], "Purposes (`X-Bunker-Purpose`) for which applications may still process data whose processing is restricted, such as `legal-claims`; see [restriction](gdpr.md#restriction-of-processing)."),
        ("SUPERVISORY_AUTHORITY", str, "", "The supervisory authority that people may complain to, by name and address, such as `Data Protection Authority, 1 Example Street, Sampletown`: whoever is refused is told; see [refusing](requests.md#refusing)."),
        ("REFUSAL_NOTICE", str, "", "What whoever is refused is told of the ways to act against that. Unset: that there are a supervisory authority and the courts (Art. 12(4) GDPR), in MAIL_LANGUAGE."),
        ("REQUEST_MAIL", bool, True, "Mail people when a request of theirs is refused or extended, or needs proof of identity, with the reason; where EMAIL_HOST is set and the profile has an e-mail address."),
        ("MAIL_LANGUAGE", str, "en", "The language of these mails, of what people are told of their rights, and of login codes; the portal sends those in the language of its pages.", {"choices": ("en", "de", "fr", "es")}),
        ("HOLIDAYS", list, [], "Public holidays, each as `2027-01-01`: a request that would be due on one, or on a Saturday or Sunday, is due on the next working day."),
    ),
    *_group(
        "Retention",
        ("MAX_USER_RETENTION", str, "3m", "Longest and usual time from the start of a person's expiration to its end: `10d`, `5h`, `30s`, `1m` for a month of 31 days, or seconds."),
        ("MAX_SESSION_RETENTION", str, "1h", "Longest and usual life of a session, written likewise."),
        ("MAX_SHAREABLE_RECORD_RETENTION", str, "1m", "Longest and usual life of a shared record, written likewise."),
        ("MAX_AUDIT_RETENTION", str, "", "Delete events of the audit trail that are older than this, such as `6m`. Unset: they are kept for ever; see [retention](retention.md)."),
        ("EXPIRATION_LINK_ACTS_ON_GET", bool, True, "`GET /v1/exp/retain/…` and `/v1/exp/delete/…` of a caller that does not ask for HTML act at once, as with the peer. `false`: they always show the page with the button, and only POST acts."),
        ("ERASURE_JOURNAL_FILE", str, "", "A file outside of the database, and best on another machine's disk, to which each forgetting is appended; see [erasure](erasure.md). After a restore it makes sure that forgotten people don't come back. Unset: none is written."),
        ("ERASURE_JOURNAL_URL", str, "", "Where each forgetting is posted to, too, signed like a webhook with NOTIFICATION_SECRET. Unset: nowhere.", {"secret": True}),
        ("RECEIPTS_PER_ADDRESS", str, "120/1h", "How many receipts of erasures one client address may ask for: a number, a slash and a period."),
        ("MAINTENANCE_SECONDS", int, 60, "How often `manage.py scheduler` looks for what has expired.", {"minimum": 1}),
        ("PENDING_AGREEMENT_RETENTION", str, "6m", "How long an agreement given by e-mail or phone waits for its person to be created, before it is deleted; written likewise."),
    ),
    *_group(
        "Pages",
        ("PAGES_HTTPS", bool, True, "Whether people reach the pages by HTTPS: cookies then travel by it alone. `false` only to try the product without it."),
        ("CONSOLE_IDLE_MINUTES", int, 15, "How long a session of the console may go unused.", {"minimum": 1, "maximum": 1440}),
        ("CONSOLE_SESSION_HOURS", int, 10, "How long a session of the console lives at most.", {"minimum": 1, "maximum": 168}),
        ("CONSOLE_CONFIRM_MINUTES", int, 5, "How long after signing in, or after confirming it by password and second factor, something dangerous may be done.", {"minimum": 1, "maximum": 60}),
        ("CONSOLE_SECOND_FACTOR", str, "required", "Whether accounts must have a second factor.", {"choices": ("required", "optional")}),
        ("CONSOLE_TRIES_PER_ACCOUNT", str, "8/1h", "How often a password, and how often a second factor, may be tried for one account before it is locked for a while: a number, a slash and a period. Signing in begins the count anew."),
        ("CONSOLE_TRIES_PER_ADDRESS", str, "60/1h", "How often one client address may try. Behind proxies set TRUSTED_PROXIES."),
        ("CONSOLE_BREAK_GLASS", bool, False, "Let the holder of a root token in, for the day on which no account can sign in. Each time leaves an event and a warning in the log."),
        ("CONSOLE_OIDC_ISSUER", str, "", "The OpenID Connect provider by which accounts may sign in, such as `https://login.example.com`; see [console](console.md). Unset: none."),
        ("CONSOLE_OIDC_CLIENT_ID", str, "", "What the provider calls this vault."),
        ("CONSOLE_OIDC_CLIENT_SECRET", str, "", "The secret that it has given to this vault. Unset: a public client, by PKCE alone.", {"secret": True}),
        ("CONSOLE_OIDC_NAME", str, "OpenID Connect", "What the console calls the provider."),
        ("CONSOLE_OIDC_HOSTS", list, [], "Further hosts that the provider may name as its own addresses."),
        ("CONSOLE_OIDC_SECOND_FACTOR", bool, False, "The provider asks for a second factor itself, so that the console doesn't."),
        ("PORTAL_IDLE_MINUTES", int, 10, "How long a person's session at the portal may go unused; it ends with LOGIN_TOKEN_LIFE in any case.", {"minimum": 1, "maximum": 1440}),
        ("CONTROLLER_CONTACT", str, "", "Name and contact details of the controller, and of a representative, as the register of processing activities (GDPR Art. 30) has them."),
        ("DPO_CONTACT", str, "", "Name and contact details of the data protection officer, for the same register."),
        ("UI_COMPANY_TITLE", str, "", "Who runs this vault, as pages show it."),
        ("UI_COMPANY_LINK", str, "", "The company's own pages."),
        ("UI_COMPANY_ADDRESS", str, "", "Street and number of the company."),
        ("UI_COMPANY_CITY", str, "", "The company's city."),
        ("UI_COMPANY_COUNTRY", str, "", "The company's country."),
        ("UI_COMPANY_VAT", str, "", "The company's VAT number."),
        ("UI_LOGO_LINK", str, "", "Picture with the company's logo."),
        ("UI_COLOR", str, "", "The colour of links and buttons on the pages, such as `#1f4fa3`. The vault doesn't start with one that is hard to read; in the dark it is lightened."),
        ("UI_COLOR_DARK", str, "", "The colour of links in the dark, where the lightened `UI_COLOR` is not the right one."),
        ("UI_CUSTOM_CSS_LINK", str, "", "Stylesheet of your own."),
        ("UI_TERM_OF_SERVICE_TITLE", str, "", "Title of the terms of service."),
        ("UI_TERM_OF_SERVICE_LINK", str, "", "Page with the terms of service."),
        ("UI_PRIVACY_POLICY_TITLE", str, "", "Title of the privacy policy."),
        ("UI_PRIVACY_POLICY_LINK", str, "", "Page with the privacy policy."),
        ("UI_SUPPORT_LINK", str, "", "Where people find help."),
    ),
    *_group(
        "Limits",
        ("MAX_BODY_BYTES", int, 1_048_576, "Largest request body.", {"minimum": 1024}),
        ("MAX_BULK_BODY_BYTES", int, 33_554_432, "Largest request body of `POST /v1/users/bulk`.", {"minimum": 1024}),
        ("MAX_FORM_FIELDS", int, 1000, "Most fields of a form body.", {"minimum": 1}),
        ("TOKEN_CALLS", str, "", "How often one access token of an application may call, unless its scope says so: a number, a slash and a period such as `6000/60s` (`m` is a month). Unset: as often as it likes; see [access](access.md#limits)."),
        ("FAILED_CALLS_PER_ADDRESS", str, "300/60s", "How many calls of one client address may be refused for want of a right, before they are answered with 429. Behind proxies set TRUSTED_PROXIES. Empty: no limit."),
        ("ANONYMOUS_CALLS_PER_ADDRESS", str, "600/60s", "How many calls without a token that concern a person's data (shared records, links, log-in) one client address may make. Empty: no limit."),
        ("THROTTLE_STORE", str, "", "A Redis server that counts for all processes, such as `redis://127.0.0.1:6379/0`. Unset, or while it is away: the database counts.", {"secret": True}),
        ("V1_LEGACY_STATUS", bool, False, "Answer errors of the v1 API with the peer's HTTP codes (405 for nearly all)."),
    ),
    *_group(
        "Notifications",
        ("NOTIFICATION_URL", str, "", "Where webhooks are sent to, such as `https://shop.example.com/hooks/vault`; see [notifications](notifications.md). Unset: none are.", {"secret": True}),
        ("NOTIFICATION_SECRET", str, "", "The key that webhooks are signed with; at least 32 random characters, the same at the receiver.", {"secret": True}),
        ("NOTIFICATION_TIMEOUT_SECONDS", int, 10, "How long one attempt to send a webhook, a mail or a text message may take.", {"minimum": 1, "maximum": 120}),
        ("NOTIFICATION_ATTEMPTS", int, 16, "Attempts before a message is a dead letter. The waits between them grow from 10 seconds to 6 hours: 16 attempts take about a day.", {"minimum": 1, "maximum": 100}),
        ("NOTIFICATION_DEAD_DAYS", int, 14, "How long dead letters are kept.", {"minimum": 1, "maximum": 365}),
        ("OUTGOING_ALLOW_PRIVATE", list, [], "Receivers that may have private addresses: `all`, or host names, addresses and networks such as `hooks.internal,10.1.0.0/16`."),
    ),
    *_group(
        "Mail",
        ("EMAIL_HOST", str, "", "The SMTP server that takes our mail. Unset: no mail is sent."),
        ("EMAIL_PORT", int, 587, "Its port.", {"minimum": 1, "maximum": 65535}),
        ("EMAIL_TLS", str, "starttls", "`starttls` (usually on port 587), `tls` from the first byte on (465), or `none`.", {"choices": ("starttls", "tls", "none")}),
        ("EMAIL_HOST_USER", str, "", "The name to sign in with. Unset: without signing in."),
        ("EMAIL_HOST_PASSWORD", str, "", "The password for it.", {"secret": True}),
        ("EMAIL_FROM", str, "", "The address that mails come from, such as `Example Shop <privacy@shop.example.com>`."),
    ),
    *_group(
        "Text messages",
        ("SMS_URL", str, "", "The HTTP gateway that takes text messages. In it and in the body `_PHONE_`, `_FROM_`, `_TOKEN_` and `_MSG_` are replaced. Unset: none are sent.", {"secret": True}),
        ("SMS_METHOD", str, "POST", "How it is called.", {"choices": ("GET", "POST")}),
        ("SMS_BODY", str, "", "The body of a POST, such as `To=_PHONE_&From=_FROM_&Body=_MSG_`.", {"secret": True}),
        ("SMS_CONTENT_TYPE", str, "application/x-www-form-urlencoded", "The type of that body; values are written as it demands."),
        ("SMS_FROM", str, "", "What `_FROM_` stands for."),
        ("SMS_TOKEN", str, "", "What `_TOKEN_` stands for.", {"secret": True}),
        ("SMS_BASIC_AUTH", str, "", "`user:password` for HTTP Basic authentication.", {"secret": True}),
        ("SMS_CUSTOM_HEADER", str, "", "One more header, such as `X-Api-Key: abc`.", {"secret": True}),
    ),
    *_group(
        "Login of people",
        ("LOGIN_CODE_SECONDS", int, 120, "How long a login code is good.", {"minimum": 30, "maximum": 600}),
        ("LOGIN_TOKEN_LIFE", str, "600s", "How long the access token is good that a person gets by logging in: a period such as `600s` or `1h`."),
        ("LOGIN_CODES_PER_PERSON", str, "5/1h", "How many login codes may be asked for one e-mail address or telephone number: a number, a slash and a period. All may be used at once; they come back evenly over the period."),
        ("LOGIN_CODES_PER_ADDRESS", str, "60/1h", "How many login codes one client address (of IPv6, one network of 64 bits) may ask for. Behind proxies set TRUSTED_PROXIES."),
        ("LOGIN_TRIES_PER_PERSON", str, "15/1h", "How many codes may be tried for one e-mail address or telephone number; each single code is good for 5 tries."),
        ("LOGIN_TRIES_PER_ADDRESS", str, "120/1h", "How many codes one client address may try."),
        ("CAPTCHA_PICTURES_PER_ADDRESS", str, "300/1h", "How many captcha pictures one client address may ask for."),
        ("CAPTCHA_PROOF_BITS", int, 18, "How much a client has to compute that solves the captcha's challenge instead of its picture: about two to this power hashes.", {"minimum": 4, "maximum": 32}),
    ),
    *_group(
        "Watch",
        ("ANOMALY_PEOPLE_PER_HOUR", int, 10_000, "An access token that reads more different people in an hour is told of; see [access](access.md#anomalies). 0: no such limit.", {"minimum": 0}),
        ("ANOMALY_PEOPLE_PER_DAY", int, 100_000, "The same for a day.", {"minimum": 0}),
        ("ANOMALY_FACTOR", int, 3, "It is told of, too, when it reads so many times more than in any hour of the week before, or any day of four weeks. 0: never.", {"minimum": 0}),
        ("ANOMALY_LEAST", int, 100, "As long as it is no more than so many, it is not unusual for that.", {"minimum": 1}),
    ),
    *_group(
        "Audit",
        ("AUDIT_CLIENT_ADDRESS", bool, False, "Keep the client's address in each event, sealed."),
        ("AUDIT_SEAL_SECONDS", int, 5, "How often the scheduler gathers new events into the signed tree; see [audit](audit.md).", {"minimum": 1, "maximum": 3600}),
        ("AUDIT_WITNESS_FILE", str, "", "A file outside of the database, and best on another machine's disk, to which each signed head of the trail is appended: it shows a rollback of the whole database. Unset: none is written."),
        ("AUDIT_WITNESS_URL", str, "", "Where each signed head is posted to, too, signed like a webhook with NOTIFICATION_SECRET. Unset: nowhere.", {"secret": True}),
    ),
]


def read(env: environ.Env) -> dict[str, Any]:
    """Every setting by name, checked.

    Raises:
        ImproperlyConfigured: a value that can't be used; the message names the variable and says what fits.
    """
    return {setting.name: _read_one(env, setting) for setting in SETTINGS}


def _read_one(env: environ.Env, setting: Setting) -> Any:
    # Texts as they are: django-environ takes one that begins with $ for the name of another variable.
    value = env.ENVIRON.get(setting.name, setting.default) if setting.kind is str else _cast(env, setting)
    if setting.choices and value not in setting.choices:
        raise ImproperlyConfigured(f"{setting.name} must be one of {', '.join(setting.choices)}")
    if setting.minimum is not None and value < setting.minimum:
        raise ImproperlyConfigured(f"{setting.name} must be at least {setting.minimum}")
    if setting.maximum is not None and value > setting.maximum:
        raise ImproperlyConfigured(f"{setting.name} must be at most {setting.maximum}")
    return value


def _cast(env: environ.Env, setting: Setting) -> Any:
    try:
        value = env.get_value(setting.name, cast=setting.kind, default=setting.default)
    except (ValueError, TypeError):
        raise ImproperlyConfigured(f"{setting.name} must be a {_KIND_NAMES[setting.kind]}") from None
    if setting.kind is bool and env.ENVIRON.get(setting.name, "").lower() not in _BOOLEANS:
        raise ImproperlyConfigured(f"{setting.name} must be true or false")
    return value


_KIND_NAMES = {int: "whole number", bool: "true or false", str: "text", list: "comma-separated list"}
_BOOLEANS = {"", "true", "false", "1", "0", "yes", "no", "on", "off", "y", "n", "ok"}
