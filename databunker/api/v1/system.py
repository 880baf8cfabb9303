"""Status, metrics, configuration and backup."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpResponse, StreamingHttpResponse

from databunker import backup, configuration, ui
from databunker.access.actor import Actor
from databunker.access.admission import require_within
from databunker.access.permissions import Permission, require_some
from databunker.api import metrics
from databunker.api.answers import answer, raw, streamed
from databunker.api.authentication import TokenAuthentication
from databunker.api.endpoint import Call, Endpoint, Rule
from databunker.api.openapi import Answer, Operation, ok, row, schemas, text
from databunker.backup.events import BACKUP_CREATED
from databunker.db.statements import fetch_one
from databunker.errors import AccessDenied, Conflict
from databunker.settings.environment import SETTINGS, Setting

__all__ = ["Backup", "Configuration", "Metrics", "Status", "UiConfiguration"]

_TEXT = "text/plain; charset=utf-8"


class Status(Endpoint):
    """`GET /status`: whether the database answers."""

    public: ClassVar = {"GET": None}

    @Operation(
        "Ask whether the vault works",
        description="Also at `/status`. Asks the database.",
        answer=text(schemas.constant("OK")),
        also={500: text(schemas.constant("error"))},
    )
    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        try:
            fetch_one("SELECT 1", [])
        except DatabaseError:
            return raw(b"error", status=500, content_type=_TEXT)
        return raw(b"OK", content_type=_TEXT)


class Metrics(Endpoint):
    """`GET /v1/metrics`: Prometheus text, for METRICS_ALLOWED_ADDRESSES or with a token. No personal data."""

    public: ClassVar = {"GET": None}

    @Operation(
        "Read metrics",
        description="In Prometheus' text format: for the addresses of `METRICS_ALLOWED_ADDRESSES`, else with the token "
        "of an application.",
        answer=text(schemas.TEXT),
        refuses=(AccessDenied,),
    )
    def get(self, call: Call) -> HttpResponse:
        # Behind a proxy that nobody told us of, every caller has the proxy's address.
        unknown_proxy = not settings.TRUSTED_PROXIES and "HTTP_X_FORWARDED_FOR" in call.request.META
        if unknown_proxy or call.actor.address not in settings.METRICS_ALLOWED_ADDRESSES:
            actor: Actor = TokenAuthentication().authenticate(call.request)[0]
            require_within(actor, method="GET", route="v1/metrics")
            require_some(actor, Permission.METRICS_READ)
        return raw(metrics.exposition(), content_type=metrics.CONTENT_TYPE_LATEST)


_HIDDEN = schemas.constant(configuration.HIDDEN)
_KINDS: dict[type, schemas.Schema] = {
    bool: schemas.FLAG,
    int: {"type": "integer"},
    list: {"anyOf": [schemas.NAMES, _HIDDEN]},
    str: schemas.TEXT,
}


def _shown(setting: Setting) -> schemas.Schema:
    """What the configuration can hold of a setting."""
    if setting.secret:
        return {"enum": ["", configuration.HIDDEN], "description": "Whether it is set"}
    if setting.choices:
        return schemas.one_of(*setting.choices)
    bounds: dict[str, Any] = {"minimum": setting.minimum, "maximum": setting.maximum}
    return _KINDS[setting.kind] | {name: bound for name, bound in bounds.items() if bound is not None}


class Configuration(Endpoint):
    """`GET /v1/sys/configuration`: the settings in force, secrets hidden."""

    rules: ClassVar = {"GET": Rule(Permission.CONFIGURATION_READ, configuration.CONFIGURATION_READ)}

    @Operation(
        "Read the settings in force",
        description="Each by its name. Secrets, and addresses with a user, a password or a query, are `***`.",
        answer=ok(configuration=row(**{setting.name: _shown(setting) for setting in SETTINGS})),
    )
    def get(self, call: Call) -> HttpResponse:
        return answer(configuration=configuration.read_configuration(call.actor))


class UiConfiguration(Endpoint):
    """`GET /v1/sys/uiconfiguration`: what pages show of the operator. Nothing personal, so no event."""

    public: ClassVar = {"GET": None}

    @Operation("Read what pages show of the operator", description="Nothing personal.", answer=ok(ui=schemas.UI))
    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        return answer(ui=ui.ui_configuration())


# Each holds a thread for as long as its client takes: one a process, so that the other threads go on serving.
_streaming = threading.Lock()


class Backup(Endpoint):
    """`GET /v1/sys/backup`: the whole vault as one encrypted file, as `manage.py restore` takes it back."""

    rules: ClassVar = {"GET": Rule(Permission.BACKUP_CREATE, BACKUP_CREATED)}

    @Operation(
        "Take a backup",
        description="The whole vault as one encrypted file, sent while it is being made: one at a time of each "
        "process. `manage.py backup --verify` tells a whole file from one that was cut short.",
        answer=Answer(schemas.BINARY, "application/octet-stream"),
        refuses=(Conflict,),
    )
    def get(self, call: Call) -> StreamingHttpResponse:
        if not _streaming.acquire(blocking=False):
            raise Conflict("a backup is being sent already: try again when it is complete")
        try:
            made = backup.create_backup(call.actor)
        except BaseException:
            _streaming.release()
            raise
        name = time.strftime("databunker-%Y%m%dT%H%M%SZ.backup", time.gmtime(made.header.created))
        return streamed(_Sending(made), filename=name)


class _Sending:
    """A backup on its way; closed by the server whatever becomes of the client."""

    def __init__(self, made: backup.Backup) -> None:
        self._made: backup.Backup | None = made
        self._parts = iter(made)

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            try:
                made.close()
            finally:
                _streaming.release()
