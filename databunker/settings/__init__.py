"""Django settings, made from the environment; `environment.py` has the table of what can be set."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from .databases import database_config
from .environment import BASE_DIR, read
from .logs import logging_config

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
    "databunker.crypto",
    "databunker.access",
    "databunker",
    "audit",
    "vault",
    "databunker.api",
]

# The API needs none of Django's middleware: no cookies, no sessions, no HTML. Each layer would cost a few
# per cent of a request (docs/performance.md); views set the headers that matter themselves.
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "databunker.urls"
WSGI_APPLICATION = "databunker.wsgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
DATA_UPLOAD_MAX_MEMORY_SIZE = max(_values["MAX_BODY_BYTES"], _values["MAX_BULK_BODY_BYTES"])

SILENCED_SYSTEM_CHECKS = [
    # Checks of middleware that serves web pages. The API has no cookie, no session and no page to frame.
    "security.W001",
    "security.W002",
    "security.W003",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["databunker.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Databunker",
    "DESCRIPTION": "A vault for personal records: a whole record goes in as JSON, a UUID token comes out.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # its warnings are about routes that have no serializer: ours have none
}

LOGGING = logging_config(_values["LOG_LEVEL"])
