"""Django settings, made from the environment; `environment.py` has the table of what can be set."""

from __future__ import annotations

import logging
import os
import secrets
from importlib.resources import files
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from .databases import database_config
from .environment import BASE_DIR, RESOURCES, read
from .logs import logging_config
from .pages import content_security_policy

_env = environ.Env()
_env_file = Path(os.environ.get("DATABUNKER_ENV_FILE", str(BASE_DIR / ".env")))
if _env_file.is_file():
    # What the library can't read of the file it would quote, and it may be a key.
    logging.getLogger("environ").setLevel(logging.CRITICAL)
    _env.read_env(_env_file)

# Each setting of the table becomes an attribute of django.conf.settings under its own name.
_values: dict[str, Any] = read(_env)
globals().update(_values)

_MIN_SECRET_KEY = 50  # Django's own recommendation
DEBUG = False
SECRET_KEY: str = _values["SECRET_KEY"] or secrets.token_urlsafe(64)
if len(SECRET_KEY) < _MIN_SECRET_KEY:
    raise ImproperlyConfigured(f"SECRET_KEY must have at least {_MIN_SECRET_KEY} random characters")

DATABASES: dict[str, dict[str, Any]] = {
    "default": database_config(
        _values["DATABASE_URL"],
        base_dir=BASE_DIR,
        connect_seconds=_values["DATABASE_CONNECT_SECONDS"],
        busy_seconds=_values["SQLITE_BUSY_SECONDS"],
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.messages",
    "csp",
    "databunker.crypto",
    "databunker.access",
    "databunker.notify",
    "databunker",
    "audit",
    "databunker.erasure",
    "databunker.accounts",
    "vault",
    "databunker.watch",
    "gdpr",
    "databunker.pages",
    "databunker.api",
    "databunker.console",
    "databunker.portal",
]

# For pages. The API's endpoints are called without it (databunker/api/handler.py): they need no cookies, no sessions
# and no HTML, and each layer would cost a few per cent of a request (docs/performance.md).
MIDDLEWARE = [
    "databunker.pages.middleware.faults",
    "databunker.pages.middleware.headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "databunker.pages.middleware.scheme",
    "databunker.pages.middleware.language",
    "databunker.pages.middleware.sessions",
    "databunker.pages.middleware.BoundedForms",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "databunker.urls"
WSGI_APPLICATION = "databunker.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [RESOURCES / "templates"],
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.csrf", "databunker.pages.context.page"],
            "builtins": ["django.templatetags.i18n", "databunker.pages.templatetags.pages"],
        },
    }
]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español")]
LOCALE_PATHS = [RESOURCES / "locale"]
STATIC_URL = "/static/"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATICFILES_DIRS = [RESOURCES / "static", ("django_htmx", files("django_htmx") / "static" / "django_htmx")]
WHITENOISE_USE_FINDERS = True  # no `collectstatic`: the few files there are stand where they are
WHITENOISE_MAX_AGE = 31_536_000  # addresses of files change with what is in them: see the tag `asset`

PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
_SECURE: bool = _values["PAGES_HTTPS"]
CSRF_COOKIE_NAME = "__Host-csrf" if _SECURE else "csrf"
CSRF_COOKIE_SECURE = _SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_AGE = None  # until the browser is closed
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "databunker.pages.errors.csrf_refused"
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SECURE = _SECURE
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CONTENT_SECURITY_POLICY = content_security_policy(_values["UI_LOGO_LINK"])
# Of the API's bodies; forms of pages are bounded by databunker.pages.middleware.BoundedForms.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(_values["MAX_BODY_BYTES"], _values["MAX_BULK_BODY_BYTES"])

SILENCED_SYSTEM_CHECKS = [
    # Checks for middleware of Django's own: headers of pages come from databunker.pages.middleware, all in one place.
    "security.W001",
    "security.W002",
    # MariaDB and MySQL have no partial indexes and go without: see `audit.models`.
    "models.W037",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["databunker.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "databunker.api.openapi.document.DescribedSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Databunker",
    "DESCRIPTION": "A vault for personal records: a whole record goes in as JSON, a UUID token comes out.\n\n"
    "Bodies are JSON or forms, answers JSON with a `status`: `ok`, or `error` with a `message`. Every answer has an "
    "`X-Request-ID`, yours if you sent a UUID. With `V1_LEGACY_STATUS` most refusals have the code 405.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DEFAULT_GENERATOR_CLASS": "databunker.api.openapi.document.Generator",
    "SORT_OPERATIONS": False,  # as databunker/api/v1/urls.py has them
    "POSTPROCESSING_HOOKS": [],
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # its warnings are about routes that have no serializer: ours have none
}

LOGGING = logging_config(_values["LOG_LEVEL"])
